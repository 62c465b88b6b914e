"""One cart shared by the people at a table: added to, changed, placed once, paid by one or by all."""
