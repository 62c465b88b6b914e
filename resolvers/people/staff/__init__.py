"""Who works for the brands."""
