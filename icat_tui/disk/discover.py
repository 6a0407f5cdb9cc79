"""Where sessions and datasets lie on disk: names, links and stamps; no file is opened but the small ones of `__icat__`.

What the system refuses is said of that one place, in its own words, and the rest goes on. A listing costs one `scandir`
for each collection; dataset directories are looked at only when `look_at` is asked to.
"""

import errno
import hashlib
import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from enum import StrEnum
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import structs

from icat_tui.disk.fingerprint import (
    look,
    look_at_dataset,
    refusal,
    stamp,
    still_holds,
    trusted,
)
from icat_tui.disk.stored import Stored, read_stored
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import (
    AUTO,
    MX_METADATA,
    RAW_DIRECTORIES,
    STORED_DIRECTORY,
    RawFormat,
    dataset_name,
    detect_format,
    is_collection,
    session_date,
    session_of,
)
from icat_tui.domain.matching import Wanted
from icat_tui.domain.model import DiskDataset, DiskSession, SessionDirectory, Stamp, Trouble, TroubleKind
from icat_tui.domain.scan_events import DirectoryFailed
from icat_tui.domain.selection import Selection

Found = SessionDirectory | DirectoryFailed
AnyFormat = RawFormat | Literal["auto"]
EVERYTHING = Selection()
LEVELS = 3
"""A session lies at `<root>/<proposal>/<beamline>/<date>`."""


# -- directories -----------------------------------------------------------------------------------------------------


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


def _entries(path: str) -> list[tuple[str, Kind]]:
    """Return the entries of a directory by name; raises OSError where it can't be listed, not for one odd entry."""
    with os.scandir(path) as entries:
        return sorted((entry.name, _kind(entry)) for entry in entries)


# -- sessions --------------------------------------------------------------------------------------------------------


def find_sessions(root: str, selection: Selection, facility: Facility, raw_format: AnyFormat) -> Iterator[Found]:
    """Yield the selected sessions below a data root by proposal, beamline directory and date, as they are found.

    Hidden names and what is not called by a possible date are passed over, links to directories are followed. What
    can't be listed is a `DirectoryFailed`, and the rest goes on.
    """
    return _Search(selection, facility, raw_format).root(_absolute(root))


def sessions_at(
    path: str, roots: Sequence[str], facility: Facility, raw_format: AnyFormat, selection: Selection = EVERYTHING
) -> Iterator[Found]:
    """Return the selected sessions that hold PATH or lie below it (interface.md, "Selection").

    PATH is a data root, a proposal, a beamline directory, a session, or anything in one. Below none of `roots` the
    session is found by its date component. Raises UsageError where PATH is not there or can't belong to a session.
    """
    seen = look(path)
    if isinstance(seen, OSError) and seen.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENOLINK):
        raise UsageError(f"{path!r} is not there: check the path, and whether its file system is mounted")
    root, names = _split(_absolute(path), [_absolute(known) for known in roots])
    place = posixpath.join(root, *names)
    if len(names) == LEVELS and session_date(names[-1]) is None:
        raise UsageError(f"{path!r} is in no session: {place!r} is not called by a date like 20231019")
    search = _Search(selection, facility, raw_format)
    if not search.wants(names):
        return iter(())
    return (search.root, search.proposal, search.beamline, search.session)[len(names)](place)


def _absolute(path: str) -> str:
    return "/" + os.path.abspath(path).lstrip("/")


def _split(path: str, roots: Sequence[str]) -> tuple[str, list[str]]:
    """Return the data root that a path lies in and at most three names below it; raises UsageError without a root."""
    inner_first = sorted(roots, key=len, reverse=True)
    real = os.path.realpath(path)  # a root is often known by a link, and the working directory never is
    places = [(path, root, root) for root in inner_first]
    places += [(real, root, os.path.realpath(root)) for root in inner_first]
    for place, root, named in places:
        prefix = named.rstrip("/") + "/"
        if f"{place}/".startswith(prefix):
            return root, [name for name in place[len(prefix) :].split("/") if name][:LEVELS]
    session = session_of(path)
    if session is None:
        raise UsageError(f"{path!r} is below no data root ({', '.join(roots)}), nor in a session: give its --data-root")
    above = session.split("/")
    return "/".join(above[:-LEVELS]) or "/", above[-LEVELS:]


class _Search(NamedTuple):
    """What is looked for; each method yields what it finds in a directory of its level."""

    selection: Selection
    facility: Facility
    raw_format: AnyFormat

    def wants(self, names: Sequence[str]) -> bool:
        """Return whether the selection has room for a place so far below the root."""
        tests = (self.selection.wants_proposal, self._wants_beamline, self.selection.wants_session)
        return all(test(name) for test, name in zip(tests, names, strict=False))

    def _wants_beamline(self, name: str) -> bool:
        return self.selection.wants_beamline(name, self.facility)

    def root(self, path: str) -> Iterator[Found]:
        for proposal in _below(path, self.selection.wants_proposal):
            yield from (proposal,) if isinstance(proposal, DirectoryFailed) else self.proposal(proposal)

    def proposal(self, path: str) -> Iterator[Found]:
        for beamline in _below(path, self._wants_beamline):
            yield from (beamline,) if isinstance(beamline, DirectoryFailed) else self.beamline(beamline)

    def beamline(self, path: str) -> Iterator[Found]:
        for session in _below(path, self.selection.wants_session):
            yield from (session,) if isinstance(session, DirectoryFailed) else self.session(session)

    def session(self, path: str) -> Iterator[Found]:
        above, date = posixpath.split(path)
        above, directory = posixpath.split(above)
        beamline = self.facility.beamline(directory)
        names: list[str] = []
        if self.raw_format == AUTO and beamline not in self.facility.formats:
            try:
                names = [name for name, kind in _entries(path) if kind != Kind.OTHER]
            except OSError as error:  # no format is as good as another: what lies there is not known
                yield _failed(path, error)
                return
        if self.raw_format == AUTO:
            raw_format = detect_format(beamline, names, self.facility)
        else:
            raw_format = RawFormat(self.raw_format)
        yield SessionDirectory(path, posixpath.basename(above), beamline, date, raw_format)


def _below(path: str, wants: Callable[[str], bool]) -> Iterator[str | DirectoryFailed]:
    """Yield the wanted directories in a directory; what can't be looked into as a failure of its own."""
    try:
        entries = _entries(path)
    except OSError as error:
        yield _failed(path, error)
        return
    for name, kind in entries:
        if name.startswith(".") or not wants(name):
            continue
        below = posixpath.join(path, name)
        seen = look(below) if kind == Kind.REFUSED else None
        if isinstance(seen, OSError):
            yield _failed(below, seen)
        elif kind in (Kind.DIRECTORY, Kind.REFUSED):
            yield below


def _failed(path: str, error: OSError) -> DirectoryFailed:
    return DirectoryFailed(path, error.strerror or str(error))


# -- what lies in a session ------------------------------------------------------------------------------------------


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
    if previous and _same_listing(previous, session):
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
        entries = _entries(path)
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
    """Return the dataset directories by path (icat-facts.md §1.6)."""
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


# -- what has become of it -------------------------------------------------------------------------------------------


def unchanged(
    directory: SessionDirectory, previous: DiskSession, current: DiskSession, fingerprint_age: timedelta
) -> bool:
    """Return whether what an earlier scan found in a session is what a full scan would find now.

    `current` is the session's listing of now; the datasets that were looked into then are looked at here. The rule is
    that of interface.md, "Cache": equal is not enough, the stamps must have been at rest before they were relied on.
    """
    if not _same_listing(previous, current) or current.unlisted:
        return False
    if current.trouble and current.trouble.kind == TroubleKind.UNKNOWN:
        return False
    listing_holds = trusted(
        previous.fingerprint.values(),
        read_at=previous.listed_at,
        first_seen=previous.first_seen,
        fingerprint_age=fingerprint_age,
    )
    looked_into = (dataset for dataset in previous.datasets if dataset.read_at)
    return listing_holds and all(
        still_holds(dataset, look_at_dataset(directory, dataset), fingerprint_age) for dataset in looked_into
    )


def _same_listing(previous: DiskSession, current: DiskSession) -> bool:
    return (
        previous.fingerprint == current.fingerprint
        and previous.names == current.names
        and previous.trouble == current.trouble
        and None not in current.fingerprint.values()
    )


def look_at(
    directory: SessionDirectory,
    disk: DiskSession,
    wanted: Wanted,
    previous: DiskSession | None,
    fingerprint_age: timedelta,
) -> DiskSession:
    """Return a session with more known of the wanted datasets, as far as that needs no file to be opened.

    Of those to be read, what `previous` read is taken over where it still holds; the others stay `read=False`, for
    `metadata.read_datasets`. Those to be dated get `modified`, those to be counted `entries`, or `trouble` instead.
    """
    earlier = {dataset.path: dataset for dataset in previous.datasets} if previous else {}
    to_read, to_date, to_count = set(wanted.read), set(wanted.dated), set(wanted.counted)
    datasets: list[DiskDataset] = []
    for dataset in disk.datasets:
        known, path = dataset, dataset.path
        before = earlier.get(path)
        if path in to_read and before and before.name == dataset.name:
            known = _taken_over(directory, dataset, before, fingerprint_age)
        if path in to_count:
            known = _count(directory, known, before, disk.listed_at)
        if path in to_date and known.modified is None:
            seen = look(path)
            known = known if isinstance(seen, OSError) else structs.replace(known, modified=seen.st_mtime_ns)
        datasets.append(known)
    return structs.replace(disk, datasets=tuple(datasets))


def _taken_over(
    directory: SessionDirectory, dataset: DiskDataset, earlier: DiskDataset, fingerprint_age: timedelta
) -> DiskDataset:
    """Return the earlier reading where it holds, else the dataset with how long its stamps have been the same."""
    now = look_at_dataset(directory, dataset)
    if earlier.read and still_holds(earlier, now, fingerprint_age):
        return earlier
    if now.stamps is None or now.stamps != earlier.stamps:
        return dataset
    return structs.replace(dataset, stamps=now.stamps, first_seen=earlier.first_seen)


def _count(
    directory: SessionDirectory, dataset: DiskDataset, earlier: DiskDataset | None, started: float
) -> DiskDataset:
    """Return a dataset with whether its directory holds anything at all, hidden names included (§6.4)."""
    before = look_at_dataset(directory, dataset)
    entries, trouble = None, None
    try:
        with os.scandir(dataset.path) as listing:
            entries = next(listing, None) is not None
    except OSError as error:
        trouble = refusal(error, "the dataset directory can't be listed")
    stamps = before.stamps if before.stamps == look_at_dataset(directory, dataset).stamps else None
    same = earlier is not None and stamps is not None and earlier.stamps == stamps
    return structs.replace(
        dataset,
        modified=before.modified,
        file_modified=before.file_modified,
        entries=entries,
        trouble=trouble,
        stamps=stamps,
        first_seen=earlier.first_seen if earlier and same else started,
        read_at=started,
    )
