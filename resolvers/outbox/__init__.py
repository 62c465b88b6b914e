"""The outbox: what must happen outside after a commit, written in that commit and done by a worker."""
