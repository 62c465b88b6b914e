"""The door for what WeChat pushes to us: checked, opened, handled once, answered in time and in its own form."""
