"""icat-tui: compare raw data on disk with the ICAT catalogue, and register what is missing."""

__version__ = "0.1.0.dev0"
