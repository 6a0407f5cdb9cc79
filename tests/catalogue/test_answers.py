"""What is known of how a server answers, with a clock that is set by hand."""

import threading
from collections.abc import Callable

import pytest

from icat_tui.catalogue.answers import ServerState
from icat_tui.catalogue.icatplus import IcatPlus
from tests.support.scripted_http_server import Server, hang, text
from tests.support.waiting import wait_for


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_known_before_the_first_request() -> None:
    report = ServerState().report()
    assert report.last is None
    assert report.silence == 0


def test_an_answer_has_its_time_and_its_duration() -> None:
    clock = Clock()
    state = ServerState(clock)
    began = state.begin()
    clock.now += 0.2
    state.answered(began, 200)
    clock.now += 60
    report = state.report()
    assert report.last is not None
    assert (report.last.at, report.last.status) == (100.2, 200)
    assert report.last.seconds == pytest.approx(0.2)
    assert report.age == pytest.approx(60)
    assert report.silence == 0


def test_silence_lasts_from_the_last_answer_on_while_any_request_waits() -> None:
    clock = Clock()
    state = ServerState(clock)
    first, _second = state.begin(), state.begin()
    clock.now += 5
    state.answered(first, 200)
    clock.now += 7
    assert state.report().silence == 7


def test_a_failure_ends_no_silence_while_others_wait() -> None:
    clock = Clock()
    state = ServerState(clock)
    first, _second = state.begin(), state.begin()
    clock.now += 12
    state.failed(first, "no answer within 12 s")
    assert state.report().silence == 12


@pytest.mark.parametrize("end", [ServerState.cancelled, lambda state: state.failed(100.0, "refused")])
def test_with_no_request_under_way_nothing_is_silent(end: Callable[[ServerState], None]) -> None:
    state = ServerState(Clock())
    state.begin()
    end(state)
    assert state.report().silent_since is None


def test_a_cancelled_request_says_nothing() -> None:
    state = ServerState(Clock())
    state.begin()
    state.cancelled()
    assert state.report().last is None


# -- as real requests report it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500])
def test_each_answer_is_reported_with_its_status(status: int, server: Server, client: IcatPlus) -> None:
    server.script = [text(status, "[]")] * 9
    client.datasets(7)
    report = client.answers.report()
    assert report.last is not None
    assert (report.last.status, report.last.trouble) == (status, "")
    assert report.silent_since is None


def test_a_refused_connection_is_reported_with_its_reason(refusing: str, connect: Callable[..., IcatPlus]) -> None:
    client = connect(refusing)
    client.datasets(7)
    report = client.answers.report()
    assert report.last is not None
    assert (report.last.status, report.last.trouble) == (None, "connection refused")


def test_silence_is_seen_while_a_request_waits_and_a_closed_client_says_nothing(
    server: Server, client: IcatPlus
) -> None:
    server.script = [hang]
    asking = threading.Thread(target=client.datasets, args=(7,))
    asking.start()
    wait_for(lambda: client.answers.report().silence > 0.01)
    client.close()
    asking.join()
    report = client.answers.report()
    assert report.last is None
    assert report.silent_since is None
