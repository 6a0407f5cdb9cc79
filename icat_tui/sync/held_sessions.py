"""Results of a scan that wait until it is known whether they hold.

Two things show late. A row in the list of one proposal can be about a session of another, which was compared before.
And whether ICAT+ has forgotten so much that it may not be the right one is only known of many sessions together. What
must stay true: what waits is bounded, a doubtful verdict is not saved, and every session is reported.
"""

import threading
from collections import deque
from collections.abc import Iterator

from msgspec import Struct, structs

from icat_tui.cache.session_cache import SessionCache
from icat_tui.domain.comparison import compare
from icat_tui.domain.errors import SaveError
from icat_tui.domain.matching import CatalogueSession, absent, foreign_rows_of
from icat_tui.domain.model import DiskSession, Session, SessionDirectory
from icat_tui.domain.regression import doubt, regressed
from icat_tui.domain.scan_events import CatalogueDoubted, SavingFailed, ScanEvent, SessionCorrected, SessionScanned
from icat_tui.domain.surroundings import ForeignRowsSeen, Surroundings

MOST_SESSIONS, MOST_DATASETS = 200, 20_000
"""Numbers of sessions and of their datasets that may wait; then the first are reported and saved as they are."""


class ComparedSession(Struct, frozen=True):
    """Session with what it was compared by."""

    session: Session
    disk: DiskSession
    catalogue: CatalogueSession
    """Without what its investigations list of other sessions: that is released after the proposal's last session."""

    @property
    def size(self) -> int:
        """The number of its datasets."""
        return len(self.disk.datasets)


class HeldSessions:
    """Sessions of a scan that wait to be reported, or to be saved; for any number of threads."""

    def __init__(
        self,
        around: Surroundings,
        foreign: ForeignRowsSeen,
        cache: SessionCache | None,
        *,
        early: bool,
        most: tuple[int, int] = (MOST_SESSIONS, MOST_DATASETS),
    ) -> None:
        """Save in `cache`, where there is one. With `early` all are reported at once, and corrected later."""
        self._around, self.foreign, self._cache, self._early = around, foreign, cache, early
        self._most_sessions, self._most_datasets = most
        self._lock = threading.Lock()
        self._waiting: deque[ComparedSession] = deque()
        self._reported: set[str] = set()
        """Paths of those that wait, and were reported."""
        self._size = 0
        self._compared = self._gone = 0
        """Datasets that ICAT was asked about, and those of them that it does not list any more."""

    @property
    def doubt(self) -> str:
        """Why ICAT+ may not be the right one, by what was compared so far; empty: it is."""
        return doubt(self._gone, self._compared)

    def add(self, compared: ComparedSession) -> Iterator[ScanEvent]:
        """Take a session that was compared just now, and yield what can be told already."""
        session = compared.session
        if self._cache and session.determined:
            self._cache.wait(session, compared.disk, self._around.now)
        if at_once := self._early or not self._lacking(compared):
            yield SessionScanned(session)
        for each in self._take(compared, reported=at_once):
            yield from self._release(each, keep_gone=False)

    def _take(self, compared: ComparedSession, *, reported: bool) -> list[ComparedSession]:
        """Have a session wait; return those that can't wait any longer."""
        released = []
        with self._lock:
            if compared.session.determined:
                self._compared += compared.size
                self._gone += regressed(compared.session)
            if reported:
                self._reported.add(compared.session.directory.path)
            self._waiting.append(compared)
            self._size += compared.size
            while len(self._waiting) > self._most_sessions or self._size > self._most_datasets:
                released.append(self._waiting.popleft())
                self._size -= released[-1].size
        return released

    def end(self) -> Iterator[ScanEvent]:
        """Yield what was held back, now that everything is known, and save what holds."""
        if reason := self.doubt:
            yield CatalogueDoubted(reason)
        while self._waiting:
            yield from self._release(self._waiting.popleft(), keep_gone=True)

    def discard(self) -> None:
        """Forget what waits, as the scan was cancelled."""
        while self._waiting:
            self._forget(self._waiting.popleft().session.directory)

    def _release(self, compared: ComparedSession, *, keep_gone: bool) -> Iterator[ScanEvent]:
        """Report a session, and save it unless it is doubtful, or has datasets that are gone and may yet be doubted."""
        path = compared.session.directory.path
        session = self._corrected(compared)
        if path not in self._reported:
            yield SessionScanned(session)
        elif session is not compared.session:
            yield SessionCorrected(session)
        self._reported.discard(path)
        if not session.determined or self._cache is None:
            return
        if self.doubt or (regressed(session) and not keep_gone):
            self._forget(session.directory)
            return
        try:
            self._cache.save(session, compared.disk, self._around.now)
        except SaveError as error:
            self._forget(session.directory)
            yield SavingFailed(str(self._cache.path(session.directory)), str(error))

    def _forget(self, directory: SessionDirectory) -> None:
        if self._cache:
            self._cache.discard(directory)

    def _lacking(self, compared: ComparedSession) -> tuple[str, ...]:
        """Return the datasets of a session that ICAT does not have, as far as it was compared."""
        if compared.catalogue.trouble or compared.catalogue.fit is None:
            return ()
        return absent(compared.session.directory, compared.disk, compared.catalogue, self._around.facility)

    def _corrected(self, compared: ComparedSession) -> Session:
        """Return a session with the foreign rows that were seen since; the same session where there are none."""
        around, directory = self._around, compared.session.directory
        found = foreign_rows_of(directory, self._lacking(compared), self.foreign, around.facility)
        if not found:
            return compared.session
        elsewhere = compared.catalogue.elsewhere
        elsewhere = structs.replace(elsewhere, foreign={**elsewhere.foreign, **found})
        catalogue = structs.replace(compared.catalogue, elsewhere=elsewhere)
        return compare(directory, compared.disk, catalogue, around)
