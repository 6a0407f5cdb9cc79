"""Scans as the UI sees them: they run in threads, and what they find is fetched in batches.

What must stay true: each scan keeps what it found to itself until somebody fetches it, so nothing of one that was given
up can come late into the tree.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from textual.timer import Timer

from icat_tui.cache.session_index import Changes
from icat_tui.cancel import Cancellation
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import (
    CacheUnusable,
    DirectoryFailed,
    SavingFailed,
    ScanEvent,
    ScanFinished,
    SessionFailed,
    SessionScanned,
    SessionsFound,
)
from icat_tui.domain.status import Status
from icat_tui.domain.summary import SessionRow, session_row
from icat_tui.sync.scan import ScanPlan, scan
from icat_tui.text import counted
from icat_tui.tui.background import Done, in_background
from icat_tui.tui.widgets.status_bar import Said
from icat_tui.tui.workspace import Found, Workspace

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui

_numbers = count(1)


@dataclass
class Batch:
    """What a scan has found since it was asked last."""

    found: list[SessionDirectory] = field(default_factory=list)
    rows: list[SessionRow] = field(default_factory=list)
    """The sessions that were scanned."""
    undetermined: int = 0
    """How many of them ICAT or the disk said nothing about."""
    troubles: list[str] = field(default_factory=list)
    finished: ScanFinished | None = None


class Scan:
    """A scan under way."""

    def __init__(self, keep: Callable[[Session], None], total: int | None = None) -> None:
        """Give sessions to `keep` as they are scanned, in a thread; `total` is how many there are, if it is known."""
        self.id = next(_numbers)
        self.stop = Cancellation()
        self.done, self.found = 0, 0
        self.ended = False
        """Whether nothing more comes."""
        self._total = total
        self._keep = keep
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
                self._take(event)
        finally:
            self.ended = True

    def cancel(self) -> None:
        """Call it off, without waiting for anything."""
        threading.Thread(target=self.stop.cancel, name="icat-tui cancel", daemon=True).start()

    def fetch(self) -> Batch:
        """Return what has happened since the last time."""
        with self._lock:
            batch, self._batch = self._batch, Batch()
        self.found += len(batch.found)
        self.done += len(batch.rows)
        return batch

    def _take(self, event: ScanEvent) -> None:
        row = None
        if isinstance(event, SessionScanned):
            row = session_row(event.session)
            self._keep(event.session)
        with self._lock:
            match event:
                case SessionsFound(directories=directories):
                    self._batch.found.extend(directories)
                case SessionScanned(session=session):
                    self._batch.undetermined += not session.determined
                case DirectoryFailed(path=path, reason=reason):
                    self._batch.troubles.append(f"{path}: {reason}")
                case SessionFailed(directory=directory, reason=reason):
                    self._batch.troubles.append(f"{directory.path}: {reason}")
                case CacheUnusable(reason=reason) | SavingFailed(reason=reason):
                    self._batch.troubles.append(reason)
                case ScanFinished():
                    self._batch.finished = event
            if row is not None:
                self._batch.rows.append(row)


def directories_only(directories: list[SessionDirectory]) -> Iterator[SessionDirectory]:
    """Yield sessions in the order in which those of one proposal come together: their answers are shared."""
    return iter(sorted(directories, key=lambda each: (each.proposal, each.beamline, each.date, each.path)))


TOGETHER = 0.3
"""Seconds for which what is found is collected before it is told."""


def check_cache(place: Workspace, tell: Callable[[Changes], None]) -> None:
    """Tell of what the cache says now and the index did not; write the index. Raises SaveError."""
    for changes in place.index.check(place.stop):
        tell(changes)
    place.index.save()


def discover(place: Workspace, tell: Callable[[Sequence[SessionDirectory], Sequence[str]], None]) -> None:
    """Tell of the sessions that were asked for as they are found, and of directories that can't be listed."""
    found: list[SessionDirectory] = []
    troubles: list[str] = []
    told = time.monotonic()
    for each in place.found():
        if place.stop:
            return
        if isinstance(each, SessionDirectory):
            found.append(each)
        else:
            troubles.append(f"{each.path}: {each.reason}")
        if time.monotonic() - told > TOGETHER:
            tell(found, troubles)
            found, troubles, told = [], [], time.monotonic()
    tell(found, troubles)


FIRST_FLUSH, FLUSH = 0.2, 1.0
"""Seconds after which what a scan found is shown: for the first time, and from then on."""


class Intake:
    """What the app knows of sessions, and how it comes to know more."""

    def __init__(self, app: "IcatTui") -> None:
        """Begin with what the index says."""
        self._app = app
        self.known = app.place.index.rows
        """What the cache says of sessions, by path."""
        self.scans: dict[int, Scan] = {}
        self.icatplus: Said | None = None
        """Whether ICAT+ answered the last time."""
        self._flushing: Timer | None = None
        self._opening: set[str] = set()
        """Sessions that are opened once they are scanned."""
        self._roots = tuple(f"{root.rstrip('/')}/" for root in app.place.services.settings.data_root)
        app.model.put(filter(self._belongs, self.known.values()))

    def begin(self) -> None:
        """Check what the index says, and look for sessions; scan them where less than everything was asked for."""
        app = self._app
        in_background(app, "checking the index", lambda: check_cache(app.place, self._post_changes))
        if app.place.narrow:
            self.scan_found(app.place.found(), use_cache=True)
        else:
            in_background(app, "looking for sessions", lambda: discover(app.place, self.post_found))

    def open_once_scanned(self, directory: SessionDirectory) -> None:
        """Scan a session that was entered, and open it then."""
        self._opening.add(directory.path)
        self.scan([directory])

    def cancel(self) -> None:
        """Call all scans off, without waiting for them."""
        for running in self.scans.values():
            running.cancel()

    def post_found(self, found: Sequence[SessionDirectory], troubles: Sequence[str]) -> None:
        """Take what discovery has come across; from its thread."""
        self._app.post_message(Done(lambda: self._found(found, troubles)))

    def _post_changes(self, changes: Changes) -> None:
        self._app.post_message(Done(lambda: self._changed(changes)))

    def _changed(self, changes: Changes) -> None:
        """Take what the cache says and the index did not know."""
        self.known.update({row.directory.path: row for row in changes.rows})
        for path in changes.gone:
            self.known.pop(path, None)
        shown = self._app.model.sessions
        self._put(row for row in changes.rows if row.directory.path in shown or self._belongs(row))
        for each in changes.unreadable:
            self._app.say(each.reason, Status.UNKNOWN.colour)

    def _belongs(self, row: SessionRow) -> bool:
        """Return whether a session of the cache is shown before it is found: one below our data roots."""
        return not self._app.place.narrow and row.directory.path.startswith(self._roots)

    def _found(self, found: Sequence[SessionDirectory], troubles: Sequence[str]) -> None:
        new = [directory for directory in found if directory.path not in self._app.model.sessions]
        if new:
            self._put(self.known.get(directory.path) or SessionRow(directory=directory) for directory in new)
        for trouble in troubles:
            self._app.say(trouble, Status.UNKNOWN.colour)

    def take_row(self, row: SessionRow) -> None:
        """Show how a session is now."""
        self.known[row.directory.path] = row
        self._put([row])

    def _put(self, rows: Iterable[SessionRow]) -> None:
        with self._app.session_tree.changing() as model:
            model.put(rows)
        self._app.show_state()
        self._app.detail.follow(self._app.model.node)

    def scan_found(self, found: Iterable[Found], *, use_cache: bool, total: int | None = None) -> None:
        """Scan sessions in a thread."""
        scan = Scan(self._app.sessions.keep, total)
        self.scans[scan.id] = scan
        make = partial(self._app.place.scan_plan, iter(found), use_cache=use_cache)
        in_background(self._app, "scanning", lambda: scan.run(make), lambda _: self.flush())
        self._app.set_timer(FIRST_FLUSH, self.flush)
        if self._flushing is None:
            self._flushing = self._app.set_interval(FLUSH, self.flush)
        self._app.show_state()

    def scan(self, directories: Sequence[SessionDirectory]) -> None:
        """Scan sessions anew; ask first where they are many."""
        if not directories:
            self._app.hint("there is no session here to scan")
            return
        self._app.ask_above_many(
            f"Scan {len(directories):,} sessions, without the cache?",
            len(directories),
            lambda: self.scan_found(directories_only(list(directories)), use_cache=False, total=len(directories)),
        )

    def flush(self) -> None:
        """Show what scans have found since the last time."""
        if not self._app.is_open:
            return
        rows: list[SessionRow] = []
        for running in list(self.scans.values()):
            if ended := running.ended:
                del self.scans[running.id]
            batch = running.fetch()
            self._found(batch.found, batch.troubles)
            rows += batch.rows
            self._judge_icatplus(batch)
            if ended and batch.finished:
                how = "stopped" if batch.finished.cancelled else "done"
                self._app.say(f"scan {how}: {counted(running.done, 'session')} in {batch.finished.seconds:.1f} s")
        if self._flushing is not None and not self.scans:
            self._flushing.stop()
            self._flushing = None
        if rows:
            self.known.update({row.directory.path: row for row in rows})
            self._put(rows)
            self._open_scanned({row.directory.path for row in rows})
        else:
            self._app.show_state()

    def _open_scanned(self, paths: set[str]) -> None:
        """Open what was entered before it was scanned, if the cursor is still there."""
        node = self._app.model.node
        if node and node.session in self._opening & paths:
            self._app.session_tree.action_open()
        self._opening -= paths

    def _judge_icatplus(self, batch: Batch) -> None:
        if batch.rows:
            silent = batch.undetermined == len(batch.rows)
            self.icatplus = Said("ICAT+ did not answer", "red") if silent else Said("ICAT+ ok", "green")
