"""The journal: what was sent, by whom, and what became of it."""
