"""A product for the tests of menus, slots, tables and the import; the audit after every file."""

from tests.support.products import audit_after_each_file, product

world = product("menu")
_books_in_order = audit_after_each_file("menu")
