"""The index beside the cache files: what the tree shows of every cached session, read in one go.

What must stay true: it is disposable. The cache files are what holds; whatever is wrong with the index, it is made anew
from them, and nobody hears of it. It is loaded unchecked, to be shown at once. Then an entry is trusted where its cache
file has the stamp that it had, and that stamp is at least 2 s older than the index: what is replaced within one tick of
a coarse clock may look as before. So several may write it, and the last one wins: what it did not know is read again.
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
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.status import Category
from icat_tui.domain.summary import STATUSES, Counts, SessionRow, session_row

SCHEMA = 1
"""Goes up whenever what is kept or how it is written changes."""
HEADER = f"icat-tui index {SCHEMA} of cache {cache_files.SCHEMA}: {' '.join(STATUSES)}\n".encode("ascii")
"""What it begins with, else it is not used: counts and names stand for statuses by their order."""
AT_REST = 2_000_000_000
"""Nanoseconds that a file must be older than the index."""
CHANGES_INTERVAL = 0.1
"""Seconds for which changes are collected before they are yielded_at."""
BLOCK = 500
"""Sessions that are written and read together."""
FRAME = struct.Struct("<II")
"""Before each block: its length and its check sum."""
END = FRAME.pack(0, 0)
WRITTEN = struct.Struct("<q")
"""After the header: nanoseconds since the epoch, so that no two are the same and each is written."""
LARGEST_RATIO = 50
"""A run adds what it saved to an index at most so many times as large: few files are sooner read again."""


class IndexedSession(Struct, frozen=True, gc=False):
    """What the index has of a cache file."""

    row: SessionRow
    settled: bool
    stamp: FileStamp


class Changes(Struct, frozen=True):
    """What a check found to be different from what the index said."""

    rows: tuple[SessionRow, ...] = ()
    """New ones, and those that take the place of what was known."""
    gone: tuple[str, ...] = ()
    """Paths of sessions that no cache file tells of any more."""
    unreadable: tuple[Unreadable, ...] = ()
    """Cache files that are of no use."""


class SessionIndex:
    """What is known of the sessions in a cache. Every method may be called from any thread."""

    def __init__(self, cache: SessionCache) -> None:
        """Begin with nothing; `load` returns one that has what was saved last."""
        self.cache = cache
        self.path = cache.directory / "index"
        self._lock = threading.Lock()
        self._known: dict[str, IndexedSession] = {}
        """By format and name of the cache file."""
        self._written = 0
        """When the file of the index was written, as `FileStamp.modified`."""
        self._changed = False

    @classmethod
    def load(cls, cache: SessionCache) -> Self:
        """Return what was saved last, unchecked; nothing where that is missing, torn or of another version."""
        index = cls(cache)
        try:
            with index.path.open("rb") as file:
                index._known = dict(_read(file))
                index._written = os.fstat(file.fileno()).st_mtime_ns
        except (OSError, ValueError, msgspec.MsgspecError):
            index._known = {}
        return index

    @property
    def rows(self) -> dict[str, SessionRow]:
        """What the tree shows of each session, by its path; yours to keep."""
        return {path: known.row for path, known in self._latest().items()}

    @property
    def settled(self) -> frozenset[str]:
        """Paths of the sessions whose cache file may be used without looking again."""
        return frozenset(path for path, known in self._latest().items() if known.settled)

    def put(self, session: Session, settled: bool, stamp: FileStamp) -> None:
        """Take in what was saved in the cache file that has this stamp: what a `SessionCache` tells of as it saves."""
        known = IndexedSession(session_row(session), settled, stamp)
        with self._lock:
            self._known[self._key(session.directory)] = known
            self._changed = True

    def drop(self, directory: SessionDirectory) -> None:
        """Forget a session, whose cache file was removed."""
        with self._lock:
            if self._known.pop(self._key(directory), None):
                self._changed = True

    def check(self, cancellation: Cancellation) -> Iterator[Changes]:
        """Compare with the cache files, read again those that are not trusted, and yield changes every 0.1 s.

        Ends early when it is called off. A directory that can't be listed says nothing: what is known of it stays.
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
        """Write what is known, if it is not what was loaded. Raises SaveError, and then what was there still is."""
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
        """Add what was put to what was saved last, where that is much beside it. Raises SaveError like `save`.

        For a run that has not loaded it: what is left out is read again by whoever checks.
        """
        try:
            size = self.path.stat().st_size
        except OSError:
            size = 0
        if LARGEST_RATIO * sum(len(known.row.names) for known in self._known.values()) >= size:
            saved = self.load(self.cache)._known  # noqa: SLF001 - one of us
            self._known = saved | self._known
            self.save()

    # -- looking at the cache files --

    def _key(self, directory: SessionDirectory) -> str:
        return f"{directory.format}/{self.cache.path(directory).name}"

    def _listed(self, raw_format: RawFormat, cancellation: Cancellation) -> dict[str, FileStamp] | None:
        """Return the stamps of the cache files that are there; None where nobody can say or it was called off."""
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
                break  # what was found until now is yielded_at: nobody will find it again
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
        """Return what a cache file says; None where it has gone meanwhile or is of another version."""
        path = self.cache.directory / key
        try:
            stamp = _stamp(path)  # first: of what takes its place meanwhile it is not the stamp
        except OSError as error:
            return Unreadable(str(path), f"cache file {path} could not be read ({error.strerror})")
        found = self.cache.cached_session_in(path)
        if isinstance(found, Unreadable):
            return found
        if found is None or stamp is None:
            return None
        return IndexedSession(session_row(found.session), found.settled, stamp)

    def _replace(self, key: str, previous: IndexedSession | None, found: IndexedSession | None) -> bool:
        """Take in what was found, and return whether: not where something newer came in meanwhile."""
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
        """Return what is known now of the sessions at these paths."""
        rows = self.rows
        gone = tuple(sorted(path for path in paths if path not in rows))
        return Changes(tuple(rows[path] for path in sorted(paths) if path in rows), gone, tuple(unreadable))

    def _latest(self) -> dict[str, IndexedSession]:
        """Return what is known by path; of a session that was read as several formats, what ICAT was asked last for."""
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
    """An entry as it is written: texts as bytes, as msgspec refuses lone surrogates in them."""

    file: str
    format: RawFormat
    place: tuple[bytes, bytes, bytes, bytes]
    """Path, proposal, beamline and date."""
    category: Category | None
    counts: Counts
    names: memoryview
    stale: bool
    seen_at: datetime | None
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
    """Yield what a file holds. Raises ValueError or MsgspecError where it is not whole or of another version."""
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
        known.settled,
        known.stamp,
    )


def _entry(record: _Record, texts: dict[str, str], counts: dict[Counts, Counts]) -> tuple[str, IndexedSession]:
    """Return an entry that holds what is the same in many only once: what is in `texts` and `counts` already."""
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
    )
    return f"{record.format}/{record.file}", IndexedSession(row, record.settled, FileStamp(*record.stamp))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(content: bytes | memoryview) -> str:
    return str(content, "utf-8", "surrogatepass")
