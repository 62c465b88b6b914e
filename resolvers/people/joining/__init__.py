"""Binding a phone number, and joining the accounts that it shows to be one person's."""
