"""icat-tui: compare raw data on disk with the ICAT catalogue, and register what is missing.

The Python API, imported when it is used: `IcatClient`, `scan`, `register` and what they raise (`icat_tui.api`).
"""

from importlib import import_module
from typing import TYPE_CHECKING

from icat_tui._version import __version__

if TYPE_CHECKING:
    from icat_tui.api import (
        CatalogueError,
        IcatClient,
        IcatTuiError,
        IncompleteError,
        NotStoredError,
        OutcomeUnknownError,
        register,
        scan,
    )

__all__ = [
    "CatalogueError",
    "IcatClient",
    "IcatTuiError",
    "IncompleteError",
    "NotStoredError",
    "OutcomeUnknownError",
    "__version__",
    "register",
    "scan",
]


def __getattr__(name: str) -> object:
    """Return a name of the API, importing it now, so that `import icat_tui` alone is fast."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("icat_tui.api"), name)
