"""What is written for people and their programs: words, records, the overview and its scripts."""
