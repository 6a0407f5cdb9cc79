"""Comparison of the cache with the disk, which drops sessions that are gone or have changed.

What must stay true: a session counts as gone only if its parent directory was listed and does not hold it, and its data
root holds at least one proposal (interface.md, "Unchanged and gone"). A root that is not mounted is an empty directory,
which proves nothing.
"""

from collections.abc import Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from icat_tui.cache.session_cache import CacheEntry, SessionCache, Unreadable
from icat_tui.disk import changes, listing
from icat_tui.disk.changes import stat_dataset
from icat_tui.disk.find import is_on_disk
from icat_tui.domain.errors import SaveError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import DiskSession, SessionDirectory, TroubleKind
from icat_tui.domain.surroundings import Surroundings


class Finding(StrEnum):
    """Result of the check of a cached session."""

    KEPT = "kept"
    GONE = "gone"
    CHANGED = "changed"
    UNCERTAIN = "uncertain"
    """It could not be determined, or its file could not be removed: it stays in the cache."""


class CheckedSession(Struct, frozen=True):
    """Cached session with the result of its check."""

    directory: SessionDirectory
    finding: Finding
    reason: str = ""


def invalidate(  # noqa: PLR0913 - what a check is about
    cache: SessionCache,
    formats: Iterable[RawFormat],
    around: Surroundings,
    *,
    fingerprint_age: timedelta,
    jobs: int,
    only: Container[str] | None = None,
    aside: bool = False,
) -> Iterator[CheckedSession | Unreadable]:
    """Drop sessions that are gone or have changed since they were cached; yield the result for each session.

    `only` are the paths of the sessions that are checked; None: all. With `aside` what is dropped can be put back.
    A file that can't be removed gives UNCERTAIN, one that can't be read Unreadable; the check goes on with the others.
    """

    def check(path: Path | Unreadable) -> CheckedSession | Unreadable | None:
        entry = path if isinstance(path, Unreadable) else cache.entry_in(path)
        if not isinstance(entry, CacheEntry):
            return entry
        if only is not None and entry.session.directory.path not in only:
            return None
        checked = _check(entry, around, fingerprint_age)
        if checked.finding in (Finding.GONE, Finding.CHANGED):
            try:
                drop = cache.drop if checked.finding == Finding.GONE else cache.outdate
                (cache.set_aside if aside else drop)(checked.directory)
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
    there = is_on_disk(directory, around.facility)
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
    """Return why it can't be determined whether a session has changed; empty where it can."""
    if now.trouble and now.trouble.kind == TroubleKind.UNKNOWN:
        return now.trouble.text
    for path, trouble in now.unlisted.items():
        return f"{path}: {trouble.text}"
    present = {dataset.path for dataset in now.datasets}
    for dataset in before.datasets:
        if dataset.path in present and stat_dataset(directory, dataset).stamps is None:
            return f"{dataset.path} could not be looked at"
    return ""
