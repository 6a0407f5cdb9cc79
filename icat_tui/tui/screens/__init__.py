"""Dialogs: each is given values, shows them, and is dismissed with a value."""
