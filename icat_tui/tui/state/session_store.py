"""Sessions in full, for the detail, for plans and for exports: the last few, and else what the cache has of them.

What must stay true: of a session that could not be determined there is no cache file, so what was found is kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import chain

from msgspec import structs

from icat_tui.cache.legacy_cache import old_sessions
from icat_tui.cache.session_cache import Verdict
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.tui.workspace import Workspace

AT_HAND = 8
"""How many decoded sessions are kept."""


class Sessions:
    """Where to get a session. Every method may be called from any thread; `load` takes its time."""

    def __init__(self, place: Workspace) -> None:
        """Begin with what the cache of a place has."""
        self._place, self._cache = place, place.cache
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, Session] = OrderedDict()
        self._undetermined: dict[str, Session] = {}

    def keep(self, session: Session) -> None:
        """Take note of a session that was scanned just now."""
        path = session.directory.path
        with self._lock:
            self._undetermined.pop(path, None)
            if not session.determined:
                self._undetermined[path] = session
            self._recent[path] = session
            self._recent.move_to_end(path)
            while len(self._recent) > AT_HAND:
                self._recent.popitem(last=False)

    def at_hand(self, path: str) -> Session | None:
        """Return a session that need not be read."""
        with self._lock:
            if path in self._recent:
                self._recent.move_to_end(path)
            return self._recent.get(path) or self._undetermined.get(path)

    def load(self, directory: SessionDirectory) -> Session | None:
        """Return a session; None where nothing is known of it."""
        if known := self.at_hand(directory.path):
            return known
        found = self._cache.verdict(directory)
        if not isinstance(found, Verdict):
            return None
        self.keep(found.session)
        return found.session

    def drop(self, directory: SessionDirectory) -> None:
        """Forget a session, here and in the cache. Raises SaveError where its file can't be removed."""
        self._cache.drop(directory)
        self._place.index.drop(directory)
        self.forget(directory)

    def forget(self, directory: SessionDirectory) -> None:
        """Forget a session here, as its cache file is gone."""
        with self._lock:
            self._recent.pop(directory.path, None)
            self._undetermined.pop(directory.path, None)

    def cached(self) -> Iterator[Session]:
        """Yield every session that our cache has."""
        for raw_format in RawFormat:
            for found in self._cache.verdicts(raw_format):
                if isinstance(found, Verdict):
                    yield found.session

    def everything(self) -> Iterator[Session]:
        """Yield each session that is known, once; one that can't be determined now as it was known before.

        What the programs before us left in the cache directory comes last, as what was known before.
        """
        with self._lock:
            undetermined = dict(self._undetermined)
        seen: set[str] = set()
        old = (old_sessions(self._place.cache_dir, each, self._place.facility) for each in RawFormat)
        for session in chain(self.cached(), *old):
            path = session.directory.path
            if path not in seen:
                seen.add(path)
                yield structs.replace(session, stale=True) if path in undetermined else session
        yield from (session for path, session in undetermined.items() if path not in seen)

    def these(self, directories: Iterable[SessionDirectory]) -> Iterator[Session]:
        """Yield those of some sessions of which anything is known."""
        for directory in directories:
            if session := self.load(directory):
                yield session
