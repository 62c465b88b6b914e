"""Products of their own for the tests of coupons, one of which has its clock moved; the audit after every file."""

from tests.support.products import audit_after_each_file, product

world = product("coupons")
time = product("coupons-time")
_books_in_order = audit_after_each_file("coupons", "coupons-time")
