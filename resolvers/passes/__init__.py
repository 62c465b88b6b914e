"""Passes: cards of so many uses, each of which is a dish."""
