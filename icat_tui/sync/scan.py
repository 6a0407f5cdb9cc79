"""Scanning of sessions on disk and in the catalogue, as a generator of events.

One thread works on a session from listing it to comparing it; many sessions are scanned at once, so that waiting for
ICAT and reading the disk overlap. What must stay true: all threads are daemons, and cancelling waits for none of them,
whatever hangs.
"""

import queue
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct, structs

from icat_tui.cache.foreign_rows import ForeignRows
from icat_tui.cache.session_cache import CacheEntry, SessionCache, Unreadable, is_due
from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.disk import changes, listing
from icat_tui.disk.find import is_on_disk
from icat_tui.domain.comparison import compare
from icat_tui.domain.elsewhere import Elsewhere
from icat_tui.domain.errors import SaveError, unexpected
from icat_tui.domain.facility import Facility
from icat_tui.domain.matching import CatalogueSession, foreign_rows_of, needed_from_disk, not_listed
from icat_tui.domain.model import DiskDataset, DiskSession, Session, SessionDirectory, Trouble, TroubleKind
from icat_tui.domain.regression import listed_before
from icat_tui.domain.scan_events import (
    CacheUnusable,
    DirectoryFailed,
    DirectoryIgnored,
    Found,
    SavingFailed,
    ScanEvent,
    ScanFinished,
    SessionFailed,
    SessionScanned,
    SessionsFound,
)
from icat_tui.domain.surroundings import Surroundings
from icat_tui.sync.catalogue_query import Catalogue, SessionQuery, SharedAnswers, query_session
from icat_tui.sync.held_sessions import ComparedSession, HeldSessions
from icat_tui.sync.other_places import Place, moved_datasets, same_directories
from icat_tui.sync.reader_pool import ReaderPool

EVENTS_AHEAD = 64
"""Number of events, such as finished sessions, that may wait for the caller before the scan waits."""
SESSIONS_AHEAD = 10_000
"""Number of found sessions that may wait to be scanned before the search waits."""
REPORT_INTERVAL = 0.05
"""Seconds for which found sessions are collected before they are reported."""

Queued = TypeVar("Queued")


class ScanPlan(Struct, frozen=True, kw_only=True):
    """Sessions to scan, and everything that scanning them works with."""

    found: Iterable[Found]
    """The sessions, those of one proposal and beamline together; iterated in a thread of the scan."""
    catalogue: Catalogue
    """Closed where the scan is cancelled, and only there."""
    around: Surroundings
    cache: SessionCache | None = None
    """Where results are kept."""
    use_cache: bool = True
    """Whether cached results may be used; if not, everything is scanned again."""
    fingerprint_age: timedelta = timedelta(hours=24)
    max_age: timedelta | None = None
    jobs: int = 8
    processes: int | None = 0
    """Number of processes that read; None: as many as there are processors, once it is worthwhile."""
    investigation: int | None = None
    """The investigation that a person chose for the (only) session."""
    only: frozenset[str] | None = None
    """The datasets whose files are read; None: all that need it."""
    known: SessionCache | None = None
    """Cache that knows what ICAT listed before, where none is kept."""
    early: bool = False
    """Whether every session is reported once it is compared, and corrected later where that is needed."""


def scan(plan: ScanPlan, cancellation: Cancellation | None = None) -> Iterator[ScanEvent]:
    """Yield events, sessions as they finish; `ScanFinished` comes last on every path.

    Closing the generator cancels the scan. Cancelling ends it within 0.2 s, whatever the disk or ICAT+ does; it closes
    the catalogue, which a scan that comes to its end leaves open.
    """
    run = _RunningScan(plan)
    # Not the caller's itself, as this scan may be only a part of the work.
    unregister = cancellation.on_cancel(run.cancellation.cancel) if cancellation is not None else None
    began = time.perf_counter()
    try:
        run.start()
        yield from run.events()
        yield ScanFinished(cancelled=bool(run.cancellation), seconds=time.perf_counter() - began)
    finally:
        if unregister is not None:
            unregister()
        run.cancellation.cancel()
        run.held.discard()


class _RunningScan:
    """Threads, queues and counts of one scan."""

    def __init__(self, plan: ScanPlan) -> None:
        self.plan = plan
        self.cancellation = Cancellation()
        foreign = plan.around.foreign or ForeignRows(plan.around.facility)
        self.answers = SharedAnswers(plan.catalogue, plan.around.facility, foreign)
        self.held = HeldSessions(plan.around, foreign, self.cache_to_save, early=plan.early)
        self.session_queue: queue.Queue[SessionDirectory | None] = queue.Queue(maxsize=SESSIONS_AHEAD)
        self.event_queue: queue.Queue[ScanEvent | None] = queue.Queue(maxsize=EVENTS_AHEAD)
        self.disk_slots = threading.Semaphore(plan.jobs)
        self.report_lock = threading.Lock()
        self.lock = threading.Lock()
        self.unreported: list[SessionDirectory] = []
        """Sessions found and not reported yet."""
        self.unfinished = 0
        """Sessions found and not finished yet, and one for the search."""
        self.sessions_read, self.files_read = 0, 0
        self.cancellation.on_cancel(self.end_waits)
        self.readers = ReaderPool(self.started, plan.around.facility.time_zone, plan.processes, self.cancellation)
        self.cancellation.on_cancel(self.close_catalogue)

    @property
    def started(self) -> float:
        """When the scan began, in seconds since the epoch."""
        return self.plan.around.now.timestamp()

    @property
    def cache_to_save(self) -> SessionCache | None:
        """The cache that takes results: none where an investigation was chosen, which holds for this run only."""
        return self.plan.cache if self.plan.investigation is None else None

    def start(self) -> None:
        self.unfinished = 1
        threading.Thread(target=self.find_sessions, name="icat-tui find", daemon=True).start()
        for _ in range(2 * self.plan.jobs):  # half of them wait for ICAT while the others are at the disk
            threading.Thread(target=self.scan_sessions, name="icat-tui scan", daemon=True).start()

    def events(self) -> Iterator[ScanEvent]:
        """Yield events until all sessions are done or the scan is cancelled."""
        while not self.cancellation:
            event = self.event_queue.get()
            if event is None:
                return
            yield event

    def end_waits(self) -> None:
        """End every wait for an event, a session or a disk slot that may never come."""
        with suppress(queue.Full):  # then nobody waits
            self.event_queue.put_nowait(None)
        with suppress(queue.Full):
            self.session_queue.put_nowait(None)
        self.disk_slots.release(2 * self.plan.jobs)

    def close_catalogue(self) -> None:
        """End the catalogue's calls under way by closing it; where all sessions are done it stays open."""
        if self.unfinished:
            self.plan.catalogue.close()

    def put(self, waiting: "queue.Queue[Queued]", item: Queued) -> None:
        """Put an item in a queue as soon as there is room; not at all where the scan is cancelled meanwhile."""
        while not self.cancellation:
            with suppress(queue.Full):
                waiting.put(item, timeout=0.1)
                return

    def report(self, event: ScanEvent | None) -> None:
        self.put(self.event_queue, event)

    def finish_one(self) -> None:
        with self.lock:
            self.unfinished -= 1
            last = self.unfinished == 0
        if last:
            self.report_held()
            self.report(None)
            self.put(self.session_queue, None)

    def report_held(self) -> None:
        """Report what was held back, now that all sessions are compared, and keep what was seen of other proposals."""
        try:
            for event in self.held.end():
                self.report(event)
            if self.plan.cache is not None:
                self.held.foreign.save()
        except SaveError as error:
            self.report(SavingFailed(str(self.plan.cache and self.plan.cache.directory), str(error)))
        except Exception as error:  # noqa: BLE001 - what was held back is lost, and the scan ends all the same
            self.report(DirectoryFailed("", f"sessions could not be reported: {unexpected(error)}"))

    # -- threads --

    def find_sessions(self) -> None:
        """Put the sessions in the queue; answers on a proposal are kept until its last session is done."""
        place, reported = "", time.monotonic()
        try:
            for found in self.plan.found:
                if self.cancellation:
                    return
                place = found.path
                if isinstance(found, DirectoryFailed | DirectoryIgnored):
                    self.report(found)
                    continue
                self.answers.expect(found)
                with self.lock:
                    self.unfinished += 1
                    self.unreported.append(found)
                self.put(self.session_queue, found)
                if time.monotonic() - reported > REPORT_INTERVAL:
                    self.report_found()
                    reported = time.monotonic()
        except Exception as error:  # noqa: BLE001 - promise 2: what was found until then is scanned all the same
            self.report(DirectoryFailed(place, f"the search for sessions broke off here: {unexpected(error)}"))
        finally:
            self.report_found()
            self.answers.expect_no_more()
            self.finish_one()

    def report_found(self) -> None:
        """Report the sessions found since the last time; always before a result of one of them."""
        with self.report_lock:
            with self.lock:
                together, self.unreported = self.unreported, []
            if together:
                self.report(SessionsFound(tuple(together)))

    def scan_sessions(self) -> None:
        """Scan sessions from the queue until there are none left."""
        try:
            while (directory := self.session_queue.get()) is not None and not self.cancellation:
                try:
                    self.scan_and_report(directory)
                except Cancelled:
                    return
                except Exception as error:  # noqa: BLE001 - promise 2: one session spoils no other
                    self.report_found()
                    self.report(SessionFailed(directory, unexpected(error), traceback.format_exc()))
                self.answers.release(directory)
                self.finish_one()
        finally:
            with suppress(queue.Full):
                self.session_queue.put_nowait(None)  # for the next thread that waits

    # -- one session --

    def scan_and_report(self, directory: SessionDirectory) -> None:
        """Report the result of a session, or hold it back."""
        scanned = self.scan_session(directory)
        self.report_found()
        held = [SessionScanned(scanned)] if isinstance(scanned, Session) else self.held.add(scanned)
        for event in held:
            self.report(event)

    def scan_session(self, directory: SessionDirectory) -> Session | ComparedSession:
        """Return the result of a session from the cache where it is settled, else by scanning it."""
        previous = self.cached(directory)
        if previous and self.is_usable(previous):
            return structs.replace(previous.session, cached=True)
        before = previous.disk if previous else None
        zone = self.plan.around.facility.time_zone
        with self.disk_slots:
            self.cancellation.check()
            disk = listing.list_session(directory, self.started, before, self.plan.jobs, zone_name=zone)
            if disk.trouble and disk.trouble.kind == TroubleKind.INVALID:
                disk = structs.replace(disk, trouble=_why_absent(directory, disk.trouble, self.plan.around.facility))
        self.cancellation.check()
        compared = self.compare_session(directory, disk, before)
        self.cancellation.check()
        return compared

    def is_usable(self, kept: CacheEntry) -> bool:
        """Return whether a cached result may be used without scanning again."""
        if self.plan.investigation is not None:
            return False  # it was reached without the chosen investigation
        return kept.settled and not is_due(kept.session, self.plan.around.now, self.plan.max_age)

    def compare_session(
        self, directory: SessionDirectory, disk: DiskSession, previous: DiskSession | None
    ) -> ComparedSession:
        """Return a listed session compared with ICAT, its datasets read."""
        around = self.plan.around
        query = SessionQuery(directory, around.facility, around.now, self.plan.investigation)
        catalogue = query_session(self.answers, query, disk)
        with self.disk_slots:
            self.cancellation.check()
            catalogue = self.with_known(directory, disk, catalogue)
            needed = needed_from_disk(directory, disk, catalogue, around)
            disk = changes.examine_datasets(directory, disk, needed, previous, self.plan.fingerprint_age)
        only = self.plan.only
        disk = self.read_datasets(directory, disk, [path for path in needed.to_read if only is None or path in only])
        with self.disk_slots:
            self.cancellation.check()
            moved = moved_datasets(Place(directory, disk, around), catalogue)
        moved_to = self.answers.note_moved(directory, {row.id: path for path, row in moved.rows.items()})
        unclear = {**catalogue.elsewhere.unclear, **moved.unclear}
        elsewhere = structs.replace(catalogue.elsewhere, moved=moved.rows, moved_to=moved_to, unclear=unclear)
        catalogue = structs.replace(catalogue, elsewhere=elsewhere, looked_into=())
        return ComparedSession(compare(directory, disk, catalogue, around), disk, catalogue)

    def with_known(
        self, directory: SessionDirectory, disk: DiskSession, catalogue: CatalogueSession
    ) -> CatalogueSession:
        """Return ICAT's answers with what else is known of datasets that it does not list at their location."""
        facility = self.plan.around.facility
        lacking = not_listed(directory, disk, catalogue.listed, facility)
        if not lacking or catalogue.trouble:
            return catalogue
        same = same_directories(Place(directory, disk, self.plan.around), catalogue)
        foreign = foreign_rows_of(directory, lacking, self.held.foreign, facility)
        cache = self.plan.cache or self.plan.known
        earlier = listed_before(cache.known_session(directory) if cache else None, facility)
        elsewhere = Elsewhere(same=same.rows, foreign=foreign, unclear=same.unclear)
        return structs.replace(catalogue, elsewhere=elsewhere, earlier=earlier)

    def read_datasets(self, directory: SessionDirectory, disk: DiskSession, paths: Iterable[str]) -> DiskSession:
        """Return a session with the datasets at these paths read, but for those whose earlier reading holds."""
        wanted_paths = set(paths)
        unread = [dataset for dataset in disk.datasets if dataset.path in wanted_paths and not dataset.read]
        read = {dataset.path: dataset for dataset in self.readers.read(directory, unread, self.files_left(unread))}
        datasets = tuple(read.get(dataset.path, dataset) for dataset in disk.datasets)
        return structs.replace(disk, datasets=datasets)

    def files_left(self, unread: list[DiskDataset]) -> float:
        """Return how many files this session and those to come may have to read, going by those that are done."""
        with self.lock:
            self.sessions_read += 1
            self.files_read += len(unread)
            return len(unread) + self.unfinished * self.files_read / self.sessions_read

    def cached(self, directory: SessionDirectory) -> CacheEntry | None:
        if self.plan.cache is None or not self.plan.use_cache:
            return None
        found = self.plan.cache.entry(directory)
        if isinstance(found, Unreadable):
            self.report(CacheUnusable(found.path, found.reason))
            return None
        return found


def _why_absent(directory: SessionDirectory, absent: Trouble, facility: Facility) -> Trouble:
    """Return why a raw directory is absent; unknown where the session directory or its mount is absent too."""
    there = is_on_disk(directory, facility)
    if there is True:
        return absent
    return Trouble(TroubleKind.UNKNOWN, there or "the session directory is not there any more")
