"""Promise 13, for a whole scan: ICAT+ is never asked more than it can bear, nor a server that does not answer."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import pytest

from icat_tui.cancel import Cancellation
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from icat_tui.domain.scan_events import ScanFinished
from icat_tui.domain.status import Category
from icat_tui.sandbox import fake_icatplus
from icat_tui.sandbox.fake_icatplus import HttpReply
from icat_tui.sync.scan import scan
from tests.promises.small_facility import EXPECTED, SECRET, SmallFacility, asked, events_with
from tests.sync.scanning import FACILITY, found_below, plan_of, sessions_of, wait_for, wait_for_threads


class Counted:
    """Counts requests at the server."""

    def __init__(self, answer: Callable[..., HttpReply]) -> None:
        self.answer = answer
        self.lock = threading.Lock()
        self.targets: list[str] = []
        self.now = self.most = 0
        self.wanted = threading.Event()
        self.wanted.set()

    def __call__(self, state: Any, key: str, target: str, page_size: int | None) -> HttpReply:
        with self.lock:
            self.targets.append(target)
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            self.wanted.wait(10)
            return self.answer(state, key, target, page_size)
        finally:
            with self.lock:
                self.now -= 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted(fake_icatplus.answer)
    monkeypatch.setattr(fake_icatplus, "answer", counted)
    return counted


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_no_more_requests_than_jobs_are_under_way_at_once(facility: SmallFacility, counted: Counted, jobs: int) -> None:
    counted.wanted.clear()
    with asked(facility, jobs=jobs) as client:
        events = scan(plan_of(found_below(facility.root), client, jobs=jobs))
        next(events)
        wait_for(lambda: counted.now == jobs, "as many as there may be")
        counted.wanted.set()
        assert len(sessions_of(events)) == len(EXPECTED)
    assert counted.most == jobs


def test_each_question_reaches_the_server_once(facility: SmallFacility, counted: Counted) -> None:
    with asked(facility) as client:
        events_with(facility, client)
    assert len(counted.targets) == len(set(counted.targets)) == 14


@pytest.mark.parametrize("retries", [0, 2])
def test_after_five_requests_that_failed_nothing_more_is_asked(
    facility: SmallFacility, counted: Counted, retries: int
) -> None:
    counted.answer = lambda *_: HttpReply(HTTPStatus.SERVICE_UNAVAILABLE, "not now")
    with asked(facility, Limits(retries=retries, backoff=0.001, failures=5), jobs=1) as client:
        sessions = sessions_of(events_with(facility, client, jobs=1))
    at_most = 5 * (1 + retries) + retries  # there are two threads: one may be between its attempts when it is enough
    assert 5 * (1 + retries) <= len(counted.targets) <= at_most
    assert {session.category for session in sessions.values()} == {Category.UNKNOWN}
    reasons = [session.reasons[0] for session in sessions.values()]
    assert sum(reason.startswith("ICAT+ does not answer") for reason in reasons) >= len(EXPECTED) - 5
    assert all("not now" in reason for reason in reasons)


def test_what_a_person_must_mend_is_not_asked_again(facility: SmallFacility, counted: Counted) -> None:
    counted.answer = lambda *_: HttpReply(HTTPStatus.UNAUTHORIZED, "no")
    with asked(facility, Limits(retries=3, backoff=0.001)) as client:
        events_with(facility, client)
    assert len(counted.targets) == len(EXPECTED)


# -- a server that keeps its clients waiting -------------------------------------------------------------------------


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n["


@pytest.fixture(params=["silent", "trickling", "deaf"])
def slow_server(request: pytest.FixtureRequest) -> Iterator[tuple[str, threading.Event]]:
    """Never answers; answers a byte at a time; does not even accept. Gives its URL and what is set once it is asked."""
    listening, end, reached = socket.create_server(("127.0.0.1", 0), backlog=0), threading.Event(), threading.Event()
    listening.settimeout(0.02)
    connections: list[socket.socket] = []

    def serve() -> None:
        while not end.wait(0.01):
            if request.param == "deaf":
                reached.set()
                continue
            with suppress(OSError):  # nobody has come; or who came has gone
                connections.append(listening.accept()[0])
                reached.set()
                connections[-1].sendall(b"" if request.param == "silent" else HEAD)
            for connection in connections if request.param == "trickling" else ():
                with suppress(OSError):
                    connection.send(b" ")

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", reached
    end.set()
    thread.join()
    for each in (*connections, listening):
        each.close()


def test_cancelling_waits_for_no_server(facility: SmallFacility, slow_server: tuple[str, threading.Event]) -> None:
    url, reached = slow_server
    before, cancellation, called_off = set(threading.enumerate()), Cancellation(), list[float]()

    def call_off() -> None:
        assert reached.wait(10)
        called_off.append(time.perf_counter())
        cancellation.cancel()

    threading.Thread(target=call_off).start()
    with IcatPlus(url, SECRET, zone=FACILITY.zone) as client:
        events = list(scan(plan_of(found_below(facility.root), client), cancellation))
        assert time.perf_counter() - called_off[0] < 1
    end = events[-1]
    assert isinstance(end, ScanFinished)
    assert end.cancelled
    assert not sessions_of(events)
    wait_for_threads(before)
