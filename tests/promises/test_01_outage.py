"""Promise 1: an outage is never "missing". Every call of a scan fails in turn, to ICAT+ and to the file system."""

import errno
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from icat_tui.cache.session_cache import CacheEntry, SessionCache
from icat_tui.domain.model import Session
from icat_tui.domain.scan_events import DirectoryFailed, ScanEvent, SessionFailed
from icat_tui.domain.status import Category, Status
from icat_tui.sandbox.fake_icatplus import HttpReply
from tests.support.filesystem_faults import Faults
from tests.support.icatplus import FaultyIcatPlus, no_fault
from tests.support.scanning import found_below, scanned, sessions_of, statuses
from tests.support.small_facility import EXPECTED, SECRET, SmallFacility, asked, events_with

Truth = dict[str, Session]


def test_without_a_fault_everything_is_as_it_is(small_facility: SmallFacility) -> None:
    with asked(small_facility) as client:
        sessions = sessions_of(events_with(small_facility, client))
    assert {session.directory.proposal: session.category for session in sessions.values()} == EXPECTED
    found = {session.directory.proposal: statuses(session) for session in sessions.values()}
    assert found["todo1"] == {
        "colA/colA_0001": Status.REGISTERED,
        "colA/colA_0002": Status.UNREGISTERED,
        "colA/colA_0003": Status.REGISTERED_WITHOUT_FILES,
        "colA/colA_0004": Status.REGISTERED,
        "colA/colA_0005": Status.NOT_UPLOADED,
        "colA/colA_0006": Status.NOT_UPLOADED,
        "colA/colA_0009": Status.MISSING_ON_DISK,
        "colB/colB_0001": Status.IN_PROGRESS,
        "colB/colB_0002": Status.INVALID,
        "colC/colC_0001": Status.MISSING_ON_DISK,
    }
    assert found["busy1"] == {
        "colA/colA_0001": Status.REGISTERED,
        "colA/colA_0002": Status.UNREGISTERED,
        "colA/colA_0003": Status.UNREGISTERED,
        "colA/colA_0004": Status.REGISTERED,
        "colB/colB_0001": Status.IN_PROGRESS,
    }
    assert [*found["fresh1"].values()] == [Status.REGISTERED, Status.IN_PROGRESS, Status.IN_PROGRESS]
    assert [*found["invalid1"].values()] == [Status.REGISTERED, Status.INVALID, Status.INVALID]


def holds(events: list[ScanEvent], truth: Truth, cache: SessionCache) -> int:
    """See that nothing but unknown has come of a fault, and say how many things are unknown."""
    sessions = sessions_of(events)
    assert not [event for event in events if isinstance(event, SessionFailed)]
    failed = [event for event in events if isinstance(event, DirectoryFailed)]
    unknown = len(failed)
    for path, true in truth.items():
        if path not in sessions:
            assert any(f"{path}/".startswith(f"{event.path}/") for event in failed), path
            continue
        unknown += holds_for(sessions[path], true)
        entry = cache.entry(true.directory)
        if entry is not None:
            assert isinstance(entry, CacheEntry)
            assert entry.session == sessions[path]
            settles = sessions[path].category in (Category.OK, Category.EMPTY, Category.HAS_INVALID)
            assert not entry.settled or (settles and sessions[path].category == true.category)
    assert not sessions.keys() - truth.keys()
    return unknown


def holds_for(session: Session, true: Session) -> int:
    known = statuses(true)
    for path, status in statuses(session).items():
        assert status in (known.get(path), Status.UNKNOWN), (session.directory.path, path)
    for dataset in session.datasets:
        assert dataset.status != Status.UNKNOWN or dataset.reasons
    lost = known.keys() - statuses(session).keys()
    covered = [path for path, status in statuses(session).items() if status == Status.UNKNOWN]
    for path in lost:
        if known[path] != Status.MISSING_ON_DISK and session.determined:
            assert any(path.startswith(f"{above}/") for above in covered), path
    unknown = session.counts.get(Status.UNKNOWN, 0) + (not session.determined)
    late = {Category.TODO_ONGOING} if Status.IN_PROGRESS in session.counts else set()  # comes before unknown
    assert session.category in {true.category, Category.UNKNOWN, *late}
    assert session.category != Category.UNKNOWN or unknown
    if session.category in (Category.OK, Category.EMPTY, Category.HAS_INVALID):
        assert unknown == 0
    return unknown


# -- the file system -------------------------------------------------------------------------------------------------


def test_no_call_to_the_file_system_that_fails_makes_anything_but_unknown(
    small_facility: SmallFacility, faults: Faults, tmp_path: Path
) -> None:
    errors = itertools.cycle([errno.EIO, errno.EACCES, errno.ESTALE, errno.ELOOP, errno.ETIMEDOUT, errno.EPERM])
    with asked(small_facility) as client:
        truth = sessions_of(events_with(small_facility, client))
        faults.begin(None)
        events_with(small_facility, client)
        calls = list(faults.calls)
        assert {call.name for call in calls} == {"scandir", "readdir", "stat", "lstat", "open"}
        assert len(calls) > 150
        unknown = Counter[str]()
        for number, call in enumerate(calls):
            faults.begin(call, next(errors))
            cache = SessionCache(tmp_path / str(number))
            unknown[call.name] += holds(events_with(small_facility, client, cache=cache), truth, cache) > 0
            assert call in faults.calls
        faults.begin(None)
        assert len(sessions_of(events_with(small_facility, client))) == len(truth)
    made = Counter(call.name for call in calls if "/nowhere1/" not in call.path)  # what lies there does not matter
    for name in ("scandir", "readdir"):
        assert unknown[name] >= made[name], f"a {name} that fails leaves something unknown"
    assert unknown["open"] >= 8
    assert unknown["stat"] >= made["stat"] / 3


@pytest.mark.parametrize("what", ["the root", "the session"])
def test_what_goes_away_between_search_and_listing_is_not_empty(
    small_facility: SmallFacility, tmp_path: Path, what: str
) -> None:
    """A root that is unmounted leaves an empty directory."""
    found = list(found_below(small_facility.root))
    cache = SessionCache(tmp_path / "cache")
    gone = small_facility.root if what == "the root" else small_facility.root / "ok1" / "id99" / "20231019"
    gone.rename(tmp_path / "elsewhere")
    if what == "the root":
        small_facility.root.mkdir()
    with asked(small_facility) as client:
        sessions = scanned(found, client, cache=cache)
    unknown = [session for session in sessions.values() if session.category == Category.UNKNOWN]
    assert len(sessions) == len(EXPECTED)
    assert len(unknown) == (1 if what != "the root" else len(EXPECTED) - 1)  # one is not in ICAT whatever lies there
    assert all(session.reasons and cache.entry(session.directory) is None for session in unknown)


# -- ICAT+ -----------------------------------------------------------------------------------------------------------


Instead = Callable[[list[dict[str, Any]]], HttpReply]


def status(number: int, text: str = "") -> Instead:
    return lambda _: HttpReply(HTTPStatus(number), text or '{"message": "no"}')


def body(text: str) -> Instead:
    return lambda _: HttpReply(HTTPStatus.OK, text)


def rows(change: Callable[[list[dict[str, Any]]], list[Any]]) -> Instead:
    return lambda rows: HttpReply(HTTPStatus.OK, change(rows))


FAULTS: dict[str, Instead] = {
    **{str(number): status(number) for number in (400, 401, 403, 404, 408, 418, 429, 500, 502, 503, 504)},
    "a page of HTML": body("<html>sign in</html>"),
    "nothing": body(""),
    "null": body("null"),
    "an object": body('{"rows": []}'),
    "a number": body("0"),
    "cut off": lambda rows: HttpReply(HTTPStatus.OK, json.dumps(rows)[:-3]),
    "garbage": body("\x00\xff[["),
    "too deep": body("[" * 100_000),
    "without ids": rows(lambda rows: [{**row, "id": None} for row in rows]),
    "without places": rows(lambda rows: [{**row, "location": None, "startDate": "once"} for row in rows]),
    "of null": rows(lambda rows: [None for _ in rows]),
    "the first only": rows(lambda rows: rows[:1]),
}


@contextmanager
def answered(icatplus: FaultyIcatPlus, target: str, instead: Instead) -> Iterator[list[str]]:
    """Let one request be answered otherwise; give the targets that were asked for."""

    def answering(asked_for: str) -> HttpReply:
        reply = icatplus.answer(asked_for)
        return instead(reply.body) if asked_for == target and isinstance(reply.body, list) else reply

    icatplus.asked, icatplus.fault = [], answering
    yield icatplus.asked
    icatplus.fault = no_fault


@pytest.mark.parametrize("fault", FAULTS)
def test_no_answer_of_icat_that_fails_makes_anything_but_unknown(
    small_facility: SmallFacility, tmp_path: Path, fault: str
) -> None:
    with asked(small_facility) as client:
        with answered(small_facility.icatplus, "", FAULTS[fault]) as targets:
            truth = sessions_of(events_with(small_facility, client))
        assert len(targets) == len(set(targets)) == 14
        unknown = 0
        for number, target in enumerate(targets):
            with answered(small_facility.icatplus, target, FAULTS[fault]):
                cache = SessionCache(tmp_path / str(number))
                events = events_with(small_facility, client, cache=cache)
            unknown += holds(events, truth, cache) > 0
            assert SECRET not in repr(events)
        assert unknown >= (0 if fault == "the first only" else 8)
