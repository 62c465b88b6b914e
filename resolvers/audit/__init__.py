"""The audit: every invariant of the books checked against the documents themselves, naming each that breaks one."""
