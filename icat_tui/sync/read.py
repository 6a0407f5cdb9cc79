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
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from msgspec import structs

from icat_tui.disk import metadata
from icat_tui.domain.model import DiskDataset, SessionDirectory, Trouble, TroubleKind
from icat_tui.sync.cancel import Cancellation, Cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

TASK_SECONDS = 0.1
"""How long a worker may be at one task: what cancelling and the other sessions wait for at most."""
WORTH_PROCESSES = 2.0
"""Seconds of reading left from which on processes pay."""
SAMPLE = 20
"""Files to be read before their cost is taken for known."""

Reading = Callable[[SessionDirectory, Sequence[DiskDataset]], list[DiskDataset]]


class Readers:
    """Whoever can read datasets; each is lent to one session at a time."""

    def __init__(self, started: float, zone: str, processes: int | None, cancellation: Cancellation) -> None:
        """Read for a scan that began at `started`, naive times in `zone`.

        `processes`: None: as many as there are processors, once it pays; 0: none; else so many from the start.
        """
        self._started, self._zone, self._cancellation = started, zone, cancellation
        self._idle: queue.Queue[Reading | None] = queue.Queue()
        self._lock = threading.Lock()
        self._workers: list[ForkServerProcess] = []
        self._files, self._seconds = 0, 0.0
        self._may_grow = processes is None
        if processes:
            self._grow(processes)
        else:
            self._idle.put(self._read_here)

    def read(self, directory: SessionDirectory, datasets: Sequence[DiskDataset], left: float) -> list[DiskDataset]:
        """Return the datasets, read; in order.

        `left` is how many files the rest of the run may have to read, as far as one can tell. Raises Cancelled.
        """
        done: list[DiskDataset] = []
        while len(done) < len(datasets):
            self._cancellation.check()
            reader = self._idle.get()
            if reader is None:
                self._idle.put(None)  # for the next who waits
                raise Cancelled
            chunk = datasets[len(done) : len(done) + self._task_size()]
            began = time.perf_counter()
            try:
                done += reader(directory, chunk)
            except (EOFError, OSError) as died:  # of a worker: reading itself raises nothing
                self._cancellation.check()
                done += self._lost(chunk, died)
                continue
            self._idle.put(reader)
            self._learn(len(chunk), time.perf_counter() - began, left)
        return done

    def _lost(self, datasets: Sequence[DiskDataset], died: Exception) -> list[DiskDataset]:
        """Return what a worker was reading when it died, as unknown; another takes its place."""
        self._grow(1)
        text = f"the process that read it ended unexpectedly ({type(died).__name__}): scan it again"
        trouble = Trouble(TroubleKind.UNKNOWN, text)
        return [structs.replace(dataset, read=True, trouble=trouble) for dataset in datasets]

    def close(self) -> None:
        """End all workers at once; whoever waits for one gets Cancelled."""
        self._idle.put(None)
        with self._lock:
            workers, self._workers = self._workers, []
            self._may_grow = False
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker.pid or 0, signal.SIGKILL)

    def _task_size(self) -> int:
        """Return how many files a reader gets at once."""
        with self._lock:
            return max(1, int(TASK_SECONDS / 2 * self._files / self._seconds)) if self._seconds else 4

    def _learn(self, files: int, seconds: float, left: float) -> None:
        with self._lock:
            self._files += files
            self._seconds += seconds
            known = self._files >= SAMPLE or self._seconds > TASK_SECONDS * 4
            grow = self._may_grow and known and self._seconds / self._files * left > WORTH_PROCESSES
            self._may_grow = self._may_grow and not grow
        if grow:
            self._grow(os.cpu_count() or 1)

    def _read_here(self, directory: SessionDirectory, datasets: Sequence[DiskDataset]) -> list[DiskDataset]:
        return metadata.read_datasets(directory, datasets, self._started, self._zone)

    def _grow(self, processes: int) -> None:
        """Start workers without waiting for them: they join when they are ready."""
        for _ in range(processes):
            threading.Thread(target=self._join, daemon=True).start()

    def _join(self) -> None:
        try:
            reader: Reading = self._start_worker()
        except OSError:  # no process to be had: it goes on without, at the pace of one
            reader = self._read_here
        self._idle.put(reader)

    def _start_worker(self) -> Reading:
        import multiprocessing  # noqa: PLC0415 - most runs get by on this process alone

        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["icat_tui.disk.metadata", "h5py"])
        here, there = context.Pipe()
        worker = context.Process(target=_work, args=(there, self._started, self._zone), daemon=True)
        with _STARTING, _without_main():
            worker.start()
        there.close()
        with self._lock:
            self._workers.append(worker)
        if self._cancellation:
            self.close()

        def read_there(directory: SessionDirectory, datasets: Sequence[DiskDataset]) -> list[DiskDataset]:
            here.send((directory, datasets))
            answer: list[DiskDataset] = here.recv()
            return answer

        return read_there


_STARTING = threading.Lock()


@contextmanager
def _without_main() -> "Iterator[None]":
    """Hide `__main__` while a worker starts: it would be imported there again, and do whatever a script does."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _work(tasks: "Connection", started: float, zone: str) -> None:
    """Read what comes through the pipe until it is closed: the whole life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, BrokenPipeError):
        while True:
            directory, datasets = tasks.recv()
            tasks.send(metadata.read_datasets(directory, datasets, started, zone))
