"""Scans that are cancelled: every wait ends at once, and no thread, process or file is left behind."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from icat_tui.cancel import Cancellation
from icat_tui.disk import metadata
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import ScanEvent, ScanFinished, SessionScanned, SessionsFound
from icat_tui.sync import scan as module
from icat_tui.sync.scan import scan
from tests.support.catalogue_in_memory import CatalogueInMemory, Question
from tests.support.scanning import events_of, found_below, plan_of, scanned, sessions_of, wait_for_threads
from tests.support.sessions_on_disk import several
from tests.support.waiting import wait_for

SOON = 1.0
"""Seconds; the limit is 0.2, but the machine may be busy with other tests."""


def cancelled(plan: Any, hangs: threading.Event) -> list[ScanEvent]:
    """Scan, cancel as soon as something hangs, and return the events, having checked that it was quick."""
    cancellation, asked = Cancellation(), []

    def call_off() -> None:
        assert hangs.wait(10)
        asked.append(time.perf_counter())
        cancellation.cancel()

    threading.Thread(target=call_off).start()
    events = list(scan(plan, cancellation))
    assert time.perf_counter() - asked[0] < SOON
    assert isinstance(events[-1], ScanFinished)
    assert events[-1].cancelled
    return events


@pytest.mark.parametrize("of", [tuple, int])
def test_cancelling_waits_for_no_catalogue(root: Path, held: threading.Event, of: type) -> None:
    hangs = threading.Event()

    def meanwhile(question: Question) -> None:
        if isinstance(question, of):
            hangs.set()
            held.wait()

    catalogue, before = CatalogueInMemory(meanwhile), set(threading.enumerate())
    events = cancelled(plan_of(several(root, catalogue), catalogue), hangs)
    assert not sessions_of(events)
    assert catalogue.closed.is_set()
    held.set()
    wait_for_threads(before)


def test_cancelling_waits_for_no_disk(
    root: Path, held: threading.Event, hanging_disk: Callable[[str], threading.Event]
) -> None:
    catalogue, before = CatalogueInMemory(), set(threading.enumerate())
    directories = several(root, catalogue, 12)
    cancelled(plan_of(directories, catalogue, jobs=2), hanging_disk(directories[1].path))
    held.set()
    wait_for_threads(before)


def test_only_who_hangs_himself_is_left_by_a_disk_that_hangs(
    root: Path, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two sessions use the disk; two more that wait for it end at once."""
    monkeypatch.setattr(module, "SESSIONS_AHEAD", 1)
    catalogue, before, hanging = CatalogueInMemory(), set(threading.enumerate()), threading.Semaphore(0)
    directories = several(root, catalogue, 12)
    all_wait = threading.Event()

    def scandir(_: str) -> object:
        hanging.release()
        held.wait()
        raise OSError

    def found() -> Iterator[SessionDirectory]:
        yield from directories[:5]
        for _ in range(2):  # four were taken, as there is room for one, and two of them hang
            hanging.acquire()
        all_wait.set()
        yield from directories[5:]

    monkeypatch.setattr(os, "scandir", scandir)
    cancelled(plan_of(found(), catalogue, jobs=2), all_wait)
    wait_for(lambda: len(set(threading.enumerate()) - before) == 2, "the others have gone")


def test_cancelling_waits_for_no_discovery(
    root: Path, held: threading.Event, hanging_disk: Callable[[str], threading.Event]
) -> None:
    catalogue, before = CatalogueInMemory(), set(threading.enumerate())
    several(root, catalogue)
    cancelled(plan_of(found_below(root), catalogue), hanging_disk(f"{root}/hg3"))
    held.set()
    wait_for_threads(before)


def test_cancelling_waits_for_no_reading(root: Path, held: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()

    def read_datasets(*_: object) -> Any:
        hangs.set()
        held.wait()
        raise AssertionError("nobody waits for this")

    monkeypatch.setattr(metadata, "read_datasets", read_datasets)
    catalogue, before = CatalogueInMemory(), set(threading.enumerate())
    cancelled(plan_of(several(root, catalogue), catalogue), hangs)
    held.set()
    wait_for_threads(before)


def test_a_listener_that_is_slow_holds_up_the_scan_and_not_its_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENTS_AHEAD", 1)
    monkeypatch.setattr(module, "SESSIONS_AHEAD", 2)
    catalogue, before = CatalogueInMemory(), set(threading.enumerate())
    events = scan(plan_of(several(root, catalogue, 20), catalogue, jobs=2))
    assert isinstance(next(events), SessionsFound | SessionScanned)
    began = time.perf_counter()
    events.close()  # type: ignore[attr-defined] # a generator
    assert time.perf_counter() - began < SOON
    wait_for_threads(before)
    assert catalogue.closed.is_set()


def test_with_room_for_one_of_each_everything_is_scanned_all_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS_AHEAD", 1)
    monkeypatch.setattr(module, "SESSIONS_AHEAD", 1)
    catalogue = CatalogueInMemory()
    assert len(scanned(several(root, catalogue, 20), catalogue)) == 20


def test_what_was_called_off_before_it_began_does_nothing(root: Path) -> None:
    catalogue, cancellation = CatalogueInMemory(), Cancellation()
    cancellation.cancel()
    (end,) = events_of(plan_of(several(root, catalogue), catalogue), cancellation)
    assert end == ScanFinished(cancelled=True, seconds=end.seconds)  # type: ignore[union-attr] # as above
    assert catalogue.asked == []


def test_a_scan_that_ends_calls_nothing_off_and_leaves_the_catalogue_open(root: Path) -> None:
    catalogue, cancellation = CatalogueInMemory(), Cancellation()
    events_of(plan_of(several(root, catalogue), catalogue), cancellation)
    assert not cancellation
    assert not catalogue.closed.is_set()
    cancellation.cancel()  # later, for whatever comes after the scan
    assert not catalogue.closed.is_set()
