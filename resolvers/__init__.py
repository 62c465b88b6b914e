"""The core of Kabao: one package per domain, no HTTP and no GraphQL in any of them."""
