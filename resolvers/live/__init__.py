"""Live updates: what happened to a customer, in order, without holes, and the hub that brings it to sockets."""
