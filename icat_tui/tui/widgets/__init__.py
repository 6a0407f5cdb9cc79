"""Widgets: each shows values that it is given, and posts messages in the past tense."""
