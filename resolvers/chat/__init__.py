"""The chat channel: what comes in from the platforms' conversations, and what is sent into them."""
