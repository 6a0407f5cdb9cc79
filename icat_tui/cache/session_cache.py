"""Cache of sessions as JSON files, one each, so that the next run need not scan everything (interface.md, "Cache").

What must stay true: a file is used only if it is whole, and a session that could not be determined is never written as
if it were complete. So the content is in an envelope with its digest: a single changed byte could give another path, or
make a session settled that is not. The standard library's JSON writes the files, and reads those that msgspec refuses,
as paths can have bytes that are not text.
"""

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import msgspec
from msgspec import Struct, structs

from icat_tui.atomic import write_file
from icat_tui.domain import timeslot
from icat_tui.domain.errors import SaveError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Dataset, DiskSession, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.regular_file import read_regular

SCHEMA = 2
"""Schema number, to be raised whenever a rule or a field changes; sessions of older files are scanned again."""
SETTLED_CATEGORIES = frozenset({Category.OK, Category.EMPTY, Category.HAS_INVALID})
UNSETTLED_STATUSES = frozenset({Status.UNKNOWN, Status.PENDING, Status.IN_PROGRESS})
"""Statuses that change without any change on disk."""
LONGEST_NAME = 180
"""Largest number of characters of proposal, beamline and date in a file name; the path's digest makes it unique."""
ENVELOPE = '{"schema":%d,"digest":"%s","kept":%s}'
ENVELOPE_PATTERN = re.compile(rb'\{"schema":([0-9]+),"digest":"([0-9a-f]{32})","kept":(.*)\}', re.DOTALL)


class CachedSession(Struct, frozen=True, kw_only=True):
    """Content of a cache file without its disk half: enough to show the session, and to use it if it is settled."""

    settled: bool
    session: Session


class CacheEntry(CachedSession, frozen=True, kw_only=True):
    """Whole content of a cache file: the compared session, and its state on disk at that time."""

    disk: DiskSession


Part = TypeVar("Part", bound=CachedSession)

_decoders: dict[type[CachedSession], msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (CachedSession, CacheEntry)
}
"""Made here, while there is one thread: what a type is like is worked out once, and not by two threads at once."""


class FileStamp(NamedTuple):
    """Stamp of a cache file; a new file has another one, as files are replaced and never changed."""

    modified: int
    """Modification time in nanoseconds, by the clock of the file system."""
    size: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """Return the stamp in a result of `stat`."""
        return cls(status.st_mtime_ns, status.st_size, status.st_ino)


class Unreadable(Struct, frozen=True):
    """Cache file that could not be read, or one that is torn or not ours and was set aside."""

    path: str
    reason: str


class SessionCache:
    """Cache files below one directory. Every method may be called from any thread."""

    def __init__(self, directory: Path, on_saved: Callable[[Session, bool, FileStamp], object] | None = None) -> None:
        """Use `directory`, which need not exist yet.

        `on_saved` is called with each session that was saved, whether it is settled, and the stamp of its file.
        """
        self.directory = directory / "icat-tui"
        self._on_saved = on_saved
        self._waiting: dict[Path, CacheEntry] = {}
        """Sessions that are not saved yet, as it is not known whether they will be."""
        self._remembered: dict[Path, Session] = {}
        """Sessions whose file was removed, for what ICAT listed of them."""

    def path(self, directory: SessionDirectory) -> Path:
        """Return the path of a session's cache file."""
        name = f"{directory.proposal}_{directory.beamline}_{directory.date}"
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:LONGEST_NAME]
        digest = hashlib.sha256(os.fsencode(directory.path)).hexdigest()[:16]
        return self.directory / directory.format / f"{plain}-{digest}.json"

    def cached_session(self, directory: SessionDirectory) -> CachedSession | Unreadable | None:
        """Return a cached session without its disk half, also one that waits; None where there is no file."""
        path = self.path(directory)
        return self._waiting.get(path) or self._read(path, CachedSession)

    def known_session(self, directory: SessionDirectory) -> Session | None:
        """Return what was found out last about a session, also where its file is out of date; None without any.

        It says what ICAT listed, and leaves a file that can't be used where it is.
        """
        path = self.path(directory)
        if path in self._remembered:
            return self._remembered[path]
        try:
            found = _content_of(read_regular(path), CachedSession)
        except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
            return None
        return found.session if found else None

    def entry(self, directory: SessionDirectory) -> CacheEntry | Unreadable | None:
        """Return the whole content of a session's file; None where there is no file."""
        return self._read(self.path(directory), CacheEntry)

    def cached_session_in(self, path: Path) -> CachedSession | Unreadable | None:
        """Return the cached session in one of `files`; None where the file has gone meanwhile."""
        return self._read(path, CachedSession)

    def entry_in(self, path: Path) -> CacheEntry | Unreadable | None:
        """Return the whole content of one of `files`; None where the file has gone meanwhile."""
        return self._read(path, CacheEntry)

    def cached_sessions(self, raw_format: RawFormat) -> Iterator[CachedSession | Unreadable]:
        """Yield all cached sessions of a format, in the order of the files' names."""
        for path in self.files(raw_format):
            found = path if isinstance(path, Unreadable) else self._read(path, CachedSession)
            if found is not None:
                yield found

    def dataset_with(self, icat_id: int) -> Dataset | None:
        """Return the dataset that ICAT has under an id, where a cached session has it; None elsewhere.

        The files are searched as they are, and only one that has the id is decoded.
        """
        wanted = re.compile(rb'"icat_id": ?%d\b' % icat_id)
        for path in (each for raw_format in RawFormat for each in self.files(raw_format) if isinstance(each, Path)):
            try:
                content = read_regular(path)
                found = _content_of(content, CachedSession) if wanted.search(content) else None
            except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
                continue  # another run may have it, or nobody: then the request says so
            for dataset in found.session.datasets if found else ():
                if dataset.icat_id == icat_id:
                    return dataset
        return None

    def files(self, raw_format: RawFormat) -> list[Path | Unreadable]:
        """Return the files of a format by name, or one Unreadable where their directory can't be listed."""
        directory = self.directory / raw_format
        try:
            with os.scandir(directory) as listing:
                return [*sorted(Path(item.path) for item in listing if item.name.endswith(".json"))]
        except FileNotFoundError:
            return []
        except OSError as error:
            return [Unreadable(str(directory), f"cache directory {directory} could not be listed ({error.strerror})")]

    def save(self, session: Session, disk: DiskSession, now: datetime) -> None:
        """Write a session's file. Raises SaveError; then an earlier file is still there."""
        path = self.path(session.directory)
        entry = _entry(session, disk, now)
        kept = json.dumps(msgspec.to_builtins(entry), separators=(",", ":"))
        text = ENVELOPE % (SCHEMA, _digest(kept.encode("ascii")), kept)
        written = write_file(path, text.encode("ascii"))
        self._waiting.pop(path, None)
        self._remembered.pop(path, None)
        if written and self._on_saved:
            self._on_saved(session, entry.settled, FileStamp.of(written))

    def wait(self, session: Session, disk: DiskSession, now: datetime) -> None:
        """Have a session read from here that will be saved, or discarded, once it is known whether it holds."""
        self._waiting[self.path(session.directory)] = _entry(session, disk, now)

    def discard(self, directory: SessionDirectory) -> None:
        """Forget a session that waits: its earlier file stays."""
        self._waiting.pop(self.path(directory), None)

    def drop(self, directory: SessionDirectory) -> None:
        """Remove a session's file, and what is remembered of it. Raises SaveError where it can't be removed."""
        path = self.path(directory)
        self._remembered.pop(path, None)
        self._remove(path)

    def set_aside(self, directory: SessionDirectory) -> None:
        """Take a session's file out of the cache in such a way that it can be put back. Raises SaveError."""
        path = self.path(directory)
        self._waiting.pop(path, None)
        try:
            path.replace(_aside(path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise SaveError(f"{path} could not be removed: {error.strerror}") from error

    def put_back(self, directory: SessionDirectory) -> bool:
        """Put back a session's file that was set aside; return whether it is there again.

        Where there is another one by now, that stays. Raises SaveError.
        """
        path = self.path(directory)
        try:
            if path.exists():
                _aside(path).unlink(missing_ok=True)
                return False
            _aside(path).replace(path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise SaveError(f"{path} could not be put back: {error.strerror}") from error
        return True

    def forget_aside(self, directory: SessionDirectory) -> None:
        """Remove a session's file that was set aside. Raises SaveError."""
        path = _aside(self.path(directory))
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise SaveError(f"{path} could not be removed: {error.strerror}") from error

    def outdate(self, directory: SessionDirectory) -> None:
        """Remove a session's file, and remember what ICAT listed. Raises SaveError where it can't be removed."""
        path = self.path(directory)
        if known := self.known_session(directory):
            listed = [each for each in known.datasets if each.icat_id is not None or each.last_listed]
            self._remembered[path] = structs.replace(known, datasets=tuple(listed))
        self._remove(path)

    def _remove(self, path: Path) -> None:
        self._waiting.pop(path, None)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise SaveError(f"{path} could not be removed: {error.strerror}") from error

    def _read(self, path: Path, kind: type[Part]) -> Part | Unreadable | None:
        try:
            content = read_regular(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Unreadable(
                str(path), f"cache file {path} could not be read ({error.strerror}): the session is scanned anew"
            )
        try:
            found = _content_of(content, kind)
            if found and self.path(found.session.directory) != path:
                raise ValueError(f"it is of {found.session.directory.path!r}")  # noqa: TRY301 - set aside like the others
        except (ValueError, msgspec.MsgspecError, RecursionError) as error:
            return _set_aside(path, str(error))
        return found


def _entry(session: Session, disk: DiskSession, now: datetime) -> CacheEntry:
    read = tuple(dataset for dataset in disk.datasets if dataset.read_at)
    disk = structs.replace(disk, datasets=read, listed=())
    return CacheEntry(settled=is_settled(session, now), session=session, disk=disk)


def is_settled(session: Session, now: datetime) -> bool:
    """Return whether a session may be used without a new scan (interface.md, "Settled sessions")."""
    return (
        session.category in SETTLED_CATEGORIES
        and not UNSETTLED_STATUSES.intersection(session.counts)
        and session.fit is not None
        and timeslot.is_over(session.fit, now)
    )


def is_due(session: Session, now: datetime, max_age: timedelta | None) -> bool:
    """Return whether ICAT was asked longer than `max_age` ago; never where that is None."""
    return max_age is not None and now - session.seen_at > max_age


def _digest(kept: bytes) -> str:
    return hashlib.blake2b(kept, digest_size=16).hexdigest()


def _aside(path: Path) -> Path:
    """Return where a cache file is set aside: no session is read from there."""
    return path.with_name(f"{path.name}.dropped")


def _content_of(envelope: bytes, kind: type[Part]) -> Part | None:
    """Return the content of an envelope; None where it is of another schema.

    Raises ValueError where the envelope is torn or its digest does not fit, and the errors of `_decode`.
    """
    found = ENVELOPE_PATTERN.fullmatch(envelope)
    if found is None:
        raise ValueError("it is torn or not of this program")
    schema, digest, kept = found.groups()
    if int(schema) != SCHEMA:
        return None
    if _digest(kept) != digest.decode("ascii"):
        raise ValueError("it does not hold what was written")
    return _decode(kept, kind)


def _decode(content: bytes, kind: type[Part]) -> Part:
    try:
        decoded: Part = _decoders[kind].decode(content)
    except msgspec.MsgspecError:
        loaded: Any = json.loads(content)  # lone surrogates: bytes in a path that are not text
        return msgspec.convert(loaded, kind)
    return decoded


def _set_aside(path: Path, why: str) -> Unreadable:
    """Rename a file that can't be used, so that it is not read again and nothing is lost."""
    aside = path.with_name(f"{path.name}.unreadable")
    try:
        os.replace(path, aside)
    except OSError as error:
        return Unreadable(str(path), f"cache file {path} can't be used ({why}) nor set aside ({error.strerror})")
    reason = f"cache file {path} can't be used ({why}): set aside as {posixpath.basename(aside)}"
    return Unreadable(str(path), reason)
