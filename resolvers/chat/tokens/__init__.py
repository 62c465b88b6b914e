"""The platforms' access tokens, kept once for all processes."""
