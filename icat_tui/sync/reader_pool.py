"""Reading datasets: in this process at first, in worker processes once there is enough to do.

HDF5 is read by one thread of a process at a time, whatever one does: only processes read side by side, and starting
them costs as much as reading a few hundred files. They never see the caller's `__main__`, do no more than a tenth of a
second at a time, and are killed by id when the run ends.
"""

import os
import queue
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.disk import metadata
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import DiskDataset, SessionDirectory, Trouble, TroubleKind

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

TASK_SECONDS = 0.1
"""How long a worker may be at one task: what cancelling and the other sessions wait for at most."""
FIRST_TASK = 4
"""Files of a task as long as nobody knows what a file costs."""
WORTH_PROCESSES = 2.0
"""Seconds of reading left from which on processes pay."""
SAMPLE = 20
"""Files to be read before their cost is taken for known."""
PRELOADED = ["icat_tui.sync.reader_pool", "icat_tui.disk.hdf5"]
"""What workers are born with. Not h5py itself: who imports that decides about locks."""

Reading = Callable[[SessionDirectory, Sequence[DiskDataset]], list[DiskDataset]]


class WorkerDied(Exception):  # noqa: N818 - a fact: what it was reading is not known
    """The process that was to read ended."""


class _Task(NamedTuple):
    """Some datasets of a session, for one reader."""

    first: int
    datasets: Sequence[DiskDataset]


class _Job:
    """The datasets of one session: what was handed out of them, and what came back."""

    def __init__(self, directory: SessionDirectory, datasets: Sequence[DiskDataset], left: float) -> None:
        self.directory, self.left = directory, left
        self.told: Future[list[DiskDataset]] = Future()
        self._lock = threading.Lock()
        self._datasets = list(datasets)
        self._handed_out, self._missing = 0, len(datasets)

    @property
    def has_more(self) -> bool:
        return self._handed_out < len(self._datasets) and not self.told.done()

    def hand_out(self, size: int) -> _Task:
        """Return what to read next; only who has taken the job from the queue may ask."""
        first = self._handed_out
        self._handed_out += size
        return _Task(first, self._datasets[first : first + size])

    def take_back(self, task: _Task, read: list[DiskDataset]) -> None:
        with self._lock:
            self._datasets[task.first : task.first + len(read)] = read
            self._missing -= len(read)
            if not self._missing and not self.told.done():
                self.told.set_result(self._datasets)

    def fail(self, error: Exception) -> None:
        """Let whoever waits for it have the error; the first one counts."""
        with self._lock:
            if not self.told.done():
                self.told.set_exception(error)


class Readers:
    """Whoever can read datasets, a thread for each; sessions are served in turn, and one by several at once."""

    def __init__(self, started: float, zone: str, processes: int | None, cancellation: Cancellation) -> None:
        """Read for a scan that began at `started`, naive times in `zone`.

        `processes`: None: as many as there are processors, once it pays; 0: none; else so many from the start.
        """
        self._started, self._zone, self._cancellation = started, zone, cancellation
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._jobs: set[_Job] = set()
        self._workers: set[ForkServerProcess] = set()
        self._files, self._seconds = 0, 0.0
        self._reads_here = False
        self._may_grow = processes is None
        cancellation.on_cancel(self.close)
        if processes:
            self._grow(processes)
        else:
            threading.Thread(target=self._read_here, name="icat-tui read", daemon=True).start()

    def read(self, directory: SessionDirectory, datasets: Sequence[DiskDataset], left: float) -> list[DiskDataset]:
        """Return the datasets, read; in order.

        `left` is how many files the rest of the run may have to read, as far as one can tell. Raises Cancelled, and
        whatever reading raises: then that is a mistake of ours.
        """
        if not datasets:
            return []
        job = _Job(directory, datasets, left)
        with self._lock:
            self._cancellation.check()
            self._jobs.add(job)
        self._waiting.put(job)
        try:
            return job.told.result()
        finally:
            with self._lock:
                self._jobs.discard(job)

    def close(self) -> None:
        """End all workers at once; whoever waits for one gets Cancelled."""
        self._waiting.put(None)
        with self._lock:
            jobs, workers = list(self._jobs), list(self._workers)
            self._workers.clear()
            self._may_grow = False
        for job in jobs:
            job.fail(Cancelled())
        for worker in workers:
            _kill(worker)

    # -- threads --

    def _read_here(self) -> None:
        """Read in this process until there is nothing left; one thread of it is enough."""
        with self._lock:
            already, self._reads_here = self._reads_here, True
        if not already:
            self._serve(
                lambda directory, datasets: metadata.read_datasets(directory, datasets, self._started, self._zone),
                metadata.import_reader,  # or importing h5py would be taken for what files cost
            )

    def _read_apart(self) -> None:
        """Read in a process of its own, and in another one when it dies."""
        try:
            while not self._cancellation:
                with self._worker() as reader, suppress(WorkerDied):
                    self._serve(reader)
        except (OSError, EOFError, RuntimeError, AssertionError):  # no process to be had: at the pace of one, then
            self._read_here()

    def _serve(self, reader: Reading, import_reader: Callable[[RawFormat], None] = lambda _: None) -> None:
        """Read what is next of the sessions in turn, until the run ends. Raises WorkerDied."""
        while (job := self._waiting.get()) is not None:
            if not job.has_more:
                continue  # called off, or failed
            task = job.hand_out(self._task_size())
            if job.has_more:
                self._waiting.put(job)
            began = time.perf_counter()
            try:
                import_reader(job.directory.format)
                began = time.perf_counter()
                job.take_back(task, reader(job.directory, task.datasets))
            except WorkerDied as died:
                job.take_back(task, _lost(task.datasets, str(died)))
                raise
            except Exception as error:  # noqa: BLE001 - of this session: it is told there, and the others go on
                job.fail(error)
            self._learn(len(task.datasets), time.perf_counter() - began, job.left - task.first)
        self._waiting.put(None)  # for the next who waits

    def _task_size(self) -> int:
        """Return how many files a reader gets at once."""
        with self._lock:
            return max(1, int(TASK_SECONDS / 2 * self._files / self._seconds)) if self._seconds else FIRST_TASK

    def _learn(self, files: int, seconds: float, left: float) -> None:
        with self._lock:
            self._files += files
            self._seconds += seconds
            known = self._files >= SAMPLE or self._seconds > TASK_SECONDS * 4
            grow = self._may_grow and known and self._seconds / self._files * left > WORTH_PROCESSES
            self._may_grow = self._may_grow and not grow
        if grow:
            self._grow(os.cpu_count() or 1)

    # -- processes --

    def _grow(self, processes: int) -> None:
        """Start workers without waiting for them: they join when they are ready."""
        for _ in range(processes):
            threading.Thread(target=self._read_apart, name="icat-tui read apart", daemon=True).start()

    @contextmanager
    def _worker(self) -> Iterator[Reading]:
        """Start a process that reads, and end it afterwards."""
        import multiprocessing  # noqa: PLC0415 - most runs get by on this process alone

        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        here, there = context.Pipe()
        with here:
            worker = context.Process(target=_work, args=(there, self._started, self._zone), daemon=True)
            with there, _STARTING, _without_main(), _without_interrupts():
                worker.start()
            with self._lock:
                self._workers.add(worker)
            try:
                yield lambda directory, datasets: _read_by(here, directory, datasets)
            finally:
                with self._lock:
                    self._workers.discard(worker)
                    _kill(worker)
                worker.join()


def _read_by(worker: "Connection", directory: SessionDirectory, datasets: Sequence[DiskDataset]) -> list[DiskDataset]:
    try:
        worker.send((directory, datasets))
        answer: list[DiskDataset] | Exception = worker.recv()
    except (EOFError, OSError) as error:
        raise WorkerDied(type(error).__name__) from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def _kill(worker: "ForkServerProcess") -> None:
    if worker.is_alive():  # else its number may be somebody else's by now
        worker.kill()


def _lost(datasets: Sequence[DiskDataset], why: str) -> list[DiskDataset]:
    """Return what a worker was reading when it died, as unknown."""
    trouble = Trouble(TroubleKind.UNKNOWN, f"the process that read it ended unexpectedly ({why}): scan it again")
    return [structs.replace(dataset, read=True, trouble=trouble) for dataset in datasets]


# -- in a process of its own -----------------------------------------------------------------------------------------

_STARTING = threading.Lock()


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide `__main__` while a worker starts: it would be imported there again, and do whatever a script does."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Block SIGINT while a worker starts: it and the server it comes from are born with that, so no ^C meets them."""
    from multiprocessing import resource_tracker  # noqa: PLC0415 - as above

    resource_tracker.ensure_running()  # here, as it ends by unblocking
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(tasks: "Connection", started: float, zone: str) -> None:
    """Read what comes through the pipe until it is closed: the whole life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # blocked already, unless the caller had started the server
    with suppress(EOFError, ConnectionError):
        while True:
            directory, datasets = tasks.recv()
            try:
                answer: object = metadata.read_datasets(directory, datasets, started, zone)
            except Exception as error:  # noqa: BLE001 - told where it was asked for
                answer = RuntimeError(f"{type(error).__name__}: {error}")
            tasks.send(answer)
