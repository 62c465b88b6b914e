"""Payments: what a customer pays with, at the chat platform's provider or from a card, and the refunds of it."""
