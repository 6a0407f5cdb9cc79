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

from icat_tui.cache.session_cache import CacheEntry, SessionCache, Unreadable
from icat_tui.disk import changes, listing
from icat_tui.disk.changes import stat_dataset
from icat_tui.domain.errors import SaveError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import DiskSession, SessionDirectory, TroubleKind
from icat_tui.domain.surroundings import Surroundings


class Finding(StrEnum):
    """What became of a cached session."""

    KEPT = "kept"
    GONE = "gone"
    CHANGED = "changed"
    UNCERTAIN = "uncertain"
    """Nobody could say whether it is still there: kept, as what was known before."""


class CheckedSession(Struct, frozen=True):
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
) -> Iterator[CheckedSession | Unreadable]:
    """Drop what is gone or has changed since it was cached; yield what became of each session.

    What can't be dropped is UNCERTAIN, and what can't be read Unreadable; the others go on.
    """

    def check(path: Path | Unreadable) -> CheckedSession | Unreadable | None:
        entry = path if isinstance(path, Unreadable) else cache.entry_in(path)
        if not isinstance(entry, CacheEntry):
            return entry
        checked = _check(entry, around, fingerprint_age)
        if checked.finding in (Finding.GONE, Finding.CHANGED):
            try:
                cache.drop(checked.directory)
            except SaveError as error:
                return CheckedSession(checked.directory, Finding.UNCERTAIN, f"{checked.finding}, but {error}")
        return checked

    with ThreadPoolExecutor(jobs) as pool:
        for raw_format in formats:
            for checked in pool.map(check, cache.files(raw_format)):
                if checked:
                    yield checked


def _check(entry: CacheEntry, around: Surroundings, fingerprint_age: timedelta) -> CheckedSession:
    directory = entry.session.directory
    there = is_on_disk(directory)
    if there is not True:
        gone = there is False
        return CheckedSession(directory, Finding.GONE if gone else Finding.UNCERTAIN, "" if gone else str(there))
    started, zone = around.now.timestamp(), around.facility.time_zone
    now = listing.list_session(directory, started, entry.disk, zone_name=zone)
    if refused := _refused(directory, entry.disk, now):
        return CheckedSession(directory, Finding.UNCERTAIN, refused)
    unchanged = changes.unchanged(directory, entry.disk, now, fingerprint_age)
    return CheckedSession(directory, Finding.KEPT if unchanged else Finding.CHANGED)


def _refused(directory: SessionDirectory, before: DiskSession, now: DiskSession) -> str:
    """Return why nobody can say whether a session has changed; empty where one can."""
    if now.trouble and now.trouble.kind == TroubleKind.UNKNOWN:
        return now.trouble.text
    for path, trouble in now.unlisted.items():
        return f"{path}: {trouble.text}"
    present = {dataset.path for dataset in now.datasets}
    for dataset in before.datasets:
        if dataset.path in present and stat_dataset(directory, dataset).stamps is None:
            return f"{dataset.path} could not be looked at"
    return ""


def is_on_disk(directory: SessionDirectory) -> bool | str:
    """Return whether a session is on disk; a text that says why nobody knows."""
    root = posixpath.dirname(posixpath.dirname(posixpath.dirname(directory.path)))
    try:
        with os.scandir(root) as listing:
            mounted = any(not entry.name.startswith(".") and _is_directory(entry) for entry in listing)
        if not mounted:
            return f"data root {root} holds no proposal: is it mounted?"
        return _is_held(directory.path, root)
    except OSError as error:
        return f"{error.filename} could not be listed: {error.strerror}"


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links, which says nothing of the others
        return False


def _is_held(path: str, root: str) -> bool:
    """Return whether the directory above a path lists it; where that one is gone itself, nothing below it is there."""
    parent, name = posixpath.split(path)
    try:
        return name in os.listdir(parent)
    except (FileNotFoundError, NotADirectoryError):
        if parent == root or _is_held(parent, root):
            raise
        return False
