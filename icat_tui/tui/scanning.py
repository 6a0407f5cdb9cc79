"""Scans as the UI sees them: they run in threads, and what they find is fetched in batches.

What must stay true: each scan keeps what it found to itself until somebody fetches it, so nothing of one that was given
up can come late into the tree.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

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
from icat_tui.domain.summary import SessionRow, session_row
from icat_tui.sync.scan import ScanPlan, scan

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
