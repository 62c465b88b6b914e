"""Products of their own for the tests of the till, one of which has its clock moved; the audit after every file."""

from tests.support.products import audit_after_each_file, product

world = product("till")
time = product("till-time")
_books_in_order = audit_after_each_file("till", "till-time")
