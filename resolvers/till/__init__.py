"""The till: short-lived codes that a customer shows, and their redemption by staff."""
