"""The tour: two people, two chat apps and a shop play the whole story through the public API."""
