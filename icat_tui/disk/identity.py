"""Identity of directories: whether two paths lead to the same one, and where a location of ICAT would lie here.

What must stay true: a directory that the system refuses is neither the same as another nor gone.
"""

import errno
import os
import posixpath
from collections.abc import Sequence

from icat_tui.disk.filesystem import refusal, stat_or_error
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Trouble

Identity = tuple[int, int]
"""Device and inode."""
NOWHERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENOLINK})
"""Errors of a path on which a name is not there, is no directory, or is a link to what is not there."""


def identity(path: str) -> Identity | Trouble | None:
    """Return device and inode of what a path leads to; None where it leads nowhere."""
    found = stat_or_error(path)
    if not isinstance(found, OSError):
        return found.st_dev, found.st_ino
    return None if found.errno in NOWHERE else refusal(found, f"{path} can't be looked at")


def is_gone(path: str) -> bool | Trouble:
    """Return whether a path leads nowhere. A link to what is not there is not gone: it may only be out of reach."""
    found = stat_or_error(path)
    if not isinstance(found, OSError):
        return False
    return found.errno in NOWHERE - {errno.ENOLINK} or (
        found.errno != errno.ENOLINK and refusal(found, f"{path} can't be looked at")
    )


def links_in(path: str) -> dict[str, str] | Trouble:
    """Return the links in a directory, each with the name of the directory that it leads to."""
    try:
        with os.scandir(path) as listing:
            links = [entry.name for entry in listing if entry.is_symlink()]
        return {name: posixpath.basename(os.path.realpath(f"{path}/{name}")) for name in links}
    except FileNotFoundError:
        return {}
    except OSError as error:
        return refusal(error, f"links in {path} can't be looked for")


def paths_here(location: str, roots: Sequence[str], facility: Facility) -> list[str]:
    """Return the paths below these data roots at which a location of ICAT may lie, the mount point put back.

    None where it lies below no data root: then nothing is known of it here.
    """
    found: dict[str, None] = {}
    for root in roots:
        mount = _mount_point(root, facility.mount_marker)
        for prefix, path in ((root, location), (root[len(mount) :], mount + location)):
            if f"{location}/".startswith(f"{prefix.rstrip('/')}/"):
                found[path] = None
    return list(found)


def _mount_point(root: str, marker: str) -> str:
    """Return what is taken off the locations below a data root (icat.md, "Mount points"); empty: nothing."""
    parts = root.split("/")
    return "/".join(parts[: parts.index(marker)]).rstrip("/") if marker in parts else ""
