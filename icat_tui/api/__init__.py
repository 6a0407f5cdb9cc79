"""The Python API: a client with the names of pyicat-plus, and `scan` and `register`.

What must stay true: the names and signatures of pyicat-plus (icat.md, "Python client") are kept. Settings are those of
the commands (interface.md, "Settings"), without a command line.
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
