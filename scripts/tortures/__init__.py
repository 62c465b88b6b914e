"""The torture: clients move money while the database's primary and the gateway are killed; then the books are checked."""
