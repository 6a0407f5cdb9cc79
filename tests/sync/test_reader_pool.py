"""Reading by this process, and by worker processes that never see more of the caller than they need."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.disk import metadata
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import DiskDataset, SessionDirectory, TroubleKind
from icat_tui.domain.scan_events import SessionFailed
from icat_tui.domain.status import Status
from icat_tui.sync import reader_pool as module
from icat_tui.sync.reader_pool import ReaderPool
from tests.support.bliss import dataset_at
from tests.support.catalogue_in_memory import CatalogueInMemory
from tests.support.scanning import LATER, events_of, plan_of, scanned, scanned_one, statuses
from tests.support.sessions_on_disk import add_bliss, add_mx, session_at
from tests.support.waiting import wait_for

ZONE = "Europe/Paris"


def mx(root: Path, number: int, proposal: str = "hg333") -> tuple[SessionDirectory, list[DiskDataset]]:
    """A session, and its datasets as they are listed."""
    directory = session_at(root, proposal, raw_format=RawFormat.MX)
    names = [f"{each:04}" for each in range(number)]
    add_mx(directory, *names)
    return directory, [dataset_at(directory, f"colA/{name}") for name in names]


def workers() -> list[int]:
    return [process.pid for process in multiprocessing.active_children() if process.pid]


# -- in this process -------------------------------------------------------------------------------------------------


def test_datasets_come_back_read_and_in_order(root: Path, cancellation: Cancellation) -> None:
    directory, datasets = mx(root, 30)
    found = ReaderPool(5.0, ZONE, 0, cancellation).read(directory, datasets, 30)
    assert [dataset.path for dataset in found] == [dataset.path for dataset in datasets]
    assert all(dataset.read and dataset.metadata and dataset.read_at == 5.0 for dataset in found)


def test_nothing_to_read_is_read_at_once(root: Path, cancellation: Cancellation) -> None:
    assert ReaderPool(0.0, ZONE, 0, cancellation).read(session_at(root), [], 0) == []


def test_sessions_are_served_in_turn(root: Path, cancellation: Cancellation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has much to read does not keep others waiting until all of it is done."""
    first, many = mx(root, 40)
    second, few = mx(root, 2, "hg334")
    order: list[str] = []
    started, both = threading.Event(), threading.Event()
    monkeypatch.setattr(metadata, "read_datasets", reading(order, started, both))
    monkeypatch.setattr(module, "TASK_SECONDS", 0.0)
    readers = ReaderPool(0.0, ZONE, 0, cancellation)
    reading_many = threading.Thread(target=readers.read, args=(first, many, 40))
    reading_many.start()
    assert started.wait(10)
    reading_few = threading.Thread(target=readers.read, args=(second, few, 2))
    reading_few.start()
    wait_for(lambda: readers._waiting.qsize() == 2, "both sessions wait for a reader")
    both.set()
    for thread in (reading_many, reading_few):
        thread.join()
    assert order.index("hg334") < 5
    assert order.count("hg333") > 10


def reading(order: list[str], started: threading.Event, both: threading.Event) -> Callable[..., list[DiskDataset]]:
    def read_datasets(directory: SessionDirectory, datasets: Any, *_: object) -> list[DiskDataset]:
        order.append(directory.proposal)
        started.set()
        assert both.wait(10)
        return list(datasets)

    return read_datasets


def test_an_exception_is_raised_where_it_was_asked_for_and_reading_goes_on(
    root: Path, cancellation: Cancellation, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, datasets = mx(root, 3)
    readers, read_datasets = ReaderPool(0.0, ZONE, 0, cancellation), metadata.read_datasets
    for error in (OSError("a mistake"), EOFError("another")):  # those, too, that a process dies of
        monkeypatch.setattr(metadata, "read_datasets", raising(error))
        with pytest.raises(type(error)):
            readers.read(directory, datasets, 3)
    monkeypatch.setattr(metadata, "read_datasets", read_datasets)
    assert all(dataset.metadata for dataset in readers.read(directory, datasets, 3))


def raising(error: Exception) -> Callable[..., list[DiskDataset]]:
    def read_datasets(*_: object) -> list[DiskDataset]:
        raise error

    return read_datasets


def test_what_can_not_be_imported_fails_what_needs_it_and_nobody_waits_for_ever(
    root: Path, cancellation: Cancellation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def import_reader(_: object) -> None:
        raise ImportError("no h5py here")

    monkeypatch.setattr(metadata, "import_reader", import_reader)
    directory, datasets = mx(root, 3)
    readers = ReaderPool(0.0, ZONE, 0, cancellation)
    for _ in range(2):
        with pytest.raises(ImportError, match="no h5py here"):
            readers.read(directory, datasets, 3)


def test_whoever_waits_is_let_go_when_the_run_is_called_off(
    root: Path, cancellation: Cancellation, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, datasets = mx(root, 3)
    hangs = threading.Event()

    def read_datasets(*_: object) -> list[DiskDataset]:
        hangs.set()
        held.wait()
        return datasets

    monkeypatch.setattr(metadata, "read_datasets", read_datasets)
    readers = ReaderPool(0.0, ZONE, 0, cancellation)

    def call_off() -> None:
        assert hangs.wait(10)
        cancellation.cancel()

    threading.Thread(target=call_off).start()
    with pytest.raises(Cancelled):
        readers.read(directory, datasets, 3)
    with pytest.raises(Cancelled):
        readers.read(directory, datasets, 3)
    held.set()


# -- when processes join ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "files", "left", "pays"),
    [
        (0.01, 30, 150, False),
        (0.01, 30, 250, True),
        (0.05, 7, 45, False),  # neither 20 files are read yet, nor 0.4 s spent
        (0.5, 1, 3, False),
        (0.5, 1, 5, True),
        (0.0001, 100, 15_000, False),
    ],
)
def test_processes_join_when_more_than_two_seconds_of_reading_are_left(
    seconds: float, files: int, left: int, pays: bool, request: pytest.FixtureRequest
) -> None:
    root, cancellation, monkeypatch = map(request.getfixturevalue, ("root", "cancellation", "monkeypatch"))
    directory, datasets = mx(root, files)
    now, grown = [0.0], list[int]()

    def read_datasets(_: object, chunk: list[DiskDataset], *__: object) -> list[DiskDataset]:
        now[0] += seconds * len(chunk)
        return list(chunk)

    monkeypatch.setattr(metadata, "read_datasets", read_datasets)
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    readers = ReaderPool(0.0, ZONE, None, cancellation)
    monkeypatch.setattr(readers, "_start_workers", grown.append)
    readers.read(directory, datasets, left)
    readers.read(directory, datasets[:1], 0)  # its turn comes when the cost of the others is reckoned up
    assert grown == ([os.cpu_count()] if pays else [])


@pytest.mark.parametrize("processes", [0, 1])
def test_a_number_of_processes_is_what_there_will_be(
    root: Path, cancellation: Cancellation, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(module, "WORTH_PROCESSES", 0.0)
    directory, datasets = mx(root, 40)
    readers = ReaderPool(0.0, ZONE, processes, cancellation)
    readers.read(directory, datasets, 1e9)
    assert len(workers()) == processes


# -- in processes of their own ---------------------------------------------------------------------------------------


def test_processes_find_what_one_finds(bliss_sessions: tuple[list[SessionDirectory], CatalogueInMemory]) -> None:
    directories, catalogue = bliss_sessions
    alone = scanned(directories, catalogue, processes=0)
    together = scanned(directories, catalogue, processes=2)
    assert [structs.replace(session, seen_at=alone[path].seen_at) for path, session in together.items()] == [
        alone[path] for path in together
    ]
    assert len(alone) == len(together) == 3
    expected = [Status.REGISTERED, Status.INVALID, Status.INVALID, Status.UNREGISTERED]
    assert all([*statuses(session).values()] == expected for session in alone.values())
    wait_for(lambda: not workers(), "workers were left")


def test_one_session_is_read_by_several_processes(
    root: Path, cancellation: Cancellation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that does nothing more holds up its task, and none of the others."""
    monkeypatch.setattr(module, "TASK_SECONDS", 0.0)  # one dataset at a time: no worker gets all the rest at once
    directory, datasets = mx(root, 60)
    readers = ReaderPool(0.0, ZONE, 2, cancellation)
    wait_for(lambda: len(workers()) == 2, "both are there")
    stopped = workers()[0]
    os.kill(stopped, signal.SIGSTOP)
    done = threading.Thread(target=readers.read, args=(directory, datasets, 60))
    done.start()
    (job,) = wait_for_one(readers)
    wait_for(lambda: 0 < job._missing <= module.FIRST_TASK * 3 and not job.has_more, "the other one reads the rest")
    os.kill(stopped, signal.SIGCONT)
    done.join()


def wait_for_one(readers: ReaderPool) -> list[Any]:
    wait_for(lambda: readers._jobs, "a session is being read")
    return list(readers._jobs)


def test_what_a_worker_was_reading_when_it_was_killed_is_unknown_and_the_run_goes_on(
    root: Path, cancellation: Cancellation
) -> None:
    directory, datasets = mx(root, 40)
    readers = ReaderPool(0.0, ZONE, 1, cancellation)
    wait_for(workers, "the worker is there")
    (worker,) = workers()
    os.kill(worker, signal.SIGSTOP)

    def kill() -> None:
        wait_for_one(readers)
        os.kill(worker, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = readers.read(directory, datasets, 40)
    killer.join()
    lost = [dataset for dataset in found if dataset.trouble]
    assert 0 < len(lost) <= module.FIRST_TASK
    for dataset in lost:
        assert dataset.trouble
        assert dataset.trouble.kind == TroubleKind.UNKNOWN
        assert "ended unexpectedly" in dataset.trouble.text
        assert (dataset.read, dataset.read_at) == (True, 0.0)  # which is not to be kept
    assert all(dataset.metadata for dataset in found if dataset not in lost)
    assert [dataset.path for dataset in found] == [dataset.path for dataset in datasets]


def test_a_session_whose_worker_was_killed_has_unknown_datasets_and_is_read_again_by_the_next_scan(
    bliss_sessions: tuple[list[SessionDirectory], CatalogueInMemory], tmp_path: Path
) -> None:
    directories, catalogue = bliss_sessions

    def kill(question: object) -> None:
        if isinstance(question, int):  # the next thing is reading
            wait_for(workers, "the worker is there")
            os.kill(workers()[0], signal.SIGKILL)

    catalogue.meanwhile = kill
    session = scanned_one(directories[0], catalogue, processes=1, cache=tmp_path / "cache")
    assert session.counts == {Status.REGISTERED: 1, Status.UNKNOWN: 3}
    catalogue.meanwhile = lambda _: None
    again = scanned_one(directories[0], catalogue, cache=tmp_path / "cache", now=LATER)
    assert again.counts == {Status.REGISTERED: 1, Status.UNREGISTERED: 1, Status.INVALID: 2}


def test_an_exception_in_a_worker_fails_what_was_asked_for_and_nothing_else(
    root: Path, cancellation: Cancellation
) -> None:
    directory, datasets = mx(root, 3)
    readers = ReaderPool(0.0, ZONE, 1, cancellation)
    broken = [structs.replace(datasets[0], path=None)]  # what no listing gives
    with pytest.raises(RuntimeError, match="TypeError"):
        readers.read(directory, broken, 1)
    before = workers()
    assert all(dataset.metadata for dataset in readers.read(directory, datasets, 3))
    assert workers() == before


def test_calling_off_kills_workers_whatever_they_do(root: Path, cancellation: Cancellation) -> None:
    directory, datasets = mx(root, 40)
    readers = ReaderPool(0.0, ZONE, 2, cancellation)
    wait_for(lambda: len(workers()) == 2, "both are there")
    before = workers()
    for worker in before:
        os.kill(worker, signal.SIGSTOP)  # as good as a read that never returns
    began = list[float]()

    def call_off() -> None:
        wait_for_one(readers)
        began.append(time.perf_counter())
        cancellation.cancel()

    threading.Thread(target=call_off).start()
    with pytest.raises(Cancelled):
        readers.read(directory, datasets, 40)
    assert time.perf_counter() - began[0] < 1
    wait_for(lambda: not any(map(alive, before)), "a worker outlived the run")


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("error", [OSError("no more processes"), EOFError(), RuntimeError(), AssertionError()])
def test_where_no_process_is_to_be_had_this_one_reads(
    root: Path, cancellation: Cancellation, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def start(_: object) -> None:
        raise error

    monkeypatch.setattr(multiprocessing.context.ForkServerProcess, "start", start)
    directory, datasets = mx(root, 10)
    readers = ReaderPool(0.0, ZONE, 2, cancellation)
    assert all(dataset.metadata for dataset in readers.read(directory, datasets, 10))


def test_a_scan_whose_readers_fail_everywhere_tells_of_every_session(
    bliss_sessions: tuple[list[SessionDirectory], CatalogueInMemory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "read_datasets", raising(OSError("a mistake")))
    directories, catalogue = bliss_sessions
    events = events_of(plan_of(directories, catalogue))
    assert {event.directory for event in events if isinstance(event, SessionFailed)} == set(directories)


# -- a script that scans ---------------------------------------------------------------------------------------------

SCRIPT = """
import multiprocessing, os, signal, sys, threading
print("imported", flush=True)
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.cancel import Cancellation
from icat_tui.sync.reader_pool import ReaderPool
from tests.support.bliss import dataset_at

directory = SessionDirectory(sys.argv[1], "hg333", "id99", "20231019", RawFormat(sys.argv[2]))
names = sorted(os.listdir(directory.raw_path + "/colA"))
datasets = [dataset_at(directory, f"colA/{name}") for name in names]
signal.signal(signal.SIGINT, lambda *_: None)
cancellation, done = Cancellation(), threading.Event()

def interrupt():
    while not done.wait(0.001):
        os.killpg(0, signal.SIGINT)

threading.Thread(target=interrupt).start()
readers = ReaderPool(0.0, "Europe/Paris", 3, cancellation)
for _ in range(100):
    found = readers.read(directory, datasets, len(datasets))
    assert all(dataset.metadata for dataset in found), found
print("read by", len(multiprocessing.active_children()), flush=True)
done.set()
cancellation.cancel()
"""


def script(tmp_path: Path, directory: SessionDirectory, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a script of somebody's that reads with three processes while ^C is pressed all the time."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return subprocess.run(
        [sys.executable, path, directory.path, directory.format],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
    )


def test_workers_never_see_the_script_and_no_interrupt(root: Path, tmp_path: Path) -> None:
    done = script(tmp_path, mx(root, 40)[0])
    assert (done.stdout, done.stderr, done.returncode) == ("imported\nread by 3\n", "", 0)


def test_workers_lock_nothing_though_the_environment_wants_it(root: Path, tmp_path: Path) -> None:
    """A lock of ours would make the acquisition fail."""
    directory = session_at(root)
    add_bliss(directory, "0001", "0002")
    done = script(tmp_path, directory, HDF5_USE_FILE_LOCKING="TRUE")
    assert (done.stdout, done.stderr, done.returncode) == ("imported\nread by 3\n", "", 0)
