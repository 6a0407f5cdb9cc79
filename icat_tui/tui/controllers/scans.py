"""Scans: run in threads, fetched in batches, put into the store at once.

What must stay true: what a scan has found stays with it until it is fetched, once a second, so that nothing moves more
often than one can follow, and nothing of a scan that was given up comes late into the tree.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from textual.timer import Timer

from icat_tui.cancel import Cancellation
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import (
    CacheUnusable,
    CatalogueDoubted,
    DirectoryFailed,
    DirectoryIgnored,
    Found,
    SavingFailed,
    ScanEvent,
    ScanFinished,
    SessionCorrected,
    SessionFailed,
    SessionScanned,
    SessionsFound,
)
from icat_tui.domain.status import Status
from icat_tui.domain.summary import SessionRow
from icat_tui.sync.scan import ScanPlan, scan
from icat_tui.text import counted
from icat_tui.tui.host import Activity, Host
from icat_tui.tui.screens.yes_no import ask_above_many
from icat_tui.tui.state.session_store import AT_HAND, SessionStore
from icat_tui.tui.workspace import Workspace

FIRST_FLUSH, FLUSH = 0.2, 1.0
"""Seconds after which what a scan found is shown: for the first time, and from then on."""
GIVEN_UP = 0.7
"""Seconds after which a scan that was stopped is not waited for any more."""

_numbers = count(1)


# -- in threads ------------------------------------------------------------------------------------------------------


@dataclass
class Batch:
    """Results of a scan since they were fetched last."""

    found: list[SessionDirectory] = field(default_factory=list)
    rows: list[SessionRow] = field(default_factory=list)
    """The sessions that were scanned."""
    recent: deque[Session] = field(default_factory=lambda: deque(maxlen=AT_HAND))
    """The last of them, in full."""
    undetermined: list[Session] = field(default_factory=list)
    """Those that ICAT or the disk said nothing about: no cache file has them."""
    corrected: list[Session] = field(default_factory=list)
    """Those that are another one than was reported before."""
    troubles: list[str] = field(default_factory=list)
    doubt: str = ""
    """Why ICAT+ may not be the right one."""
    finished: ScanFinished | None = None


class Scan:
    """Scan under way."""

    def __init__(self, row_of: Callable[[Session], SessionRow], total: int | None = None) -> None:
        """Make rows by `row_of`, in the scan's thread; `total` is how many sessions there are, if that is known."""
        self.id = next(_numbers)
        self.since = time.monotonic()
        self.stop = Cancellation()
        self.done, self.found = 0, 0
        self.ended = False
        """Whether nothing more comes."""
        self._total = total
        self._row_of = row_of
        self._lock = threading.Lock()
        self._batch = Batch()

    @property
    def total(self) -> int:
        """How many sessions there are, as far as one knows."""
        return self.found if self._total is None else self._total

    def run(self, make_plan: Callable[[], ScanPlan]) -> None:
        """Scan, until the end; for a thread. Raises UsageError where the settings don't suffice."""
        try:
            for event in scan(make_plan(), self.stop):
                self._add(event)
        finally:
            self.ended = True

    def cancel(self) -> None:
        """Call it off, without waiting for anything."""
        self.stop.cancel_unwaited()

    def fetch(self) -> Batch:
        """Return what has happened since the last time."""
        with self._lock:
            batch, self._batch = self._batch, Batch()
        self.found += len(batch.found)
        self.done += len(batch.rows)
        return batch

    def _add(self, event: ScanEvent) -> None:
        row = self._row_of(event.session) if isinstance(event, SessionScanned) else None
        with self._lock:
            batch = self._batch
            match event:
                case SessionsFound(directories=directories):
                    batch.found.extend(directories)
                case SessionScanned(session=session):
                    (batch.recent if session.determined else batch.undetermined).append(session)
                case SessionCorrected(session=session):
                    batch.corrected.append(session)
                case CatalogueDoubted(reason=reason):
                    batch.doubt = reason
                case DirectoryFailed() | DirectoryIgnored():
                    batch.troubles.append(without_sessions(event))
                case SessionFailed(directory=directory, reason=reason):
                    batch.troubles.append(f"{directory.path}: {reason}")
                case CacheUnusable(reason=reason) | SavingFailed(reason=reason):
                    batch.troubles.append(reason)
                case ScanFinished():
                    batch.finished = event
            if row is not None:
                batch.rows.append(row)


def in_groups(directories: Iterable[SessionDirectory]) -> Iterator[SessionDirectory]:
    """Yield sessions in the order in which those of one proposal come together: their answers are shared."""
    return iter(sorted(directories, key=lambda each: (each.proposal, each.beamline, each.date, each.path)))


def without_sessions(found: DirectoryFailed | DirectoryIgnored) -> str:
    """Return what is told of a directory in which no sessions were found."""
    if isinstance(found, DirectoryIgnored):
        return f"not a session directory: {found.path}, {found.reason}"
    return f"{found.path}: {found.reason}"


# -- in the UI's thread ----------------------------------------------------------------------------------------------


class Scans:
    """Controller of the scans under way."""

    def __init__(
        self,
        host: Host,
        workspace: Workspace,
        store: SessionStore,
        discovered: Callable[[Sequence[SessionDirectory], Sequence[str]], None],
    ) -> None:
        """Scan nothing yet; `discovered` takes sessions that a scan finds."""
        self._host, self._workspace, self._store = host, workspace, store
        self._discovered = discovered
        self.running: dict[int, Scan] = {}
        self._flushing: Timer | None = None

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many sessions are scanned, and of how many; None: no scan is under way."""
        scans = self.running.values()
        return (sum(scan.done for scan in scans), sum(scan.total for scan in scans)) if scans else None

    # -- beginning and ending --------------------------------------------------------------------------------------

    def scan(self, directories: Sequence[SessionDirectory], also: Callable[[], None] = lambda: None) -> None:
        """Scan sessions anew, and do something beside it; ask first where they are many."""
        if not directories:
            self._host.hint("there is no session here to scan")
            also()
            return

        def begin() -> None:
            self.scan_found(in_groups(directories), use_cache=False, total=len(directories))
            also()

        ask_above_many(self._host, f"Scan {len(directories):,} sessions, without the cache?", len(directories), begin)

    def scan_new(self, directories: Sequence[SessionDirectory]) -> None:
        """Scan sessions that have just come up."""
        if directories:
            self.scan_found(in_groups(directories), use_cache=False, total=len(directories))

    def rescan(self, directories: Sequence[SessionDirectory]) -> None:
        """Look again at sessions of which ICAT or the journal says something else by now."""
        if directories:
            self.scan_found(in_groups(directories), use_cache=True, total=len(directories))

    def scan_found(self, found: Iterable[Found], *, use_cache: bool, total: int | None = None) -> None:
        """Scan sessions in a thread."""
        scan = Scan(self._workspace.index.row_of, total)
        self.running[scan.id] = scan
        make = partial(self._workspace.scan_plan, iter(found), use_cache=use_cache)
        self._host.background("scanning", lambda: scan.run(make), lambda _: self.flush())
        self._host.set_timer(FIRST_FLUSH, self.flush)
        if self._flushing is None:
            self._flushing = self._host.set_interval(FLUSH, self.flush)
        self._host.show_state()

    @property
    def activities(self) -> list[Activity]:
        """The scans that can be stopped."""
        running = [each for each in self.running.values() if not each.stop]
        return [Activity(each.since, "the scan", partial(self._stop, each)) for each in running]

    def _stop(self, each: Scan) -> None:
        """Stop a scan, and be done with it soon, whatever the disk and ICAT+ do; what comes later is dropped."""
        each.cancel()
        self._host.hint("the scan is being stopped")
        self._host.set_timer(GIVEN_UP, lambda: self._give_up(each))
        self._host.set_timer(FIRST_FLUSH, self.flush)

    def _give_up(self, each: Scan) -> None:
        if each.id in self.running and not each.ended:
            self.flush()
            del self.running[each.id]
            self._host.say("scan stopped; some of it does not answer, and is not waited for", Status.UNKNOWN.colour)
        self.flush()

    def cancel(self) -> None:
        """Call all scans off, without waiting for them."""
        for each in self.running.values():
            each.cancel()

    # -- what comes in ---------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Put into the store what scans have found since the last time."""
        if not self._host.is_open:
            return
        for each in list(self.running.values()):
            if ended := each.ended:
                del self.running[each.id]
            batch = each.fetch()
            self._discovered(batch.found, batch.troubles)
            self._take(batch)
            if batch.doubt or (ended and batch.finished and not batch.finished.cancelled):
                self._workspace.doubt = batch.doubt
            if batch.doubt:
                self._host.complain(batch.doubt)
            if ended and self._workspace.journal_trouble:
                self._host.complain(self._workspace.journal_trouble)
            if ended and batch.finished:
                how = "stopped" if batch.finished.cancelled else "done"
                self._host.say(f"scan {how}: {counted(each.done, 'session')} in {batch.finished.seconds:.1f} s")
        if self._flushing is not None and not self.running:
            self._flushing.stop()
            self._flushing = None
        self._host.show_state()

    def _take(self, batch: Batch) -> None:
        if batch.corrected:
            self._store.take(sessions=batch.corrected)
        if not batch.rows:
            return
        self._store.take(batch.rows, [*batch.undetermined, *batch.recent])
