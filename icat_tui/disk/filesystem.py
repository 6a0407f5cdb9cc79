"""Access to files and directories with errors as values.

What must stay true: a path that can't be accessed is never taken for one that is not there.
"""

import errno
import os
from enum import StrEnum

from icat_tui.domain.model import Stamp, Trouble, TroubleKind


class EntryKind(StrEnum):
    """Kind of a directory entry, with links followed."""

    DIRECTORY = "d"
    LINK_TO_DIRECTORY = "D"
    OTHER = "-"
    DANGLING = "l"
    """A link whose target is not there or can't be accessed."""
    REFUSED = "?"
    """The system refused: a loop of links, or no permission on the way."""


DIRECTORIES = frozenset({EntryKind.DIRECTORY, EntryKind.LINK_TO_DIRECTORY, EntryKind.REFUSED})
"""Kinds of entries that are directories, or may be: what is refused is reported, and not passed over."""


def _kind(entry: os.DirEntry[str]) -> EntryKind:
    try:
        if entry.is_dir():
            return EntryKind.LINK_TO_DIRECTORY if entry.is_symlink() else EntryKind.DIRECTORY
        return EntryKind.DANGLING if entry.is_symlink() and not os.path.exists(entry.path) else EntryKind.OTHER
    except OSError:
        return EntryKind.REFUSED


def entries_of(path: str) -> list[tuple[str, EntryKind]]:
    """Return name and kind of the entries of a directory, by name; raises OSError if the directory can't be listed."""
    with os.scandir(path) as entries:
        return sorted((entry.name, _kind(entry)) for entry in entries)


def stamp(status: os.stat_result) -> Stamp:
    """Return the stamp in a result of `stat`."""
    return Stamp(status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_nlink, status.st_size)


def stat_or_error(path: str) -> os.stat_result | OSError:
    """Return the result of `stat` for a path, with links followed, or its error.

    ENOENT means that the name is not there; for a link whose target is not there it is ENOLINK, as the target may only
    be out of reach.
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
    """Return an error of the system as Trouble of kind UNKNOWN, with the system's text; `what` goes before it."""
    words = error.strerror or str(error)
    return Trouble(TroubleKind.UNKNOWN, f"{what}: {words}" if what else words)


def doubt_of_absence(path: str) -> str:
    """Return why a name that was not found may be there all the same; empty where its directory, listed now, lacks it.

    A directory that is renamed while it is looked into makes all that it holds seem absent.
    """
    parent, name = os.path.split(path)
    try:
        with os.scandir(parent) as listing:
            there = any(entry.name == name for entry in listing)
    except OSError as error:
        return f"nor can {parent} be listed: {error.strerror or error}"
    return "it was not there a moment ago, and is now" if there else ""
