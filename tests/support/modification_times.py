"""Times of files that tests have just written, made those of data that are at rest."""

import os
from datetime import datetime
from pathlib import Path

LONG_AGO = datetime.fromisoformat("2023-10-22T08:00:00+02:00").timestamp()
"""In the time slot of the sample sessions."""


def settle(path: str | Path, when: float = LONG_AGO) -> None:
    """Make everything below a path look as if nothing had been written since the session."""
    for parent, names, files in os.walk(path, topdown=False):
        for name in (*names, *files):
            os.utime(f"{parent}/{name}", (when, when))
    os.utime(path, (when, when))
