"""Two products for the tests of gifts, one whose jobs rest, and the audit of their books after every file."""

from tests.support.products import audit_after_each_file, product

world = product("gifts")
resting = product("gifts_resting", with_jobs=False)
_books_in_order = audit_after_each_file("gifts", "gifts_resting")
