"""Ordering: menus, quotes, and orders from placing to handing over."""
