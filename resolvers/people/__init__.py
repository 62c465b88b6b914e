"""People: customers with their identities, sessions, memberships, and the staff of the shops."""
