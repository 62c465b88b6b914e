"""Two products for the tests of messages, one whose jobs rest, and the audit of their books after every file."""

from tests.support.products import audit_after_each_file, product

world = product("messages")
resting = product("messages_resting", with_jobs=False)
_books_in_order = audit_after_each_file("messages", "messages_resting")
