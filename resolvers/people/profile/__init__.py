"""What a customer calls themselves, and their picture."""
