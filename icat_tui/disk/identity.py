"""Identity of directories: whether two paths lead to the same one, and where a location of ICAT would lie here.

What must stay true: a directory that the system refuses is neither the same as another nor gone.
"""

import errno
import os
import posixpath
from collections.abc import Collection, Mapping, Sequence

from icat_tui.disk.filesystem import stat_or_error
from icat_tui.domain.facility import Facility

Identity = tuple[int, int]
"""Device and inode."""


def identity(path: str) -> Identity | None:
    """Return device and inode of what a path leads to; None where it leads nowhere or is refused."""
    found = stat_or_error(path)
    return None if isinstance(found, OSError) else (found.st_dev, found.st_ino)


def is_gone(path: str) -> bool:
    """Return whether a path leads nowhere: a name on it is not there, or is no directory. A dead link is not gone."""
    found = stat_or_error(path)
    return isinstance(found, OSError) and found.errno in (errno.ENOENT, errno.ENOTDIR)


def links_in(path: str) -> frozenset[str]:
    """Return the names of the links in a directory; none where it can't be listed."""
    try:
        with os.scandir(path) as listing:
            return frozenset(entry.name for entry in listing if entry.is_symlink())
    except OSError:
        return frozenset()


def links_beside(paths: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the names of the links in the parent directory of each path, by that directory."""
    return {parent: links_in(parent) for parent in dict.fromkeys(map(posixpath.dirname, paths))}


def real_names(paths: Collection[str], links: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Return the names of the directories that paths lead to, of those that are links; `links` as `links_beside`."""
    return {
        path: posixpath.basename(os.path.realpath(path))
        for path in paths
        if posixpath.basename(path) in links[posixpath.dirname(path)]
    }


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
