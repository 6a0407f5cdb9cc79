"""The version alone: whatever needs it does not import the package, which imports the API."""

__version__ = "0.1.0.dev0"
