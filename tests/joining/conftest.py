"""A product for the tests of joining accounts, and the audit of its books after every file."""

from tests.support.products import audit_after_each_file, product

world = product("joining")
_books_in_order = audit_after_each_file("joining")
