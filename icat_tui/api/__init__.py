"""The Python API: a client with the names of pyicat-plus, and `scan` and `register`.

What must stay true: the names and signatures of pyicat-plus (icat.md, "Python client") are kept. Settings are those of
the commands (interface.md, "Settings"), without a command line.
"""

from icat_tui.api.client import IcatClient
from icat_tui.api.errors import (
    CatalogueError,
    EncodingError,
    IncompleteError,
    MissingValueError,
    NoServerError,
    NotOfferedError,
    NotStoredError,
    OutcomeUnknownError,
)
from icat_tui.api.registered import DatasetId, DatasetMetadata, RegisteredDataset
from icat_tui.api.sessions import Registration, register, scan
from icat_tui.domain.errors import IcatTuiError

__all__ = [
    "CatalogueError",
    "DatasetId",
    "DatasetMetadata",
    "EncodingError",
    "IcatClient",
    "IcatTuiError",
    "IncompleteError",
    "MissingValueError",
    "NoServerError",
    "NotOfferedError",
    "NotStoredError",
    "OutcomeUnknownError",
    "RegisteredDataset",
    "Registration",
    "register",
    "scan",
]
