"""Cache of scanned sessions between runs: a file for each session, and an index of all of them."""
