"""What people run by hand: the local stack, its simulator, the demo data, the checks and the tests."""
