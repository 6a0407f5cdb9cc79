"""Checking the cache against the disk: what is gone or has changed is dropped (interface.md, "Cache").

A session counts as gone only where its parent directory was listed and does not hold it, and its data root holds at
least one proposal: a root that is not mounted is an empty directory, and says nothing.
"""

import os
import posixpath
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from icat_tui.disk import discover
from icat_tui.domain.compare import Surroundings
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory, TroubleKind
from icat_tui.sync.cache import Entry, SessionCache, Unreadable


class Finding(StrEnum):
    """What became of a cached session."""

    KEPT = "kept"
    GONE = "gone"
    CHANGED = "changed"
    UNCERTAIN = "uncertain"
    """Nobody could say whether it is still there: kept, as what was known before."""


class Checked(Struct, frozen=True):
    """A cached session after the check."""

    directory: SessionDirectory
    finding: Finding
    reason: str = ""


def invalidate(
    cache: SessionCache,
    formats: Iterable[RawFormat],
    around: Surroundings,
    *,
    fingerprint_age: timedelta,
    jobs: int,
) -> Iterator[Checked | Unreadable]:
    """Drop what is gone or has changed since it was cached; yield what became of each session.

    Raises SaveError where a file can't be removed.
    """

    def check(path: Path) -> Checked | Unreadable | None:
        entry = cache.entry_in(path)
        if not isinstance(entry, Entry):
            return entry
        checked = _check(entry, around, fingerprint_age)
        if checked.finding in (Finding.GONE, Finding.CHANGED):
            cache.drop(checked.directory)
        return checked

    with ThreadPoolExecutor(jobs) as pool:
        for raw_format in formats:
            for checked in pool.map(check, cache.files(raw_format)):
                if checked:
                    yield checked


def _check(entry: Entry, around: Surroundings, fingerprint_age: timedelta) -> Checked:
    directory = entry.session.directory
    there = is_there(directory)
    if there is not True:
        gone = there is False
        return Checked(directory, Finding.GONE if gone else Finding.UNCERTAIN, "" if gone else str(there))
    started, zone = around.now.timestamp(), around.facility.time_zone
    now = discover.list_session(directory, started, entry.disk, zone_name=zone)
    if now.trouble and now.trouble.kind == TroubleKind.UNKNOWN:
        return Checked(directory, Finding.UNCERTAIN, now.trouble.text)
    unchanged = discover.unchanged(directory, entry.disk, now, fingerprint_age)
    return Checked(directory, Finding.KEPT if unchanged else Finding.CHANGED)


def is_there(directory: SessionDirectory) -> bool | str:
    """Return whether a session is on disk; a text that says why nobody knows."""
    root = posixpath.dirname(posixpath.dirname(posixpath.dirname(directory.path)))
    try:
        with os.scandir(root) as listing:
            mounted = any(not entry.name.startswith(".") and entry.is_dir() for entry in listing)
        if not mounted:
            return f"data root {root} holds no proposal: is it mounted?"
        return _is_held(directory.path, root)
    except OSError as error:
        return f"{error.filename} could not be listed: {error.strerror}"


def _is_held(path: str, root: str) -> bool:
    """Return whether the directory above a path lists it; where that one is gone itself, nothing below it is there."""
    parent, name = posixpath.split(path)
    try:
        return name in os.listdir(parent)
    except (FileNotFoundError, NotADirectoryError):
        if parent == root or _is_held(parent, root):
            raise
        return False
