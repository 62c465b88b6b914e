"""A product of its own for live updates, whose events are made old and whose streams are cut."""

from tests.support.products import audit_after_each_file, product

world = product("live")
_books_in_order = audit_after_each_file("live")
