"""Replies that a brand gives by itself, by rules in an order."""
