"""Reconciliation: the providers' bills against our own books, line by line, both ways."""
