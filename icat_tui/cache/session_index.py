"""Index of the cache files: what the tree shows of every cached session, in one file (interface.md, "Index").

What must stay true: it is disposable. The cache files decide; an index with any fault is built again from them, without
a message. It is loaded unchecked, to be shown at once. Then an entry is trusted if its cache file has the same stamp,
and if that stamp is at least 2 s older than the index: a file that is replaced within one tick of a coarse clock may
have the same stamp. So several runs may write the index, and the last one wins: entries that it lacks are read again.
"""

import os
import posixpath
import struct
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Self

import msgspec
from msgspec import Struct

from icat_tui.atomic import write_pieces
from icat_tui.cache import session_cache as cache_files
from icat_tui.cache.session_cache import FileStamp, SessionCache, Unreadable
from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import SaveError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Match, Session, SessionDirectory
from icat_tui.domain.status import Category
from icat_tui.domain.summary import STATUSES, Counts, SessionRow, session_row
from icat_tui.regular_file import open_regular

SCHEMA = 2
"""Schema number of the index, to be raised whenever its content or form changes."""
HEADER = f"icat-tui index {SCHEMA} of cache {cache_files.SCHEMA}: {' '.join(STATUSES)}\n".encode("ascii")
"""First line of the file, else it is not used; it names the statuses, as counts depend on their order."""
AT_REST = 2_000_000_000
"""Nanoseconds by which a file must be older than the index to be trusted."""
CHANGES_INTERVAL = 0.1
"""Seconds for which changes are collected before they are yielded."""
BLOCK = 500
"""Number of sessions that are written and read together."""
FRAME = struct.Struct("<II")
"""Before each block: its length and its check sum."""
END = FRAME.pack(0, 0)
WRITTEN = struct.Struct("<q")
"""After the header: nanoseconds since the epoch, so that no two are the same and each is written."""
LARGEST_RATIO = 50
"""A run adds its sessions to an index of at most this many times their size: else reading them again is faster."""


class IndexedSession(Struct, frozen=True, gc=False):
    """Entry of the index about one cache file."""

    row: SessionRow
    settled: bool
    stamp: FileStamp


class Changes(Struct, frozen=True):
    """Differences between the index and the cache files, found by a check."""

    rows: tuple[SessionRow, ...] = ()
    """Rows that are new or replace known ones."""
    gone: tuple[str, ...] = ()
    """Paths of sessions that no longer have a cache file."""
    unreadable: tuple[Unreadable, ...] = ()
    """Cache files that can't be used."""


class SessionIndex:
    """Index of the sessions in a cache. Every method may be called from any thread."""

    def __init__(self, cache: SessionCache) -> None:
        """Make an empty index; `load` returns the saved one."""
        self.cache = cache
        self.path = cache.directory / "index"
        self._lock = threading.Lock()
        self._known: dict[str, IndexedSession] = {}
        """Entries by format and name of the cache file."""
        self._written = 0
        """When the file of the index was written, as `FileStamp.modified`."""
        self._changed = False

    @classmethod
    def load(cls, cache: SessionCache) -> Self:
        """Return the saved index, unchecked; an empty one where that is missing, torn or of another version."""
        index = cls(cache)
        try:
            with open_regular(index.path) as file:
                index._known = dict(_read(file))
                index._written = os.fstat(file.fileno()).st_mtime_ns
        except (OSError, ValueError, msgspec.MsgspecError):
            index._known = {}
        return index

    @property
    def rows(self) -> dict[str, SessionRow]:
        """Rows of the sessions by path, in a dictionary that the caller may change."""
        return {path: known.row for path, known in self._latest().items()}

    @property
    def settled(self) -> frozenset[str]:
        """Paths of the sessions whose cache file may be used without a new scan."""
        return frozenset(path for path, known in self._latest().items() if known.settled)

    def put(self, session: Session, settled: bool, stamp: FileStamp) -> None:
        """Add a session that was saved in the cache file with this stamp: `on_saved` of a `SessionCache`."""
        known = IndexedSession(session_row(session), settled, stamp)
        with self._lock:
            self._known[self._key(session.directory)] = known
            self._changed = True

    def row_of(self, session: Session) -> SessionRow:
        """Return the row of a session: the one that was made when it was saved or read, else a new one."""
        with self._lock:
            known = self._known.get(self._key(session.directory))
        if known and session.determined and known.row.seen_at == session.seen_at:
            return known.row
        return session_row(session)

    def drop(self, directory: SessionDirectory) -> None:
        """Remove a session whose cache file was removed."""
        with self._lock:
            if self._known.pop(self._key(directory), None):
                self._changed = True

    def check(self, cancellation: Cancellation) -> Iterator[Changes]:
        """Compare with the cache files, read again those that are not trusted, and yield changes every 0.1 s.

        It ends early when it is cancelled. Entries of a directory that can't be listed stay as they are.
        """
        for raw_format in RawFormat:
            with self._lock:
                before = {key: known for key, known in self._known.items() if key.startswith(f"{raw_format}/")}
            listed = self._listed(raw_format, cancellation)
            if listed is None:
                continue
            gone = [key for key in before if key not in listed]
            paths = {before[key].row.directory.path for key in gone if self._replace(key, before[key], None)}
            if paths:
                yield self._changes(paths)
            doubtful = [key for key, stamp in listed.items() if not self._trusted(before.get(key), stamp)]
            yield from self._read_again(doubtful, before, cancellation)

    def save(self) -> None:
        """Write the index if it has changed since loading. Raises SaveError; then the earlier file is still there."""
        with self._lock:
            if not self._changed:
                return
            known, self._changed = list(self._known.items()), False
        now = time.time_ns()
        try:
            written = write_pieces(self.path, lambda: _pieces(known, now))
        except SaveError:
            self._changed = True
            raise
        if written:
            self._written = written.st_mtime_ns

    def add_to_saved(self) -> None:
        """Add the entries of this run to the saved index, unless that is much larger. Raises SaveError like `save`.

        For a run that has not loaded the index. Entries that are left out are read again by the next check.
        """
        try:
            size = self.path.stat().st_size
        except OSError:
            size = 0
        if LARGEST_RATIO * sum(len(known.row.names) for known in self._known.values()) >= size:
            saved = self.load(self.cache)._known  # noqa: SLF001 - of this class
            self._known = saved | self._known
            self.save()

    # -- reading the cache files --

    def _key(self, directory: SessionDirectory) -> str:
        return f"{directory.format}/{self.cache.path(directory).name}"

    def _listed(self, raw_format: RawFormat, cancellation: Cancellation) -> dict[str, FileStamp] | None:
        """Return the stamps of the cache files of a format; None where they can't be listed or it was cancelled."""
        stamps: dict[str, FileStamp] = {}
        try:
            listing = os.scandir(self.cache.directory / raw_format)
        except FileNotFoundError:
            return stamps
        except OSError:
            return None
        with listing:
            try:
                for item in listing:
                    if cancellation:
                        return None
                    if item.name.endswith(".json") and (stamp := _stamp(item)):
                        stamps[f"{raw_format}/{item.name}"] = stamp
            except OSError:
                return None
        return stamps

    def _trusted(self, known: IndexedSession | None, stamp: FileStamp) -> bool:
        return known is not None and known.stamp == stamp and stamp.modified + AT_REST <= self._written

    def _read_again(
        self, keys: Iterable[str], before: dict[str, IndexedSession], cancellation: Cancellation
    ) -> Iterator[Changes]:
        paths: set[str] = set()
        unreadable: list[Unreadable] = []
        yielded_at = time.monotonic()
        for key in keys:
            if cancellation:
                break  # the changes so far are yielded, as the next check will not find them again
            previous, found = before.get(key), self._indexed(key)
            if isinstance(found, Unreadable):
                unreadable.append(found)
                found = None
            if self._replace(key, previous, found) and (previous and previous.row) != (found and found.row):
                paths.update(known.row.directory.path for known in (previous, found) if known)
            if (paths or unreadable) and time.monotonic() - yielded_at > CHANGES_INTERVAL:
                yield self._changes(paths, unreadable)
                paths, unreadable, yielded_at = set(), [], time.monotonic()
        if paths or unreadable:
            yield self._changes(paths, unreadable)

    def _indexed(self, key: str) -> IndexedSession | Unreadable | None:
        """Return the entry for a cache file; None where the file has gone meanwhile or is of another version."""
        path = self.cache.directory / key
        try:
            stamp = _stamp(path)  # before reading: a file that replaces this one meanwhile has another stamp
        except OSError as error:
            return Unreadable(str(path), f"cache file {path} could not be read ({error.strerror})")
        found = self.cache.cached_session_in(path)
        if isinstance(found, Unreadable):
            return found
        if found is None or stamp is None:
            return None
        return IndexedSession(session_row(found.session), found.settled, stamp)

    def _replace(self, key: str, previous: IndexedSession | None, found: IndexedSession | None) -> bool:
        """Replace an entry by the one found and return True; False where a newer one was added meanwhile."""
        with self._lock:
            if self._known.get(key) is not previous:
                return False
            if found:
                self._known[key] = found
            elif previous:
                del self._known[key]
            self._changed = self._changed or found is not previous
            return True

    def _changes(self, paths: Iterable[str], unreadable: Iterable[Unreadable] = ()) -> Changes:
        """Return the present rows of the sessions at these paths as changes."""
        rows = self.rows
        gone = tuple(sorted(path for path in paths if path not in rows))
        return Changes(tuple(rows[path] for path in sorted(paths) if path in rows), gone, tuple(unreadable))

    def _latest(self) -> dict[str, IndexedSession]:
        """Return the entries by path; of a session with several formats, the one for which ICAT was asked last."""
        with self._lock:
            everything = list(self._known.values())
        latest: dict[str, IndexedSession] = {}
        for known in everything:
            other = latest.setdefault(known.row.directory.path, known)
            if other.row.seen_at and known.row.seen_at and other.row.seen_at < known.row.seen_at:
                latest[known.row.directory.path] = known
        return latest


def _stamp(file: os.DirEntry[str] | Path) -> FileStamp | None:
    """Return the stamp of a file; None where it has gone meanwhile."""
    try:
        return FileStamp.of(file.stat())
    except FileNotFoundError:
        return None


# -- the file of the index -------------------------------------------------------------------------------------------


class _Record(Struct, array_like=True, frozen=True, gc=False):
    """Entry in the form in which it is written: texts are bytes, as msgspec refuses lone surrogates."""

    file: str
    format: RawFormat
    place: tuple[bytes, bytes, bytes, bytes]
    """Path, proposal, beamline and date."""
    category: Category | None
    counts: Counts
    names: memoryview
    stale: bool
    seen_at: datetime | None
    match: Match | None
    changed_at: datetime | None
    settled: bool
    stamp: tuple[int, int, int]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[_Record])


def _pieces(known: Sequence[tuple[str, IndexedSession]], now: int) -> Iterator[bytes]:
    """Yield the content of the file block by block."""
    yield HEADER + WRITTEN.pack(now)
    for start in range(0, len(known), BLOCK):
        block = _encoder.encode([_record(key, indexed) for key, indexed in known[start : start + BLOCK]])
        yield FRAME.pack(len(block), zlib.crc32(block)) + block
    yield END


def _read(file: BinaryIO) -> Iterator[tuple[str, IndexedSession]]:
    """Yield the entries of a file. Raises ValueError or MsgspecError where it is torn or of another version."""
    size = os.fstat(file.fileno()).st_size
    if file.read(len(HEADER)) != HEADER:
        raise ValueError("it is of another version")
    texts: dict[str, str] = {}
    counts: dict[Counts, Counts] = {}
    file.seek(WRITTEN.size, os.SEEK_CUR)
    while True:
        frame = file.read(FRAME.size)
        if len(frame) < FRAME.size:
            raise ValueError("it is torn")
        if frame == END:
            return
        length, check_sum = FRAME.unpack(frame)
        block = file.read(min(length, size))
        if zlib.crc32(block) != check_sum:
            raise ValueError("it does not hold what was written")
        for record in _decoder.decode(block):
            yield _entry(record, texts, counts)


def _record(key: str, known: IndexedSession) -> _Record:
    row, directory = known.row, known.row.directory
    place = (directory.path, directory.proposal, directory.beamline, directory.date)
    path, proposal, beamline, date = map(_bytes, place)
    return _Record(
        posixpath.basename(key),
        directory.format,
        (path, proposal, beamline, date),
        row.category,
        row.counts,
        memoryview(_bytes(row.names)),
        row.stale,
        row.seen_at,
        row.match,
        row.changed_at,
        known.settled,
        known.stamp,
    )


def _entry(record: _Record, texts: dict[str, str], counts: dict[Counts, Counts]) -> tuple[str, IndexedSession]:
    """Return the entry of a record; values that are in `texts` or `counts` already are shared, to save memory."""
    path, proposal, beamline, date = (_text(part) for part in record.place)
    row = SessionRow(
        directory=SessionDirectory(
            path,
            texts.setdefault(proposal, proposal),
            texts.setdefault(beamline, beamline),
            texts.setdefault(date, date),
            record.format,
        ),
        category=record.category,
        counts=counts.setdefault(record.counts, record.counts),
        names=_text(record.names),
        stale=record.stale,
        seen_at=record.seen_at,
        match=record.match,
        changed_at=record.changed_at,
    )
    return f"{record.format}/{record.file}", IndexedSession(row, record.settled, FileStamp(*record.stamp))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(content: bytes | memoryview) -> str:
    return str(content, "utf-8", "surrogatepass")
