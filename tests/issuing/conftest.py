"""Products of their own for issuing to lists, one of which has its clock moved; the audit after every file."""

from tests.support.products import audit_after_each_file, product

world = product("issuing")
time = product("issuing-time")
_books_in_order = audit_after_each_file("issuing", "issuing-time")
