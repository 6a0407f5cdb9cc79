"""Settings: which there are, where they come from, the file to begin with, and the keys of the terminal UI."""
