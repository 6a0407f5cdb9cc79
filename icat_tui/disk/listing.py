"""What lies in a session: its dataset directories, unread, and the messages left in `__icat__` (icat.md, "Raw data formats").

A listing costs one `scandir` for each collection. What must stay true: what the system refuses is said of that one
place, in its own words, and no file is opened but the small ones of `__icat__`.
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
from icat_tui.disk.filesystem import Kind, entries_of, look, refusal, stamp
from icat_tui.disk.stored_xml import Stored, read_stored
from icat_tui.domain.formats import (
    MX_METADATA,
    RAW_DIRECTORIES,
    STORED_DIRECTORY,
    RawFormat,
    dataset_name,
    is_collection,
)
from icat_tui.domain.model import DiskDataset, DiskSession, SessionDirectory, Stamp, Trouble, TroubleKind


class _Listing(NamedTuple):
    """A directory that was listed in full."""

    entries: list[tuple[str, Kind]]
    stamp: Stamp | None
    """None: it changed while it was listed."""
    identity: tuple[int, int]


def list_session(
    directory: SessionDirectory,
    started: float,
    previous: DiskSession | None = None,
    jobs: int = 8,
    *,
    zone_name: str,
) -> DiskSession:
    """Return what lies in a session: its dataset directories by path, unread, and the messages left in `__icat__`.

    `started` is when the scan began, in seconds since the epoch; `zone_name` is the facility's, for stored times
    without an offset; `previous` tells how long the fingerprint has been the same. Up to `jobs` directories are read at
    once where they may lie deep (mx). Raises nothing: what can't be listed is `trouble`, or among `unlisted`.
    """
    listings: dict[str, _Listing] = {}
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
    session = DiskSession(
        listed_at=started,
        first_seen=started,
        trouble=_raw_trouble(directory, raw_error) if raw_error else None,
        fingerprint=fingerprint,
        names=_digest(directory, listings),
        unlisted=dict(sorted((troubles | stored.refused).items())),
        listed=tuple(sorted(listings)),
        datasets=tuple(_datasets(directory, listings)),
        stored=stored.messages,
        stored_trouble=stored.unusable,
    )
    if previous and same_listing(previous, session):
        return structs.replace(session, first_seen=previous.first_seen)
    return session


def _raw_trouble(directory: SessionDirectory, error: OSError) -> Trouble:
    name = RAW_DIRECTORIES[directory.format] or "session"
    if error.errno == errno.ENOENT:
        return Trouble(TroubleKind.INVALID, f"no {name} directory")
    return refusal(error, f"the {name} directory can't be listed")


def _walk(directory: SessionDirectory, jobs: int) -> Iterator[tuple[str, _Listing | OSError]]:
    """Yield the raw directory, `__icat__` and whatever datasets may lie in: collections, for mx at any depth."""
    deep = directory.format == RawFormat.MX
    raw, stored = directory.raw_path, _stored_path(directory)
    level, seen = [raw], set[tuple[int, int]]()
    with ThreadPoolExecutor(jobs) as pool:  # starts no thread before it is given work
        while level:
            listed = list(pool.map(_list, level) if deep and len(level) > 1 else map(_list, level))
            seen.update(listing.identity for listing in listed if isinstance(listing, _Listing))
            below: list[str] = []
            for path, listing in zip(level, listed, strict=True):
                yield path, listing
                if isinstance(listing, _Listing) and (path == raw or (deep and path != stored)):
                    below += _places_below(directory, path, listing)
            level = [path for path in below if _is_new(path, seen)]


def _is_new(path: str, seen: set[tuple[int, int]]) -> bool:
    """Return whether a directory is to be listed: not a link to one that is listed already, or will be by a link.

    So no chain of links leads round, nor to the same place by ever more ways.
    """
    if not os.path.islink(path) or isinstance(found := look(path), OSError):
        return True
    identity = found.st_dev, found.st_ino
    new = identity not in seen
    seen.add(identity)
    return new


def _list(path: str) -> _Listing | OSError:
    """Return what a directory holds, or why nobody knows."""
    before = look(path)
    if isinstance(before, OSError):
        return before
    try:
        entries = entries_of(path)
    except OSError as error:
        return error
    after = look(path)
    same = not isinstance(after, OSError) and stamp(before) == stamp(after)
    return _Listing(entries, stamp(before) if same else None, (before.st_dev, before.st_ino))


def _places_below(directory: SessionDirectory, path: str, listing: _Listing) -> Iterator[str]:
    """Yield what is to be listed next: also what may be a directory, so that it is said why nobody knows."""
    top = path == directory.raw_path
    for name, kind in listing.entries:
        if name.startswith(".") or (top and not (is_collection(name, directory.format) or name == STORED_DIRECTORY)):
            continue
        lost = kind == Kind.DANGLING and not posixpath.splitext(name)[1]  # a link to a file is most often named so
        if lost or kind in (Kind.DIRECTORY, Kind.REFUSED):
            yield f"{path}/{name}"


def _datasets(directory: SessionDirectory, listings: dict[str, _Listing]) -> list[DiskDataset]:
    """Return the dataset directories by path (icat.md, "Raw data formats")."""
    paths: list[str] = []
    for path, listing in listings.items():
        if path in (directory.raw_path, _stored_path(directory)):
            continue
        if directory.format == RawFormat.MX:
            paths += [path] * any(name == MX_METADATA and kind != Kind.DIRECTORY for name, kind in listing.entries)
            continue
        collection = posixpath.basename(path)
        for name, kind in listing.entries:
            lost = kind == Kind.DANGLING and dataset_name(collection, name, directory.format) is not None
            if not name.startswith(".") and (lost or kind in (Kind.DIRECTORY, Kind.REFUSED)):
                paths.append(f"{path}/{name}")
    return [_dataset(directory, path) for path in sorted(paths)]


def _dataset(directory: SessionDirectory, path: str) -> DiskDataset:
    parent, name = posixpath.split(path)
    collection = parent[len(directory.raw_path) + 1 :]
    return DiskDataset(
        path=path,
        collection=collection,
        name=dataset_name(posixpath.basename(parent), name, directory.format),
    )


def _read_stored(directory: SessionDirectory, listings: dict[str, _Listing], zone: ZoneInfo) -> Stored:
    path = _stored_path(directory)
    names = [name for name, _ in listings[path].entries] if path in listings else []
    return read_stored(path, names, zone)


def _stored_path(directory: SessionDirectory) -> str:
    return f"{directory.raw_path}/{STORED_DIRECTORY}"


def _digest(directory: SessionDirectory, listings: dict[str, _Listing]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path, listing in sorted(listings.items()):
        lines = [path[len(directory.raw_path) :], *(f"{kind}{name}" for name, kind in listing.entries), ""]
        digest.update(os.fsencode("\0".join(lines) + "\0"))
    return digest.hexdigest()
