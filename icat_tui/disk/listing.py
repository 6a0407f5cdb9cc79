"""Listing of a session: its dataset directories and stored messages (icat.md, "Raw data formats").

A listing costs one `scandir` for each collection. What must stay true: a directory that the system refuses is reported
with the system's text and affects no other, and no files are opened but the small ones in `__icat__`.
"""

import errno
import hashlib
import os
import posixpath
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import structs

from icat_tui.disk.changes import same_listing
from icat_tui.disk.filesystem import DIRECTORIES, EntryKind, doubt_of_absence, entries_of, refusal, stamp, stat_or_error
from icat_tui.disk.location import resolved
from icat_tui.disk.stored_xml import StoredMessages, read_stored
from icat_tui.domain.formats import (
    MX_METADATA,
    RAW_DIRECTORIES,
    STORED_DIRECTORY,
    RawFormat,
    dataset_name,
    is_collection,
    other_format,
)
from icat_tui.domain.model import DiskDataset, DiskSession, SessionDirectory, Stamp, Trouble, TroubleKind


class _DirectoryListing(NamedTuple):
    """Directory that was listed in full."""

    entries: list[tuple[str, EntryKind]]
    stamp: Stamp | None
    """None: it changed while it was listed."""
    identity: tuple[int, int]
    """Device and inode."""


def list_session(
    directory: SessionDirectory,
    started: float,
    previous: DiskSession | None = None,
    jobs: int = 8,
    *,
    zone_name: str,
) -> DiskSession:
    """Return the content of a session: its dataset directories by path, not read, and its stored messages.

    `started` is when the scan began, in seconds since the epoch; `zone_name` is the facility's, for stored times
    without an offset; from `previous` comes the time since which the fingerprint is the same. Up to `jobs` directories
    are listed at once where they can lie at any depth (mx). Raises nothing: a directory that can't be listed is in
    `trouble` or `unlisted`.
    """
    listings: dict[str, _DirectoryListing] = {}
    unlisted: dict[str, OSError] = {}
    for path, listing in _walk(directory, jobs):
        if isinstance(listing, OSError):
            unlisted[path] = listing
        else:
            listings[path] = listing
    stored = _read_stored(directory, listings, ZoneInfo(zone_name))
    raw_error = unlisted.pop(directory.raw_path, None)
    fingerprint = {path: listing.stamp for path, listing in listings.items()} | stored.stamps
    troubles = {path: refusal(error, "the directory can't be listed") for path, error in unlisted.items()}
    datasets = tuple(_datasets(directory, listings))
    session = DiskSession(
        listed_at=started,
        first_seen=started,
        trouble=_raw_trouble(directory, raw_error) if raw_error or not datasets else None,
        fingerprint=fingerprint,
        names=_digest(directory, listings),
        unlisted=dict(sorted((troubles | stored.refused).items())),
        listed=tuple(sorted(listings)),
        datasets=datasets,
        raw_location=resolved(directory.raw_path),
        stored=stored.messages,
        stored_trouble=stored.unusable,
    )
    if previous and same_listing(previous, session):
        return structs.replace(session, first_seen=previous.first_seen)
    return session


def _raw_trouble(directory: SessionDirectory, error: OSError | None) -> Trouble | None:
    """Return why the raw directory has no datasets, as far as that is known; `error` is that of listing it."""
    name = RAW_DIRECTORIES[directory.format] or "session"
    if error is None:
        other = looks_like(directory)
        return Trouble(TroubleKind.INVALID, f"no {directory.format} data: it looks like {other}") if other else None
    if error.errno != errno.ENOENT:
        return refusal(error, f"the {name} directory can't be listed")
    if doubt := doubt_of_absence(directory.raw_path):
        return Trouble(TroubleKind.UNKNOWN, f"the {name} directory can't be listed: {doubt}")
    other = looks_like(directory)
    return Trouble(TroubleKind.INVALID, f"no {name} directory" + (f": it looks like {other}" if other else ""))


def looks_like(directory: SessionDirectory) -> RawFormat | None:
    """Return the format that a session has by its directories, if its raw data is elsewhere; None: not known."""
    try:
        names = [name for name, kind in entries_of(directory.path) if kind in DIRECTORIES]
    except OSError:  # the raw directory in it could not be listed either
        return None
    return other_format(directory.format, names)


def _walk(directory: SessionDirectory, jobs: int) -> Iterator[tuple[str, _DirectoryListing | OSError]]:
    """Yield the listing of the raw directory, of `__icat__` and of the collections, for mx at any depth."""
    deep = directory.format == RawFormat.MX
    raw, stored = directory.raw_path, _stored_path(directory)
    level, seen = [raw], set[tuple[int, int]]()
    with ThreadPoolExecutor(jobs) as pool:  # starts no thread before it is given work
        while level:
            listed = list(pool.map(_list, level) if deep and len(level) > 1 else map(_list, level))
            seen.update(listing.identity for listing in listed if isinstance(listing, _DirectoryListing))
            below: list[str] = []
            for path, listing in zip(level, listed, strict=True):
                yield path, listing
                if isinstance(listing, _DirectoryListing) and (path == raw or (deep and path != stored)):
                    below += _places_below(directory, path, listing)
            level = [path for path in below if _is_new(path, seen)]


def _is_new(path: str, seen: set[tuple[int, int]]) -> bool:
    """Return whether a directory is to be listed: it is not if it is a link to a directory that is in `seen`.

    So links can't lead round in circles, nor to the same directory by ever more ways. The target of a link is added to
    `seen`.
    """
    if not os.path.islink(path) or isinstance(found := stat_or_error(path), OSError):
        return True
    identity = found.st_dev, found.st_ino
    new = identity not in seen
    seen.add(identity)
    return new


def _list(path: str) -> _DirectoryListing | OSError:
    """Return the listing of a directory, or the error why there is none."""
    before = stat_or_error(path)
    if isinstance(before, OSError):
        return before
    try:
        entries = entries_of(path)
    except OSError as error:
        return error
    after = stat_or_error(path)
    same = not isinstance(after, OSError) and stamp(before) == stamp(after)
    return _DirectoryListing(entries, stamp(before) if same else None, (before.st_dev, before.st_ino))


def _places_below(directory: SessionDirectory, path: str, listing: _DirectoryListing) -> Iterator[str]:
    """Yield the directories to be listed next, with entries that may be directories, so that errors are reported."""
    top = path == directory.raw_path
    for name, kind in listing.entries:
        if name.startswith(".") or (top and not (is_collection(name, directory.format) or name == STORED_DIRECTORY)):
            continue
        lost = kind == EntryKind.DANGLING and not posixpath.splitext(name)[1]  # links to files most often have a suffix
        if lost or kind in DIRECTORIES:
            yield f"{path}/{name}"


def _datasets(directory: SessionDirectory, listings: dict[str, _DirectoryListing]) -> list[DiskDataset]:
    """Return the dataset directories by path (icat.md, "Raw data formats")."""
    paths: list[str] = []
    links = {
        f"{path}/{name}"
        for path, listing in listings.items()
        for name, kind in listing.entries
        if kind in (EntryKind.LINK_TO_DIRECTORY, EntryKind.DANGLING)
    }
    for path, listing in listings.items():
        if path in (directory.raw_path, _stored_path(directory)):
            continue
        if directory.format == RawFormat.MX:
            paths += [path] * any(
                name == MX_METADATA and kind not in DIRECTORIES - {EntryKind.REFUSED} for name, kind in listing.entries
            )
            continue
        collection = posixpath.basename(path)
        for name, kind in listing.entries:
            lost = kind == EntryKind.DANGLING and dataset_name(collection, name, directory.format) is not None
            if not name.startswith(".") and (lost or kind in DIRECTORIES):
                paths.append(f"{path}/{name}")
    return [_dataset(directory, path, links) for path in sorted(paths)]


def _dataset(directory: SessionDirectory, path: str, links: set[str]) -> DiskDataset:
    parent, name = posixpath.split(path)
    collection = parent[len(directory.raw_path) + 1 :]
    linked = links and not links.isdisjoint({path, *_parents(path, directory.raw_path)})
    return DiskDataset(
        path=path,
        collection=collection,
        name=dataset_name(posixpath.basename(parent), name, directory.format),
        location=resolved(path) if linked else None,
    )


def _parents(path: str, top: str) -> Iterator[str]:
    """Yield the directories between a path and one above it."""
    while len(path := posixpath.dirname(path)) > len(top):
        yield path


def _read_stored(directory: SessionDirectory, listings: dict[str, _DirectoryListing], zone: ZoneInfo) -> StoredMessages:
    path = _stored_path(directory)
    names = [name for name, _ in listings[path].entries] if path in listings else []
    return read_stored(path, names, zone)


def _stored_path(directory: SessionDirectory) -> str:
    return f"{directory.raw_path}/{STORED_DIRECTORY}"


def _digest(directory: SessionDirectory, listings: dict[str, _DirectoryListing]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path, listing in sorted(listings.items()):
        lines = [path[len(directory.raw_path) :], *(f"{kind}{name}" for name, kind in listing.entries), ""]
        digest.update(os.fsencode("\0".join(lines) + "\0"))
    return digest.hexdigest()
