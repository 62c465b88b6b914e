"""House rules as tests, each proven by an example that breaks it."""
