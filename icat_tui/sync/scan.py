"""Scanning: sessions in, what became known of them out, as it becomes known.

A session is one thread's work from its listing to its verdict; many sessions are at work at once, so that waiting for
ICAT and reading the disk overlap. All threads are daemons: whatever hangs, cancelling waits for none of them.
"""

import queue
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from datetime import timedelta

from msgspec import Struct, structs

from icat_tui.disk import discover
from icat_tui.domain.compare import Surroundings, compare, wanted
from icat_tui.domain.errors import SaveError
from icat_tui.domain.events import (
    CacheUnusable,
    DirectoryFailed,
    SavingFailed,
    ScanEvent,
    ScanFinished,
    SessionFailed,
    SessionScanned,
    SessionsFound,
)
from icat_tui.domain.model import DiskDataset, DiskSession, Session, SessionDirectory
from icat_tui.sync.ask import Answers, Catalogue, Question, ask
from icat_tui.sync.cache import Entry, SessionCache, Unreadable, is_due
from icat_tui.sync.cancel import Cancellation, Cancelled
from icat_tui.sync.read import Readers

WAITING = 64
"""How many finished sessions may wait for whoever listens, before the scan waits for them."""
FOUND_TOGETHER = 0.05
"""Seconds for which found sessions are collected before they are reported."""


class ScanPlan(Struct, frozen=True, kw_only=True):
    """What a scan is to do."""

    found: Iterable[SessionDirectory | DirectoryFailed]
    """The sessions, those of one proposal and beamline together; walked through in a thread of the scan."""
    catalogue: Catalogue
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
    run = _Run(plan, cancellation or Cancellation())
    began = time.perf_counter()
    run.start()
    try:
        yield from run.events()
        yield ScanFinished(cancelled=bool(run.cancellation), seconds=time.perf_counter() - began)
    finally:
        run.end()


class _Run:
    """One scan under way."""

    def __init__(self, plan: ScanPlan, cancellation: Cancellation) -> None:
        self.plan = plan
        self.cancellation = cancellation
        self.started = plan.around.now.timestamp()
        self.answers = Answers(plan.catalogue, plan.around.facility)
        self.readers = Readers(self.started, plan.around.facility.time_zone, plan.processes, cancellation)
        self.sessions: queue.SimpleQueue[SessionDirectory | None] = queue.SimpleQueue()
        self.happened: queue.Queue[ScanEvent | None] = queue.Queue(maxsize=WAITING)
        self.lock = threading.Lock()
        self.open = 0
        """Sessions found and not finished yet, and one for the discovery."""
        self.reading_sessions, self.files = 0, 0
        wakes = (plan.catalogue.close, self.readers.close, self.wake)
        self.take_back = [cancellation.on_cancel(wake) for wake in wakes]

    def start(self) -> None:
        self.open = 1
        threading.Thread(target=self.find, daemon=True).start()
        for _ in range(2 * self.plan.jobs):  # half of them wait for ICAT while the others are at the disk
            threading.Thread(target=self.work, daemon=True).start()

    def events(self) -> Iterator[ScanEvent]:
        """Yield events until all sessions are done or the run is called off."""
        while not self.cancellation:
            event = self.happened.get()
            if event is None:
                return
            yield event

    def end(self) -> None:
        """Leave no process behind; where sessions are still open nobody listens any more: call the run off."""
        if self.open:
            self.cancellation.cancel()
        for take_back in self.take_back:
            take_back()
        self.readers.close()

    def wake(self) -> None:
        """End the wait for an event that may never come."""
        try:
            self.happened.put_nowait(None)
        except queue.Full:
            return  # then nobody waits

    def report(self, event: ScanEvent | None) -> None:
        waiting = True
        while waiting and not self.cancellation:
            try:
                self.happened.put(event, timeout=0.1)
                waiting = False
            except queue.Full:
                continue

    def close_one(self) -> None:
        with self.lock:
            self.open -= 1
            last = self.open == 0
        if last:
            self.report(None)
            self.sessions.put(None)

    # -- threads --

    def find(self) -> None:
        """Put the sessions in the queue; those of one proposal keep its answers alive until the last is done."""
        together: list[SessionDirectory] = []
        told = time.monotonic()
        try:
            for found in self.plan.found:
                if self.cancellation:
                    return
                if isinstance(found, DirectoryFailed):
                    self.report(found)
                    continue
                together.append(found)
                with self.lock:
                    self.open += 1
                self.answers.expect(found)
                if time.monotonic() - told > FOUND_TOGETHER:
                    self.tell(together)
                    together, told = [], time.monotonic()
            self.tell(together)
        finally:
            self.close_one()

    def tell(self, together: list[SessionDirectory]) -> None:
        if together:
            self.report(SessionsFound(tuple(together)))
        for directory in together:
            self.sessions.put(directory)

    def work(self) -> None:
        """Take sessions until there are none left."""
        while (directory := self.sessions.get()) is not None and not self.cancellation:
            try:
                self.report(SessionScanned(self.determine(directory)))
            except Cancelled:
                return
            except Exception as error:  # noqa: BLE001 - promise 2: our own mistake in one session spoils no other
                reason = f"a mistake of ours ({type(error).__name__}: {error}): please report it"
                self.report(SessionFailed(directory, reason, traceback.format_exc()))
            self.answers.release(directory)
            self.close_one()
        self.sessions.put(None)  # for the next who waits

    # -- one session --

    def determine(self, directory: SessionDirectory) -> Session:
        """Return a session's verdict: from the cache where it is settled, else by looking."""
        previous = self.kept(directory)
        if previous and previous.settled and not is_due(previous.session, self.plan.around.now, self.plan.max_age):
            return structs.replace(previous.session, cached=True)
        before = previous.disk if previous else None
        zone = self.plan.around.facility.time_zone
        disk = discover.list_session(directory, self.started, before, self.plan.jobs, zone_name=zone)
        self.cancellation.check()
        session, disk = self.judge(directory, disk, before)
        self.cancellation.check()
        self.keep(session, disk)
        return session

    def judge(
        self, directory: SessionDirectory, disk: DiskSession, previous: DiskSession | None
    ) -> tuple[Session, DiskSession]:
        around = self.plan.around
        question = Question(directory, around.facility, around.now, self.plan.investigation)
        catalogue = ask(self.answers, question, disk)
        self.cancellation.check()
        look = wanted(directory, disk, catalogue, around)
        disk = discover.look_at(directory, disk, look, previous, self.plan.fingerprint_age)
        disk = self.read(directory, disk, look.read)
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

    def kept(self, directory: SessionDirectory) -> Entry | None:
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
        try:
            self.plan.cache.save(session, disk, self.plan.around.now)
        except SaveError as error:
            self.report(SavingFailed(str(self.plan.cache.path(session.directory)), str(error)))
