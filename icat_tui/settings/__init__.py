"""Settings: their schema and sources, the template of the settings file, and the keys of the terminal UI."""
