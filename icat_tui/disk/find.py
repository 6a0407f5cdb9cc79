"""Search for sessions below a data root, by proposal, beamline and date, or by a path.

What must stay true: a directory that can't be listed is reported with the system's text, and the search goes on.
"""

import errno
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Literal, NamedTuple

from icat_tui.disk.filesystem import DIRECTORIES, EntryKind, entries_of, stat_or_error
from icat_tui.disk.identity import identity
from icat_tui.disk.no_session import raw_data_in
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import (
    AUTO,
    RAW_DIRECTORIES,
    RawFormat,
    detect_format,
    session_date,
    session_of,
)
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import DirectoryFailed, DirectoryIgnored, Found
from icat_tui.domain.selection import Selection

AnyFormat = RawFormat | Literal["auto"]
Listing = Callable[[str], list[tuple[str, EntryKind]]]
"""Lists a directory: name and kind of its entries, by name; raises OSError."""
EVERYTHING = Selection()
NO_PROPOSAL = "this data root holds no proposal: is it mounted?"
"""Reason of a `DirectoryFailed`: an unmounted data root is an empty directory."""
LEVELS = 3
"""A session lies at `<root>/<proposal>/<beamline>/<date>`."""


class MisnamedError(UsageError):
    """Error: a PATH lies where a session would be, in a directory that is not called by a date."""


# -- sessions --------------------------------------------------------------------------------------------------------


def find_sessions(
    root: str,
    selection: Selection,
    facility: Facility,
    raw_format: AnyFormat,
    listing: Listing = entries_of,
) -> Iterator[Found]:
    """Yield the selected sessions below a data root, ordered by proposal, beamline directory and date.

    Each is yielded as soon as it is found. Hidden names and session directories that are not named by a possible date
    are left out, links to directories are followed. For a directory that can't be listed a `DirectoryFailed` is
    yielded, and the search goes on; so it is for a data root without a proposal, unless globs or dates may match
    nothing. For a directory that holds raw data and is no session a `DirectoryIgnored` is yielded. `listing` lists a
    directory (`KnownListings.entries`, where one searches again and again).
    """
    return _Search(selection, facility, raw_format, listing).root(absolute(root))


def sessions_at(  # noqa: PLR0913 - what a search is about
    path: str,
    roots: Sequence[str],
    facility: Facility,
    raw_format: AnyFormat,
    selection: Selection = EVERYTHING,
    *,
    listing: Listing = entries_of,
) -> Iterator[Found]:
    """Return the selected sessions that hold PATH or lie below it (interface.md, "Selection").

    PATH is a data root, a proposal, a beamline directory, a session, or anything in one. For a path below none of
    `roots` the session is found by its date component. Raises UsageError where PATH is not there or can't belong to a
    session, MisnamedError where it lies in what would be one by its place.
    """
    seen = stat_or_error(path)
    if isinstance(seen, OSError) and seen.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENOLINK):
        raise UsageError(f"{path!r} is not there: check the path, and whether its file system is mounted")
    root, names = _split(absolute(path), [absolute(known) for known in roots])
    place = posixpath.join(root, *names)
    if len(names) == LEVELS and session_date(names[-1]) is None:
        raise MisnamedError(f"{path!r} is in no session: {place!r} is not called by a date like 20231019")
    search = _Search(selection, facility, raw_format, listing)
    if not search.wants(names):
        return iter(())
    return (search.root, search.proposal, search.beamline, search.session)[len(names)](place)


def roots_once(roots: Iterable[str]) -> tuple[str, ...]:
    """Return data roots without those that are another name of one before them."""
    by_directory: dict[object, str] = {}
    for root in roots:
        by_directory.setdefault(identity_or_path(root), root)
    return tuple(by_directory.values())


def sessions_once(found: Iterable[Found]) -> list[Found]:
    """Return what was found by path, each session once: of two names of one directory the first is kept."""
    by_directory: dict[object, Found] = {}
    for each in found:
        by_directory.setdefault(identity_or_path(each.path), each)
    return sorted(by_directory.values(), key=lambda each: each.path)


def identity_or_path(path: str) -> object:
    """Return what two paths of one directory have in common: its identity; the path itself where that is not known."""
    found = identity(path)
    return found if isinstance(found, tuple) else path


def absolute(path: str) -> str:
    """Return a path from / on, without a slash at its end.

    Raises UsageError where it begins in a working directory that is gone.
    """
    try:
        return "/" + os.path.abspath(path).lstrip("/")
    except OSError as error:
        raise UsageError(f"{path!r} leads nowhere: the directory that it begins in is gone; go to another") from error


def _split(path: str, roots: Sequence[str]) -> tuple[str, list[str]]:
    """Return the data root that a path lies in and at most three names below it; raises UsageError without a root."""
    inner_first = sorted(roots, key=len, reverse=True)
    real = os.path.realpath(path)  # roots are often given as links, while the working directory is a real path
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


class Level(IntEnum):
    """Level of a directory above the sessions."""

    ROOT = 0
    PROPOSAL = 1
    BEAMLINE = 2


class _Search(NamedTuple):
    """Search for selected sessions; each method yields those in a directory of its level."""

    selection: Selection
    facility: Facility
    raw_format: AnyFormat
    listing: Listing = entries_of

    def wants(self, names: Sequence[str]) -> bool:
        """Return whether there may be selected sessions below a place, by its names below the root."""
        return all(self._wants_at(level, name) for level, name in enumerate(names))

    def _wants_at(self, level: int, name: str) -> bool:
        """Return whether a directory that many levels below a data root is selected by its name."""
        match level:
            case Level.ROOT:
                return self.selection.wants_proposal(name)
            case Level.PROPOSAL:
                return self.selection.wants_beamline(name, self.facility)
        return self.selection.wants_session(name)

    def root(self, path: str) -> Iterator[Found]:
        none = True
        for found in self._below(path, Level.ROOT):
            none = False
            yield from self.proposal(found) if isinstance(found, str) else (found,)
        if none and not self.selection.has_globs_or_dates and not _holds_proposal(path, self.facility):
            yield DirectoryFailed(path, NO_PROPOSAL)

    def proposal(self, path: str) -> Iterator[Found]:
        for found in self._below(path, Level.PROPOSAL):
            yield from self.beamline(found) if isinstance(found, str) else (found,)

    def beamline(self, path: str) -> Iterator[Found]:
        for found in self._below(path, Level.BEAMLINE):
            yield from self.session(found) if isinstance(found, str) else (found,)

    def session(self, path: str) -> Iterator[Found]:
        above, date = posixpath.split(path)
        above, directory = posixpath.split(above)
        beamline = self.facility.beamline(directory)
        names: list[str] = []
        if self.raw_format == AUTO and beamline not in self.facility.formats:
            try:
                names = [name for name, kind in self.listing(path) if kind != EntryKind.OTHER]
            except OSError as error:  # no default format: the content of the session is not known
                yield _failed(path, error)
                return
        if self.raw_format == AUTO:
            raw_format = detect_format(beamline, names, self.facility)
        else:
            raw_format = RawFormat(self.raw_format)
        yield SessionDirectory(path, posixpath.basename(above), beamline, date, raw_format)

    def _below(self, path: str, level: Level) -> Iterator[str | DirectoryFailed | DirectoryIgnored]:
        """Yield the selected directories in one of a level, and what is told of the others there."""
        try:
            entries = self.listing(path)
        except OSError as error:
            yield _failed(path, error)
            return
        for name, kind in entries:
            if self.facility.ignores(name) or kind not in DIRECTORIES:
                continue
            below = posixpath.join(path, name)
            place = self._place_of_raw_data(path, name, level)
            if place and (holds := raw_data_in(place)):
                yield DirectoryIgnored(place, holds)
            elif self._wants_at(level, name):
                refused = stat_or_error(below) if kind == EntryKind.REFUSED else None
                yield _failed(below, refused) if isinstance(refused, OSError) else below

    def _place_of_raw_data(self, path: str, name: str, level: Level) -> str | None:
        """Return the directory that is no session and may hold raw data, if an entry makes it look so; else None.

        That is the entry itself, where a session would be, or where its own name is that of a raw directory the one
        that it is in.
        """
        if level == Level.ROOT:
            return None
        if name == RAW_DIRECTORIES[RawFormat.ESRFV3] and self.selection.may_mean(posixpath.basename(path)):
            return path if level == Level.BEAMLINE or self._wants_at(level, name) else None
        if level == Level.BEAMLINE and session_date(name) is None and self.selection.may_mean(name):
            return posixpath.join(path, name)
        return None


def _failed(path: str, error: OSError) -> DirectoryFailed:
    return DirectoryFailed(path, error.strerror or str(error))


def is_on_disk(directory: SessionDirectory, facility: Facility) -> bool | str:
    """Return whether a session is on disk, or a text that says why that can't be determined."""
    root = posixpath.dirname(posixpath.dirname(posixpath.dirname(directory.path)))
    try:
        if not _holds_proposal(root, facility):
            return f"data root {root} holds no proposal: is it mounted?"
        return _is_listed(directory.path, root)
    except OSError as error:
        return f"{error.filename} could not be listed: {error.strerror}"


def _holds_proposal(root: str, facility: Facility) -> bool:
    """Return whether a data root holds what may be a proposal. Raises OSError where it can't be listed."""
    with os.scandir(root) as listing:
        return any(not facility.ignores(entry.name) and _is_directory(entry) for entry in listing)


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links, which does not affect other entries
        return False


def _is_listed(path: str, root: str) -> bool:
    """Return whether the parent directory lists a path; False also where the parent is gone itself.

    Raises OSError where a directory on the way can't be listed.
    """
    parent, name = posixpath.split(path)
    try:
        return name in os.listdir(parent)
    except (FileNotFoundError, NotADirectoryError):
        if parent == root or _is_listed(parent, root):
            raise
        return False
