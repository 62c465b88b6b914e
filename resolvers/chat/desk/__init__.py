"""The desk: conversations between a person and the agents of a brand."""
