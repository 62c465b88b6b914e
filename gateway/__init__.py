"""The edge, in both senses: the door in (ASGI, sockets, webhooks, jobs) and the way out (chat platforms, payment)."""
