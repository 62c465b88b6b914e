"""What the chat platforms push to us: told apart, handled once, answered in time."""
