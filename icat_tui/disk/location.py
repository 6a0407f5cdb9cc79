"""Where a path really lies: links and the mounts of this machine resolved (interface.md, "Journal").

Locks and the journal know a dataset by that, and not by its spelling. What must stay true: two names of one directory
on this machine have one location, whichever of the two is given; a path that is not there has one too.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MOUNTS = Path("/proc/self/mountinfo")


class Mount(NamedTuple):
    """Directory of a file system, and where it is mounted."""

    device: str
    """Major and minor number: equal for the mounts of one file system."""
    root: str
    """The directory within the file system."""
    place: str
    kind: str = ""
    """Type of the file system."""
    options: str = ""


def resolved(path: str) -> str:
    """Return where a path lies: links resolved, and of several mounts of one file system always the same.

    Mounts that have device numbers of their own stay apart. Of a path that is not there the part that is there is
    resolved. Raises nothing: what the system refuses to look at stays as it is.
    """
    real = os.path.realpath(path)
    mounts = _mounts()
    own = _mount_of(real, mounts)
    if own is None:
        return real
    within = _joined(own.root, _below(own.place, real))
    others = [mount for mount in mounts if mount.device == own.device and _holds(mount.root, within)]
    if others == [own]:
        return real
    for other in sorted(others, key=lambda mount: (len(mount.root), mount.place)):
        candidate = _joined(other.place, _below(other.root, within))
        if candidate == real or _is_same(candidate, real):  # another mount may lie over that one
            return candidate
    return real


def lock_warning(path: str) -> str:
    """Return why locks on a file system may not hold between machines; empty where nothing speaks against it."""
    mount = _mount_of(os.path.realpath(path), _mounts())
    if mount is None:
        return ""
    options = set(mount.options.split(","))
    local = options & {"nolock", "local_lock=flock", "local_lock=all"}
    if mount.kind.startswith("nfs") and local:
        return f"{mount.place} is mounted with {', '.join(sorted(local))}: two machines can send the same at once"
    if mount.kind == "lustre" and "flock" not in options:
        return f"{mount.place} is mounted without flock: two machines can send the same at once"
    return ""


def _mount_of(path: str, mounts: tuple[Mount, ...]) -> Mount | None:
    holding = (mount for mount in mounts if _holds(mount.place, path))
    return max(holding, key=lambda mount: len(mount.place), default=None)


def _mounts() -> tuple[Mount, ...]:
    """Return the mounts that this process sees, the later ones over the earlier; none where the system has no list."""
    try:
        lines = os.fsdecode(MOUNTS.read_bytes()).splitlines()
    except OSError:
        return ()
    return tuple({mount.place: mount for mount in _parsed(lines)}.values())


def _parsed(lines: list[str]) -> Iterator[Mount]:
    """Yield the mounts of proc(5), "mountinfo"."""
    for line in lines:
        mount, _, rest = line.partition(" - ")
        _, _, device, root, place, options, *_ = (*mount.split(" "), "", "", "", "", "", "")
        kind, _, more, *_ = (*rest.split(" "), "", "", "")
        if root.startswith("/") and place.startswith("/"):  # others are no directories: namespaces, for instance
            yield Mount(device, _unescaped(root), _unescaped(place), kind, f"{options},{more}")


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)


def _holds(directory: str, path: str) -> bool:
    return path == directory or path.startswith(directory if directory == "/" else f"{directory}/")


def _below(directory: str, path: str) -> str:
    return path[len(directory) :].lstrip("/")


def _joined(directory: str, below: str) -> str:
    return f"{directory.rstrip('/')}/{below}" if below else directory


def _is_same(one: str, other: str) -> bool:
    """Return whether two paths are the same directory; of paths that are not there the nearest parents count."""
    while True:
        try:
            return os.path.samefile(one, other)
        except FileNotFoundError:
            one, other = os.path.dirname(one), os.path.dirname(other)
        except OSError:
            return False
