"""The journal: the record of all confirmed messages, their sending, and its outcome."""
