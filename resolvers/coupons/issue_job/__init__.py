"""Issuing coupons to a long list of members, as a job that is recorded and can be gone on with."""
