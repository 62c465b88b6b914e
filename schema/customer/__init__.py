"""The customer endpoint's types and roots."""
