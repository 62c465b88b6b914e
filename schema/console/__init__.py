"""The staff endpoint's types and roots: the same things as staff see them."""
