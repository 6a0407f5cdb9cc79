"""Compare disk and catalogue, decide, and say what was found."""
