"""The menu of buttons of an official account."""
