"""Incidents: something outside went wrong and waits for a person."""
