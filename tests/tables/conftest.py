"""Products of their own for the tests of shared tables, one of which has its clock moved; and the audit."""

from tests.support.products import audit_after_each_file, product

world = product("tables")
time = product("tables-time")
_books_in_order = audit_after_each_file("tables", "tables-time")
