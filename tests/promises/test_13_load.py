"""Promise 13, for a whole scan: ICAT+ is never asked more than it can bear, nor a server that does not answer."""

import threading
import time

import pytest

from icat_tui.cancel import Cancellation
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from icat_tui.domain.scan_events import ScanFinished
from icat_tui.domain.status import Category
from icat_tui.sync.scan import scan
from tests.support.scanning import found_below, plan_of, sessions_of, wait_for_threads
from tests.support.small_facility import EXPECTED, SECRET, SmallFacility, asked, events_with
from tests.support.time_slot import FACILITY
from tests.support.waiting import wait_for


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_no_more_requests_than_jobs_are_under_way_at_once(small_facility: SmallFacility, jobs: int) -> None:
    small_facility.icatplus.released.clear()
    with asked(small_facility, jobs=jobs) as client:
        events = scan(plan_of(found_below(small_facility.root), client, jobs=jobs))
        next(events)
        wait_for(lambda: small_facility.icatplus.in_flight == jobs, "as many as there may be")
        small_facility.icatplus.released.set()
        assert len(sessions_of(events)) == len(EXPECTED)
    assert small_facility.icatplus.most_in_flight == jobs


def test_each_question_reaches_the_server_once(small_facility: SmallFacility) -> None:
    with asked(small_facility) as client:
        events_with(small_facility, client)
    assert len(small_facility.icatplus.asked) == len(set(small_facility.icatplus.asked)) == 14


@pytest.mark.parametrize("retries", [0, 2])
def test_after_five_requests_that_failed_nothing_more_is_asked(small_facility: SmallFacility, retries: int) -> None:
    small_facility.icatplus.fault = lambda _: (503, "not now")
    with asked(small_facility, Limits(retries=retries, backoff=0.001, failures=5), jobs=1) as client:
        sessions = sessions_of(events_with(small_facility, client, jobs=1))
    at_most = 5 * (1 + retries) + retries  # there are two threads: one may be between its attempts when it is enough
    assert 5 * (1 + retries) <= len(small_facility.icatplus.asked) <= at_most
    assert {session.category for session in sessions.values()} == {Category.UNKNOWN}
    reasons = [session.reasons[0] for session in sessions.values()]
    assert sum(reason.startswith("ICAT+ does not answer") for reason in reasons) >= len(EXPECTED) - 5
    assert all("not now" in reason for reason in reasons)


def test_what_a_person_must_mend_is_not_asked_again(small_facility: SmallFacility) -> None:
    small_facility.icatplus.fault = lambda _: (401, "no")
    with asked(small_facility, Limits(retries=3, backoff=0.001)) as client:
        events_with(small_facility, client)
    assert len(small_facility.icatplus.asked) == len(EXPECTED)


# -- a server that keeps its clients waiting -------------------------------------------------------------------------


def test_cancelling_waits_for_no_server(
    small_facility: SmallFacility, slow_server: tuple[str, threading.Event]
) -> None:
    url, reached = slow_server
    before, cancellation, called_off = set(threading.enumerate()), Cancellation(), list[float]()

    def call_off() -> None:
        assert reached.wait(10)
        called_off.append(time.perf_counter())
        cancellation.cancel()

    threading.Thread(target=call_off).start()
    with IcatPlus(url, SECRET, zone=FACILITY.zone) as client:
        events = list(scan(plan_of(found_below(small_facility.root), client), cancellation))
        assert time.perf_counter() - called_off[0] < 1
    end = events[-1]
    assert isinstance(end, ScanFinished)
    assert end.cancelled
    assert not sessions_of(events)
    wait_for_threads(before)
