"""The pay password: setting it, guessing at it, and proving it before a card is spent from."""
