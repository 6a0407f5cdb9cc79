"""Scanning: sessions in, what became known of them out, as it becomes known.

A session is one thread's work from its listing to its verdict; many sessions are at work at once, so that waiting for
ICAT and reading the disk overlap. All threads are daemons: whatever hangs, cancelling waits for none of them.
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

from icat_tui.cache.session_cache import CacheEntry, SessionCache, Unreadable, is_due
from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.disk import changes, listing
from icat_tui.disk.find import is_on_disk
from icat_tui.domain.comparison import compare
from icat_tui.domain.errors import SaveError
from icat_tui.domain.matching import needed_from_disk
from icat_tui.domain.model import DiskDataset, DiskSession, Session, SessionDirectory, Trouble, TroubleKind
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
from icat_tui.domain.surroundings import Surroundings
from icat_tui.sync.catalogue_query import Answers, Catalogue, Question, ask
from icat_tui.sync.reader_pool import Readers

WAITING = 64
"""How many finished sessions may wait for whoever listens, before the scan waits for them."""
FOUND_AHEAD = 10_000
"""How many found sessions may wait to be scanned, before the discovery waits for them."""
FOUND_TOGETHER = 0.05
"""Seconds for which found sessions are collected before they are reported."""

Item = TypeVar("Item")


class ScanPlan(Struct, frozen=True, kw_only=True):
    """What a scan is to do."""

    found: Iterable[SessionDirectory | DirectoryFailed]
    """The sessions, those of one proposal and beamline together; walked through in a thread of the scan."""
    catalogue: Catalogue
    """Who is asked; closed where the scan is called off, and only there."""
    around: Surroundings
    cache: SessionCache | None = None
    """Where verdicts are kept."""
    use_cache: bool = True
    """Whether what is kept may be used: False looks at everything again."""
    fingerprint_age: timedelta = timedelta(hours=24)
    max_age: timedelta | None = None
    jobs: int = 8
    processes: int | None = 0
    """Processes that read: None: as many as there are processors, once it pays."""
    investigation: int | None = None
    """A person's word on the investigation of the (one) session."""


def scan(plan: ScanPlan, cancellation: Cancellation | None = None) -> Iterator[ScanEvent]:
    """Yield what happens, sessions as they finish; `ScanFinished` comes last on every path.

    Whoever stops listening cancels. Cancelling ends it within 0.2 s, whatever the disk or ICAT+ does; it closes the
    catalogue, which a scan that comes to its end leaves open.
    """
    run = _Run(plan)
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


class _Run:
    """One scan under way."""

    def __init__(self, plan: ScanPlan) -> None:
        self.plan = plan
        self.cancellation = Cancellation()
        self.started = plan.around.now.timestamp()
        self.answers = Answers(plan.catalogue, plan.around.facility)
        self.sessions: queue.Queue[SessionDirectory | None] = queue.Queue(maxsize=FOUND_AHEAD)
        self.happened: queue.Queue[ScanEvent | None] = queue.Queue(maxsize=WAITING)
        self.at_disk = threading.Semaphore(plan.jobs)
        self.telling = threading.Lock()
        self.lock = threading.Lock()
        self.found: list[SessionDirectory] = []
        """Not reported yet."""
        self.open = 0
        """Sessions found and not finished yet, and one for the discovery."""
        self.reading_sessions, self.files = 0, 0
        self.cancellation.on_cancel(self.wake)
        self.readers = Readers(self.started, plan.around.facility.time_zone, plan.processes, self.cancellation)
        self.cancellation.on_cancel(self.hang_up)

    def start(self) -> None:
        self.open = 1
        threading.Thread(target=self.find, name="icat-tui find", daemon=True).start()
        for _ in range(2 * self.plan.jobs):  # half of them wait for ICAT while the others are at the disk
            threading.Thread(target=self.work, name="icat-tui scan", daemon=True).start()

    def events(self) -> Iterator[ScanEvent]:
        """Yield events until all sessions are done or the run is called off."""
        while not self.cancellation:
            event = self.happened.get()
            if event is None:
                return
            yield event

    def wake(self) -> None:
        """End every wait for an event, a session or a place at the disk that may never come."""
        with suppress(queue.Full):  # then nobody waits
            self.happened.put_nowait(None)
        with suppress(queue.Full):
            self.sessions.put_nowait(None)
        self.at_disk.release(2 * self.plan.jobs)

    def hang_up(self) -> None:
        """End the calls that are under way; where there are none left the catalogue stays as it is."""
        if self.open:
            self.plan.catalogue.close()

    def put(self, waiting: "queue.Queue[Item]", item: Item) -> None:
        """Put something in a queue as soon as there is room; not at all where the run is called off meanwhile."""
        while not self.cancellation:
            with suppress(queue.Full):
                waiting.put(item, timeout=0.1)
                return

    def report(self, event: ScanEvent | None) -> None:
        self.put(self.happened, event)

    def close_one(self) -> None:
        with self.lock:
            self.open -= 1
            last = self.open == 0
        if last:
            self.report(None)
            self.put(self.sessions, None)

    # -- threads --

    def find(self) -> None:
        """Put the sessions in the queue; those of one proposal keep its answers alive until the last is done."""
        place, told = "", time.monotonic()
        try:
            for found in self.plan.found:
                if self.cancellation:
                    return
                place = found.path
                if isinstance(found, DirectoryFailed):
                    self.report(found)
                    continue
                self.answers.expect(found)
                with self.lock:
                    self.open += 1
                    self.found.append(found)
                self.put(self.sessions, found)
                if time.monotonic() - told > FOUND_TOGETHER:
                    self.tell_found()
                    told = time.monotonic()
        except Exception as error:  # noqa: BLE001 - promise 2: what was found until then is scanned all the same
            self.report(DirectoryFailed(place, f"the search for sessions broke off here: {_our_mistake(error)}"))
        finally:
            self.tell_found()
            self.answers.expect_no_more()
            self.close_one()

    def tell_found(self) -> None:
        """Report what was found since the last time; before anything is reported of one of them."""
        with self.telling:
            with self.lock:
                together, self.found = self.found, []
            if together:
                self.report(SessionsFound(tuple(together)))

    def work(self) -> None:
        """Take sessions until there are none left."""
        try:
            while (directory := self.sessions.get()) is not None and not self.cancellation:
                happened: ScanEvent
                try:
                    happened = SessionScanned(self.determine(directory))
                except Cancelled:
                    return
                except Exception as error:  # noqa: BLE001 - promise 2: one session spoils no other
                    happened = SessionFailed(directory, _our_mistake(error), traceback.format_exc())
                self.tell_found()
                self.report(happened)
                del happened  # it can be large, and the next session may take long
                self.answers.release(directory)
                self.close_one()
        finally:
            with suppress(queue.Full):
                self.sessions.put_nowait(None)  # for the next who waits

    # -- one session --

    def determine(self, directory: SessionDirectory) -> Session:
        """Return a session's verdict: from the cache where it is settled, else by looking."""
        previous = self.kept(directory)
        if previous and self.may_use(previous):
            return structs.replace(previous.session, cached=True)
        before = previous.disk if previous else None
        zone = self.plan.around.facility.time_zone
        with self.at_disk:
            self.cancellation.check()
            disk = listing.list_session(directory, self.started, before, self.plan.jobs, zone_name=zone)
            if disk.trouble and disk.trouble.kind == TroubleKind.INVALID:
                disk = structs.replace(disk, trouble=_why_absent(directory, disk.trouble))
        self.cancellation.check()
        session, disk = self.judge(directory, disk, before)
        self.cancellation.check()
        self.keep(session, disk)
        return session

    def may_use(self, kept: CacheEntry) -> bool:
        """Return whether a kept verdict may be used without looking again."""
        if self.plan.investigation is not None:
            return False  # it was reached without this person's word
        return kept.settled and not is_due(kept.session, self.plan.around.now, self.plan.max_age)

    def judge(
        self, directory: SessionDirectory, disk: DiskSession, previous: DiskSession | None
    ) -> tuple[Session, DiskSession]:
        around = self.plan.around
        question = Question(directory, around.facility, around.now, self.plan.investigation)
        catalogue = ask(self.answers, question, disk)
        self.cancellation.check()
        needed = needed_from_disk(directory, disk, catalogue, around)
        with self.at_disk:
            self.cancellation.check()
            disk = changes.examine_datasets(directory, disk, needed, previous, self.plan.fingerprint_age)
        disk = self.read(directory, disk, needed.to_read)
        return compare(directory, disk, catalogue, around), disk

    def read(self, directory: SessionDirectory, disk: DiskSession, paths: tuple[str, ...]) -> DiskSession:
        """Return a session with the datasets at these paths read, but for those whose earlier reading holds."""
        wanted_paths = set(paths)
        unread = [dataset for dataset in disk.datasets if dataset.path in wanted_paths and not dataset.read]
        read = {dataset.path: dataset for dataset in self.readers.read(directory, unread, self.files_left(unread))}
        datasets = tuple(read.get(dataset.path, dataset) for dataset in disk.datasets)
        return structs.replace(disk, datasets=datasets)

    def files_left(self, unread: list[DiskDataset]) -> float:
        """Return how many files this session and those to come may have to read, going by those that are done."""
        with self.lock:
            self.reading_sessions += 1
            self.files += len(unread)
            return len(unread) + self.open * self.files / self.reading_sessions

    def kept(self, directory: SessionDirectory) -> CacheEntry | None:
        if self.plan.cache is None or not self.plan.use_cache:
            return None
        found = self.plan.cache.entry(directory)
        if isinstance(found, Unreadable):
            self.report(CacheUnusable(found.path, found.reason))
            return None
        return found

    def keep(self, session: Session, disk: DiskSession) -> None:
        if self.plan.cache is None or not session.determined:
            return  # what was known before is worth more than that nobody could say now
        if self.plan.investigation is not None:
            return  # a person's word holds for this run: the next one goes by the rules again
        try:
            self.plan.cache.save(session, disk, self.plan.around.now)
        except SaveError as error:
            self.report(SavingFailed(str(self.plan.cache.path(session.directory)), str(error)))


def _why_absent(directory: SessionDirectory, absent: Trouble) -> Trouble:
    """Return why a raw directory is not there: also where the session went with it, or the root it is mounted at."""
    there = is_on_disk(directory)
    if there is True:
        return absent
    return Trouble(TroubleKind.UNKNOWN, there or "the session directory is not there any more")


def _our_mistake(error: Exception) -> str:
    return f"a mistake of ours ({type(error).__name__}: {error}): please report it"
