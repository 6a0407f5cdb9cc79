"""The commands: arguments in, one command done, an exit code out."""
