"""One-time messages: what a person has agreed to be told, and telling it once."""
