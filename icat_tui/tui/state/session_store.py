"""The one owner of what the UI knows of sessions: a row of each, and the last few in full.

What must stay true: `take`, `drop` and `changed` are the only ways in, and are called in the UI's thread alone; the
tree, the detail and the totals look up what they show. Of a session that could not be determined, or of which something
was sent a moment ago, there is no cache file, so what is known is kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct, structs

from icat_tui.cache.known_sessions import known_sessions
from icat_tui.cache.session_cache import CachedSession, SessionCache, Unreadable
from icat_tui.cache.session_index import Changes, SessionIndex
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.pending import with_pending
from icat_tui.domain.summary import SessionRow, session_row

AT_HAND = 8
"""How many decoded sessions are kept."""


class StoreChange(Struct, frozen=True):
    """Change of what is known of sessions, by their paths."""

    taken: tuple[str, ...] = ()
    """Found, scanned or looked at: to be shown."""
    indexed: tuple[str, ...] = ()
    """Known otherwise from the cache: to be shown where they are in view or belong there."""
    gone: tuple[str, ...] = ()
    """Not known any more."""


class SessionStore:
    """Owner of everything that is known of sessions in the UI."""

    def __init__(
        self, cache: SessionCache, index: SessionIndex, facility: Facility, on_change: Callable[[StoreChange], None]
    ) -> None:
        """Begin with what the index of the cache says; `on_change` is called after each change, in the same thread."""
        self._cache, self._index, self._facility, self._on_change = cache, index, facility, on_change
        self._rows = index.rows
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, Session] = OrderedDict()
        self._unsaved: dict[str, Session] = {}
        """Sessions that no cache file has as they are now: not determined, or sent a moment ago."""

    @property
    def rows(self) -> Mapping[str, SessionRow]:
        """The row of every known session by path, in view or not; read-only."""
        return MappingProxyType(self._rows)

    # -- the ways in -----------------------------------------------------------------------------------------------

    def take(self, found: Iterable[SessionDirectory | SessionRow] = (), sessions: Iterable[Session] = ()) -> None:
        """Take in sessions: directories that were found, rows that were made, or sessions in full.

        A directory that is known keeps its row. Of sessions in full only the last few are kept.
        """
        taken: dict[str, None] = {}
        for each in found:
            row = each if isinstance(each, SessionRow) else self._rows.get(each.path) or SessionRow(directory=each)
            self._rows[row.directory.path] = row
            taken[row.directory.path] = None
        for session in sessions:
            self._keep(session)
            if session.directory.path not in taken:
                self._rows[session.directory.path] = self._index.row_of(session)
                taken[session.directory.path] = None
        if taken:
            self._on_change(StoreChange(taken=tuple(taken)))

    def sent(self, planned: Session, reasons: Mapping[str, str]) -> None:
        """Take in that datasets of a session were sent, by their paths with the reason why they are pending.

        `planned` is the session as it was when they were confirmed, for where nothing newer is at hand.
        """
        path = planned.directory.path
        now = with_pending(self.at_hand(path) or planned, reasons)
        self._keep(now, saved=False)
        self._rows[path] = session_row(now)
        self._on_change(StoreChange(taken=(path,)))

    def drop(self, emptied: Sequence[SessionDirectory], gone: Sequence[SessionDirectory] = ()) -> None:
        """Forget what is known of some sessions, which show as not scanned then, and others altogether.

        Their cache files have been removed before (`set_aside`).
        """
        with self._lock:
            for directory in (*emptied, *gone):
                self._recent.pop(directory.path, None)
                self._unsaved.pop(directory.path, None)
        for directory in emptied:
            self._rows[directory.path] = SessionRow(directory=directory)
        for directory in gone:
            self._rows.pop(directory.path, None)
        paths = tuple(directory.path for directory in emptied)
        self._on_change(StoreChange(indexed=paths, gone=tuple(directory.path for directory in gone)))

    def changed(self, changes: Changes) -> None:
        """Take in what the cache says and the index did not; what has no cache file any more is not scanned."""
        self._rows.update({row.directory.path: row for row in changes.rows})
        gone = [path for path in changes.gone if path in self._rows and self._is_only_cached(path)]
        for path in gone:
            self._rows[path] = SessionRow(directory=self._rows[path].directory)
        self._on_change(StoreChange(indexed=(*(row.directory.path for row in changes.rows), *gone)))

    def _is_only_cached(self, path: str) -> bool:
        with self._lock:
            return path not in self._unsaved

    def _keep(self, session: Session, *, saved: bool = True) -> None:
        path = session.directory.path
        with self._lock:
            self._unsaved.pop(path, None)
            if not session.determined or not saved:
                self._unsaved[path] = session
            self._recent[path] = session
            self._recent.move_to_end(path)
            while len(self._recent) > AT_HAND:
                self._recent.popitem(last=False)

    # -- sessions in full; from any thread -------------------------------------------------------------------------

    def at_hand(self, path: str) -> Session | None:
        """Return a session that need not be read."""
        with self._lock:
            if path in self._recent:
                self._recent.move_to_end(path)
            return self._recent.get(path) or self._unsaved.get(path)

    def load(self, directory: SessionDirectory) -> Session | None:
        """Return a session, read from the cache where it is not at hand; None where nothing is known of it."""
        if known := self.at_hand(directory.path):
            return known
        found = self._cache.cached_session(directory)
        if not isinstance(found, CachedSession):
            return None
        self._keep(found.session)
        return found.session

    def set_aside(self, directory: SessionDirectory) -> None:
        """Take the cache file of a session out of the cache. Raises SaveError where it can't be."""
        self._cache.set_aside(directory)
        self._index.drop(directory)

    def everything(self) -> Iterator[Session]:
        """Yield each session that is known, once; one that can't be determined now as it was known before."""
        with self._lock:
            undetermined = dict(self._unsaved)
        for found in known_sessions(self._cache, RawFormat, self._facility):
            if not isinstance(found, Unreadable):
                stale = undetermined.pop(found.directory.path, None) is not None
                yield structs.replace(found, stale=True) if stale else found
        yield from undetermined.values()

    def these(self, directories: Iterable[SessionDirectory]) -> Iterator[Session]:
        """Yield those of some sessions of which anything is known."""
        for directory in directories:
            if session := self.load(directory):
                yield session
