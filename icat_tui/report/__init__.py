"""Output for people and programs: texts, JSON records, the overview and its scripts."""
