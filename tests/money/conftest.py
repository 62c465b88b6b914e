"""Products of their own for the tests of money, one of which has its clock moved; the audit after every file."""

from tests.support.products import audit_after_each_file, product

world = product("money")
time = product("money-time")
_books_in_order = audit_after_each_file("money", "money-time")
