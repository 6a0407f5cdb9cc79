"""Reading datasets: in this process at first, in worker processes once there is enough to do.

HDF5 is read by one thread of a process at a time: only processes read in parallel, and starting them costs as much as
reading a few hundred files. What must stay true: workers never import the caller's `__main__`, get tasks of no more
than a tenth of a second, and are killed by process id when the run ends.
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
"""Longest time for one task: what cancelling and the other sessions wait for at most."""
FIRST_TASK = 4
"""Files of a task as long as the time that a file takes is not known."""
WORTH_PROCESSES = 2.0
"""Seconds of reading left from which on starting processes is worthwhile."""
SAMPLE = 20
"""Files to be read before the time that a file takes counts as known."""
PRELOADED = ["icat_tui.sync.reader_pool", "icat_tui.disk.hdf5"]
"""Modules imported before workers are forked. Not h5py: what imports it decides about HDF5's file locks."""

Reading = Callable[[SessionDirectory, Sequence[DiskDataset]], list[DiskDataset]]


class WorkerDied(Exception):  # noqa: N818 - a fact, not an error: what it was reading is unknown
    """Exception for a worker process that ended while it was reading."""


class _Task(NamedTuple):
    """Part of the datasets of a session, for one reader."""

    first: int
    datasets: Sequence[DiskDataset]


class _Job:
    """Datasets of one session that are being read, divided into tasks."""

    def __init__(self, directory: SessionDirectory, datasets: Sequence[DiskDataset], left: float) -> None:
        self.directory, self.left = directory, left
        self.result: Future[list[DiskDataset]] = Future()
        self._lock = threading.Lock()
        self._datasets = list(datasets)
        self._handed_out, self._missing = 0, len(datasets)

    @property
    def has_more(self) -> bool:
        return self._handed_out < len(self._datasets) and not self.result.done()

    def next_task(self, size: int) -> _Task:
        """Return the next task; only the thread that has taken the job from the queue may call it."""
        first = self._handed_out
        self._handed_out += size
        return _Task(first, self._datasets[first : first + size])

    def add_read(self, task: _Task, read: list[DiskDataset]) -> None:
        """Store the datasets that a reader has read; the last ones complete the job."""
        with self._lock:
            self._datasets[task.first : task.first + len(read)] = read
            self._missing -= len(read)
            if not self._missing and not self.result.done():
                self.result.set_result(self._datasets)

    def fail(self, error: Exception) -> None:
        """End the job with an error, unless it has ended before."""
        with self._lock:
            if not self.result.done():
                self.result.set_exception(error)


class ReaderPool:
    """Pool of readers, a thread each, of this process and of workers; several may read one session at once."""

    def __init__(self, started: float, zone: str, processes: int | None, cancellation: Cancellation) -> None:
        """Read for a scan that began at `started` (POSIX seconds), naive times in `zone`.

        `processes`: None: as many as there are processors, once it is worthwhile; 0: none; else that many from the
        start.
        """
        self._started, self._zone, self._cancellation = started, zone, cancellation
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._jobs: set[_Job] = set()
        self._workers: set[ForkServerProcess] = set()
        self._files, self._seconds = 0, 0.0
        self._reading_here = False
        self._may_start_workers = processes is None
        cancellation.on_cancel(self.close)
        if processes:
            self._start_workers(processes)
        else:
            threading.Thread(target=self._read_in_this_process, name="icat-tui read", daemon=True).start()

    def read(self, directory: SessionDirectory, datasets: Sequence[DiskDataset], left: float) -> list[DiskDataset]:
        """Return the datasets, read, in the same order.

        `left` is an estimate of how many files the rest of the run has to read. Raises Cancelled, and what reading
        raises, which is a bug.
        """
        if not datasets:
            return []
        job = _Job(directory, datasets, left)
        with self._lock:
            self._cancellation.check()
            self._jobs.add(job)
        self._waiting.put(job)
        try:
            return job.result.result()
        finally:
            with self._lock:
                self._jobs.discard(job)

    def close(self) -> None:
        """End all workers at once; every `read` that waits for one raises Cancelled."""
        self._waiting.put(None)
        with self._lock:
            jobs, workers = list(self._jobs), list(self._workers)
            self._workers.clear()
            self._may_start_workers = False
        for job in jobs:
            job.fail(Cancelled())
        for worker in workers:
            _kill(worker)

    # -- threads --

    def _read_in_this_process(self) -> None:
        """Read in this process until the run ends; does nothing where another thread does so already."""
        with self._lock:
            already, self._reading_here = self._reading_here, True
        if not already:
            self._serve(
                lambda directory, datasets: metadata.read_datasets(directory, datasets, self._started, self._zone),
                metadata.import_reader,  # apart, or importing h5py would count as reading time
            )

    def _read_in_worker(self) -> None:
        """Read in a worker process until the run ends, in a new one when it dies."""
        try:
            while not self._cancellation:
                with self._worker() as reader, suppress(WorkerDied):
                    self._serve(reader)
        except (OSError, EOFError, RuntimeError, AssertionError):  # no process could be started: this one reads
            self._read_in_this_process()

    def _serve(self, reader: Reading, import_reader: Callable[[RawFormat], None] = lambda _: None) -> None:
        """Read tasks of the sessions in turn, until the run ends. Raises WorkerDied."""
        while (job := self._waiting.get()) is not None:
            if not job.has_more:
                continue  # cancelled, or failed
            task = job.next_task(self._task_size())
            if job.has_more:
                self._waiting.put(job)
            began = time.perf_counter()
            try:
                import_reader(job.directory.format)
                began = time.perf_counter()
                job.add_read(task, reader(job.directory, task.datasets))
            except WorkerDied as died:
                job.add_read(task, _as_unknown(task.datasets, str(died)))
                raise
            except Exception as error:  # noqa: BLE001 - raised where this session is read; the others go on
                job.fail(error)
            self._record_cost(len(task.datasets), time.perf_counter() - began, job.left - task.first)
        self._waiting.put(None)  # for the next thread that waits

    def _task_size(self) -> int:
        """Return the number of files of the next task."""
        with self._lock:
            return max(1, int(TASK_SECONDS / 2 * self._files / self._seconds)) if self._seconds else FIRST_TASK

    def _record_cost(self, files: int, seconds: float, left: float) -> None:
        """Add to the measured reading time; start workers once that is worthwhile for the `left` files."""
        with self._lock:
            self._files += files
            self._seconds += seconds
            known = self._files >= SAMPLE or self._seconds > TASK_SECONDS * 4
            worthwhile = self._may_start_workers and known and self._seconds / self._files * left > WORTH_PROCESSES
            self._may_start_workers = self._may_start_workers and not worthwhile
        if worthwhile:
            self._start_workers(os.cpu_count() or 1)

    # -- processes --

    def _start_workers(self, processes: int) -> None:
        """Start workers without waiting for them: they take tasks when they are ready."""
        for _ in range(processes):
            threading.Thread(target=self._read_in_worker, name="icat-tui read apart", daemon=True).start()

    @contextmanager
    def _worker(self) -> Iterator[Reading]:
        """Start a worker process and give the function that reads in it; end it afterwards."""
        import multiprocessing  # noqa: PLC0415 - late: most runs read in this process alone

        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        here, there = context.Pipe()
        with here:
            worker = context.Process(target=_worker_main, args=(there, self._started, self._zone), daemon=True)
            with there, _START_LOCK, _without_main(), _without_interrupts():
                worker.start()
            with self._lock:
                self._workers.add(worker)
            try:
                yield lambda directory, datasets: _read_with(here, directory, datasets)
            finally:
                with self._lock:
                    self._workers.discard(worker)
                    _kill(worker)
                worker.join()


def _read_with(worker: "Connection", directory: SessionDirectory, datasets: Sequence[DiskDataset]) -> list[DiskDataset]:
    try:
        worker.send((directory, datasets))
        answer: list[DiskDataset] | Exception = worker.recv()
    except (EOFError, OSError) as error:
        raise WorkerDied(type(error).__name__) from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def _kill(worker: "ForkServerProcess") -> None:
    if worker.is_alive():  # else its process id may be that of another process
        worker.kill()


def _as_unknown(datasets: Sequence[DiskDataset], why: str) -> list[DiskDataset]:
    """Return the datasets that a worker was reading when it died, as unknown."""
    trouble = Trouble(TroubleKind.UNKNOWN, f"the process that read it ended unexpectedly ({why}): scan it again")
    return [structs.replace(dataset, read=True, trouble=trouble) for dataset in datasets]


# -- in a process of its own -----------------------------------------------------------------------------------------

_START_LOCK = threading.Lock()


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide `__main__` while a worker starts: it would be imported there, and a script would run again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Block SIGINT while a worker starts: it and its fork server inherit that, so Ctrl-C does not end them."""
    from multiprocessing import resource_tracker  # noqa: PLC0415 - as above

    resource_tracker.ensure_running()  # before blocking, as it unblocks SIGINT at its end
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _worker_main(tasks: "Connection", started: float, zone: str) -> None:
    """Read the tasks that come through a pipe until it is closed; the main function of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # blocked already, unless the caller had started the server
    with suppress(EOFError, ConnectionError):
        while True:
            directory, datasets = tasks.recv()
            try:
                answer: object = metadata.read_datasets(directory, datasets, started, zone)
            except Exception as error:  # noqa: BLE001 - raised where it was asked for
                answer = RuntimeError(f"{type(error).__name__}: {error}")
            tasks.send(answer)
