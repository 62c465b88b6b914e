"""The books: accounts and an append-only journal of entries that sum to zero."""
