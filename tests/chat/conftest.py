"""Products of their own for the tests of the chat channel, one of which has its clock moved; and the audit."""

from tests.support.products import audit_after_each_file, product

world = product("chat")
quiet = product("chat-quiet", with_jobs=False)
_books_in_order = audit_after_each_file("chat", "chat-quiet")
