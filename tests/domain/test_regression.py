"""Tests of datasets that ICAT listed before and does not list now: known from the cache, judged, doubted as a run."""

from datetime import timedelta

import pytest
from msgspec import structs

from icat_tui.domain.model import NO_HISTORY, Dataset, LastListed, MessageHistory, SentMessage, Session
from icat_tui.domain.regression import FEW, doubt, listed_before, reason_of, regressed
from icat_tui.domain.status import Category, Status
from tests.support.comparison import (
    COLLECTION,
    GAP,
    catalogue_of,
    disk_of,
    invalid,
    judged,
    message,
    on_disk,
    only,
    read,
    row,
)
from tests.support.samples import NOW, a_session
from tests.support.time_slot import FACILITY

BEFORE = NOW - timedelta(days=3)
SEEN = LastListed(5, BEFORE)
KEY = f"{COLLECTION}/colA_0001"
GONE = "ICAT listed it as id 5 on 2026-01-28, and does not now"


class Sent:
    """A journal with one message about every dataset."""

    def __init__(self, days: float) -> None:
        self.message = SentMessage(BEFORE + timedelta(days=days), "sent then")

    def registration(self, path: str, location: str) -> MessageHistory:
        return MessageHistory(pending=self.message)

    def files(self, icat_id: int, path: str, location: str) -> MessageHistory:
        return NO_HISTORY


def known(status: Status, **changes: object) -> Session:
    session = a_session(Category.OK, ("0001", status))
    return structs.replace(session, datasets=(structs.replace(session.datasets[0], **changes),))


# -- what was known --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_whatever_has_an_id_in_icat_was_listed_when_icat_was_asked(status: Status) -> None:
    session = known(status, icat_id=3)
    assert listed_before(session, FACILITY) == {session.datasets[0].path: LastListed(3, session.seen_at)}
    assert listed_before(known(status, icat_id=None), FACILITY) == {}


def test_an_older_sight_is_passed_on_as_it_was() -> None:
    session = known(Status.UNKNOWN, icat_id=None, last_listed=SEEN)
    assert list(listed_before(session, FACILITY).values()) == [SEEN]
    assert listed_before(None, FACILITY) == {}


def test_datasets_are_known_by_their_location() -> None:
    path = f"/mnt{KEY.replace('id99', 'ID99')}"
    assert list(listed_before(known(Status.MISSING_ON_DISK, path=path), FACILITY)) == [KEY]


# -- what it means ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", [read(), invalid(), read(open_scan=True), on_disk()])
def test_what_icat_listed_and_does_not_now_is_unknown(dataset: object) -> None:
    disk = disk_of(dataset, stored=(message(),))  # type: ignore[arg-type] # any of them
    session = judged(disk, catalogue_of(earlier={KEY: SEEN}))
    found = only(session)
    assert (found.status, found.reasons) == (Status.UNKNOWN, (GONE,))
    assert found.last_listed == structs.replace(SEEN, gone=True)
    assert (session.category, regressed(session)) == (Category.UNKNOWN, 1)


def test_what_icat_lists_still_or_never_listed_is_judged_as_ever() -> None:
    earlier = {KEY: SEEN}
    session = judged(disk_of(read("0001"), read("0002")), catalogue_of(row("0001"), earlier=earlier))
    assert [found.status for found in session.datasets] == [Status.REGISTERED, Status.UNREGISTERED]
    assert [found.last_listed for found in session.datasets] == [None, None]
    assert regressed(session) == 0


def test_an_answer_with_a_gap_is_no_regression_and_the_sight_is_kept() -> None:
    found = only(judged(disk_of(read()), catalogue_of(earlier={KEY: structs.replace(SEEN, gone=True)}, gaps=(GAP,))))
    assert (found.reasons, found.last_listed) == ((GAP,), SEEN)


def test_what_was_sent_since_is_pending_and_what_was_sent_before_is_not() -> None:
    for days, status in ((1, Status.PENDING), (-1, Status.UNKNOWN), (0, Status.UNKNOWN)):
        session = judged(disk_of(read()), catalogue_of(earlier={KEY: SEEN}), BEFORE + timedelta(days=1), Sent(days))
        assert only(session).status == status


def test_an_investigation_that_is_gone_leaves_what_it_listed_unknown() -> None:
    session = judged(disk_of(read("0001"), read("0002")), catalogue_of(fit=None, earlier={KEY: SEEN}))
    assert session.category == Category.NOT_IN_ICAT
    assert [(found.path, found.reasons) for found in session.datasets] == [(KEY, (GONE,))]
    assert regressed(session) == 1


def test_the_reason_has_the_day_of_the_facility_and_the_id_where_it_is_known() -> None:
    late = LastListed(None, NOW.replace(hour=23, minute=30) + timedelta(hours=0))
    assert reason_of(late, FACILITY.zone) == "ICAT listed it on 2026-01-31, and does not now"
    assert reason_of(structs.replace(late, at=late.at + timedelta(minutes=30)), FACILITY.zone).startswith(
        "ICAT listed it on 2026-02-01"
    )


def test_only_what_is_gone_counts_as_regressed() -> None:
    def dataset(gone: bool | None) -> Dataset:
        listed = None if gone is None else structs.replace(SEEN, gone=gone)
        return structs.replace(a_session(Category.OK, ("1", Status.UNKNOWN)).datasets[0], last_listed=listed)

    session = structs.replace(a_session(Category.OK), datasets=tuple(map(dataset, (None, False, True, True))))
    assert regressed(session) == 2


# -- a run -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gone", "compared", "doubted"),
    [
        (FEW, FEW, False),
        (FEW + 1, FEW + 1, True),
        (51, 254, True),
        (51, 255, False),
        (200, 1000, False),
        (201, 1000, True),
        (0, 0, False),
    ],
)
def test_icat_is_doubted_above_fifty_datasets_and_a_fifth(gone: int, compared: int, doubted: bool) -> None:
    assert bool(doubt(gone, compared)) is doubted


def test_the_doubt_says_how_many_and_what_follows() -> None:
    assert doubt(1000, 1500) == (
        "ICAT does not list 1,000 datasets any more, out of 1,500: this may not be the right ICAT+. "
        "Nothing that it says now is kept, and nothing is sent"
    )
