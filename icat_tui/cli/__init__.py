"""Command line: parses arguments, runs one command and returns its exit code."""
