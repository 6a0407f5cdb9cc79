"""What the system says of a path, errors as values: what can't be looked at is never taken for what is not there."""

import errno
import os
from enum import StrEnum

from icat_tui.domain.model import Stamp, Trouble, TroubleKind


class Kind(StrEnum):
    """What an entry of a directory is, links followed."""

    DIRECTORY = "d"
    OTHER = "-"
    DANGLING = "l"
    """A link to what is not there, or is out of reach."""
    REFUSED = "?"
    """The system won't say: a loop of links, no permission on the way."""


def _kind(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_dir():
            return Kind.DIRECTORY
        return Kind.DANGLING if entry.is_symlink() and not os.path.exists(entry.path) else Kind.OTHER
    except OSError:
        return Kind.REFUSED


def entries_of(path: str) -> list[tuple[str, Kind]]:
    """Return the entries of a directory by name; raises OSError where it can't be listed, not for one odd entry."""
    with os.scandir(path) as entries:
        return sorted((entry.name, _kind(entry)) for entry in entries)


def stamp(status: os.stat_result) -> Stamp:
    """Return what tells of a change."""
    return Stamp(status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_nlink, status.st_size)


def look(path: str) -> os.stat_result | OSError:
    """Return what `stat` says of a path, links followed, or why it says nothing.

    ENOENT means that the name is not there; for a link to what is not there it is ENOLINK, as its target may only be
    out of reach.
    """
    try:
        return os.stat(path)
    except FileNotFoundError as error:
        if os.path.islink(path):
            return OSError(errno.ENOLINK, "a link to what is not there", path)
        return error
    except OSError as error:
        return error


def refusal(error: OSError, what: str = "") -> Trouble:
    """Return an error of the system as trouble that leaves everything open, in the system's words."""
    words = error.strerror or str(error)
    return Trouble(TroubleKind.UNKNOWN, f"{what}: {words}" if what else words)


def count_files(path: str) -> int | None:
    """Return how many files lie in a directory, at any depth; None where not all of it could be looked at."""
    refused: list[OSError] = []
    number = sum(len(files) for _, _, files in os.walk(path, onerror=refused.append))
    return None if refused else number
