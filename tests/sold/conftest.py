"""A product of its own for the tests of what is sold, and the audit of its books after every file."""

from tests.support.products import audit_after_each_file, product

world = product("sold")
_books_in_order = audit_after_each_file("sold")
