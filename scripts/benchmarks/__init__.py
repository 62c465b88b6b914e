"""Benchmarks: each row is a ratio measured within one run, against the bare driver doing the same database work."""
