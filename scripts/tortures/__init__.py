"""The torture: clients move money while the primary and the gateway are killed; then the books are checked."""
