"""The Python API (icat.md, "Python client", interface.md): a client with the names of pyicat-plus, and `scan` and `register`.

Settings hold here as they do for the commands, but for the command line.
"""

from icat_tui.api.client import DatasetId, DatasetMetadata, IcatClient, RegisteredDataset
from icat_tui.api.errors import CatalogueError, IncompleteError, NotStoredError, OutcomeUnknownError
from icat_tui.api.sessions import Registration, register, scan

__all__ = [
    "CatalogueError",
    "DatasetId",
    "DatasetMetadata",
    "IcatClient",
    "IncompleteError",
    "NotStoredError",
    "OutcomeUnknownError",
    "RegisteredDataset",
    "Registration",
    "register",
    "scan",
]
