"""Tests of a whole session: interface.md, "Category of a session", and outages of disk and catalogue."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from icat_tui.domain.model import (
    CatalogueDataset,
    DiskDataset,
    DiskSession,
    Fit,
    Investigation,
    Session,
    Trouble,
    TroubleKind,
)
from icat_tui.domain.status import Category, Status
from tests.support.comparison import (
    DAY,
    DURING,
    FIT,
    GAP,
    HOUR,
    INVALID,
    OPEN_ENDED,
    RAW,
    REFUSED,
    catalogue_of,
    disk_of,
    invalid,
    judged,
    message,
    nanoseconds,
    on_disk,
    read,
    row,
    statuses,
)
from tests.support.samples import NOW
from tests.support.time_slot import END, START

# -- category --------------------------------------------------------------------------------------------------------

SAMPLES: dict[Status, tuple[DiskDataset, dict[str, Any]]] = {
    Status.UNREGISTERED: (read("unregistered"), {}),
    Status.NOT_UPLOADED: (on_disk("not_uploaded"), {"stored": (message("not_uploaded"),)}),
    Status.REGISTERED_WITHOUT_FILES: (on_disk("registered_without_files", entries=True), {"file_count": 0}),
    Status.IN_PROGRESS: (read("in_progress", modified=nanoseconds(NOW)), {}),
    Status.UNKNOWN: (read("unknown", metadata=None, trouble=REFUSED), {}),
    Status.INVALID: (invalid("invalid"), {}),
    Status.REGISTERED: (on_disk("registered"), {"file_count": 1}),
}
"""A dataset of each status that a scan finds on disk, in the order in which they decide."""
CATEGORIES = {
    Status.UNREGISTERED: Category.TODO,
    Status.NOT_UPLOADED: Category.TODO,
    Status.REGISTERED_WITHOUT_FILES: Category.TODO,
    Status.UNKNOWN: Category.UNKNOWN,
    Status.INVALID: Category.HAS_INVALID,
    Status.REGISTERED: Category.OK,
    Status.IN_PROGRESS: Category.TODO_ONGOING,
}


def session_with(found: Iterable[Status], fit: Fit = FIT, now: datetime = NOW, **known: Any) -> Session:
    datasets, stored, rows = [], [], [row("gone", number=99)] if Status.MISSING_ON_DISK in found else []
    for number, status in enumerate(status for status in SAMPLES if status in found):
        dataset, more = SAMPLES[status]
        datasets.append(dataset)
        stored += more.get("stored", ())
        if "file_count" in more:
            rows.append(row(status.value, number, file_count=more["file_count"]))
    return judged(disk_of(*datasets, stored=tuple(stored), **known), catalogue_of(*rows, fit=fit), now)


@pytest.mark.parametrize("status", SAMPLES)
def test_a_single_dataset_decides_the_category(status: Status) -> None:
    session = session_with([status])
    assert session.counts == {status: 1}
    assert session.category == CATEGORIES[status]


@pytest.mark.parametrize("pair", list(pairwise(SAMPLES)))
def test_the_category_is_the_first_that_holds(pair: tuple[Status, Status]) -> None:
    assert session_with(pair).category == CATEGORIES[pair[0]]


@given(st.sets(st.sampled_from([*SAMPLES, Status.MISSING_ON_DISK])))
def test_the_category_follows_from_the_statuses_in_their_order(found: set[Status]) -> None:
    session = session_with(found)
    assert set(session.counts) == found
    assert session.category == next((CATEGORIES[each] for each in SAMPLES if each in found), Category.EMPTY)


@pytest.mark.parametrize(
    ("fit", "now", "category"),
    [
        (FIT, START - 2 * DAY - HOUR, Category.TODO),
        (FIT, START - 2 * DAY, Category.TODO_ONGOING),
        (FIT, END + 2 * DAY - HOUR, Category.TODO_ONGOING),
        (FIT, END + 2 * DAY, Category.TODO),
        (OPEN_ENDED, NOW, Category.TODO_ONGOING),
        (OPEN_ENDED, START - 3 * DAY, Category.TODO),
    ],
)
def test_what_is_to_be_done_waits_for_the_end_of_the_session(fit: Fit, now: datetime, category: Category) -> None:
    assert session_with([Status.NOT_UPLOADED], fit, now).category == category


def test_a_session_without_a_raw_directory_is_empty_and_says_so() -> None:
    session = session_with([], trouble=Trouble(TroubleKind.INVALID, "no RAW_DATA directory"), listed=())
    assert (session.category, session.reasons, session.determined) == (
        Category.EMPTY,
        ("no RAW_DATA directory",),
        True,
    )


def test_a_session_knows_its_candidates_and_when_icat_was_asked() -> None:
    candidates = (Investigation(7, "HG-333", START, END), Investigation(8, "HG-333"))
    session = judged(disk_of(), catalogue_of(investigations=candidates))
    assert (session.candidates, session.fit, session.seen_at) == (candidates, FIT, NOW)


# -- outages ---------------------------------------------------------------------------------------------------------


def test_a_gap_in_the_answer_leaves_open_what_is_not_listed_and_nothing_else() -> None:
    disk = disk_of(
        on_disk("0001"), on_disk("0002", entries=True), read("0003"), on_disk("0004"), invalid("0005"),
        stored=(message("0004"),),
    )  # fmt: skip
    session = judged(disk, catalogue_of(row("0001"), row("0002", number=2, file_count=0), gaps=(GAP,)))
    assert list(statuses(session).values()) == [
        Status.REGISTERED,
        Status.REGISTERED_WITHOUT_FILES,
        Status.UNKNOWN,
        Status.UNKNOWN,
        Status.UNKNOWN,
    ]
    assert [dataset.reasons for dataset in session.datasets[2:]] == [(GAP,)] * 3
    assert session.reasons == (GAP,)
    assert session.determined


def test_without_an_answer_everything_is_unknown() -> None:
    disk = disk_of(read("0001"), invalid("0002"), on_disk("0003"), stored=(message("0003"),))
    session = judged(disk, catalogue_of(row("0009"), fit=None, trouble="ICAT+ does not answer"))
    assert {dataset.status for dataset in session.datasets} == {Status.UNKNOWN}
    assert {dataset.reasons for dataset in session.datasets} == {("ICAT+ does not answer",)}
    assert len(session.datasets) == 3
    assert (session.category, session.determined) == (Category.UNKNOWN, False)
    assert session.reasons == ("ICAT+ does not answer",)


def test_a_collection_that_can_not_be_listed_is_unknown_itself() -> None:
    session = judged(disk_of(on_disk(), unlisted={f"{RAW}/colB": REFUSED}), catalogue_of(row()))
    assert statuses(session) == {"colA/colA_0001": Status.REGISTERED, "colB": Status.UNKNOWN}
    assert session.datasets[1].reasons == (REFUSED.text,)
    assert (session.category, session.determined) == (Category.UNKNOWN, True)


def test_a_raw_directory_that_can_not_be_listed_is_neither_empty_nor_missing() -> None:
    session = judged(disk_of(listed=(), trouble=REFUSED), catalogue_of(row()))
    assert (session.category, session.determined, session.datasets) == (Category.UNKNOWN, False, ())
    assert session.reasons == (REFUSED.text,)


def test_nothing_is_looked_at_in_a_session_that_icat_does_not_know() -> None:
    disk = disk_of(on_disk(), stored=(message(),), unlisted={f"{RAW}/colB": REFUSED})
    session = judged(disk, catalogue_of(fit=None))
    assert (session.category, session.datasets, session.fit) == (Category.NOT_IN_ICAT, (), None)


# -- an outage is never "missing" ------------------------------------------------------------------------------------


@st.composite
def sessions(draw: st.DrawFn) -> tuple[DiskSession, list[CatalogueDataset], datetime]:
    """Return a session of any datasets in two collections, its rows in ICAT, and the time of the comparison."""
    now = draw(st.sampled_from([NOW, DURING]))
    datasets, stored, rows = [], [], []
    for number in range(draw(st.integers(1, 6))):
        collection = draw(st.sampled_from(["colA", "colB"]))
        name, location = str(number), f"{RAW}/{collection}/{collection}_{number}"
        kind = draw(st.sampled_from(["read", "invalid", "listed", "empty", "stored", "gone", "open"]))
        modified = nanoseconds(now - draw(st.sampled_from([timedelta(minutes=5), 5 * HOUR, 9 * HOUR])))
        if kind in ("listed", "empty", "gone"):
            rows.append(row(name, number, location, file_count=0 if kind == "empty" else 1))
        if kind == "stored":
            stored.append(message(name, file=f"{collection}_{number}", location=location))
        if kind != "gone":
            known = {"metadata": None, "trouble": INVALID} if kind == "invalid" else {"open_scan": kind == "open"}
            datasets.append(
                read(name, collection, modified=modified, **known)
                if kind in ("read", "invalid", "open")
                else on_disk(name, collection, modified=modified, entries=True if kind == "empty" else None)
            )
    return disk_of(*datasets, listed=(RAW, f"{RAW}/colA", f"{RAW}/colB"), stored=tuple(stored)), rows, now


def with_outage(
    draw: Callable[[st.SearchStrategy[Any]], Any], disk: DiskSession, rows: list[CatalogueDataset]
) -> tuple[DiskSession, Any]:
    """Return the same disk and catalogue with one value that could not be determined."""
    match draw(st.sampled_from(["answer", "gap", "raw directory", "collection", "dataset", "count", "message"])):
        case "answer":
            return disk, catalogue_of(fit=draw(st.sampled_from([FIT, None])), trouble="ICAT+ does not answer")
        case "gap":
            return disk, catalogue_of(
                *draw(st.lists(st.sampled_from(rows), unique=True) if rows else st.just([])), gaps=(GAP,)
            )
        case "raw directory":
            return DiskSession(listed_at=0, first_seen=0, trouble=REFUSED), catalogue_of(*rows)
        case "collection":
            lost = f"{RAW}/{draw(st.sampled_from(['colA', 'colB']))}"
            left = tuple(each for each in disk.datasets if not each.path.startswith(f"{lost}/"))
            listed = tuple(path for path in disk.listed if path != lost)
            return structs.replace(disk, datasets=left, listed=listed, unlisted={lost: REFUSED}), catalogue_of(*rows)
        case "message":
            lost = draw(st.sampled_from(["", *(f"/{each.path.rpartition('/')[2]}.xml" for each in disk.datasets)]))
            stored = tuple(each for each in disk.stored if lost and not each.path.endswith(lost))
            unlisted = {f"{RAW}/__icat__{lost}": REFUSED}
            return structs.replace(disk, stored=stored, unlisted=unlisted), catalogue_of(*rows)
        case fault:
            # `stat` or reading was refused: the dataset is there, and nothing else is known of it.
            place = draw(st.integers(0, max(len(disk.datasets) - 1, 0)))
            datasets = list(disk.datasets)
            for each in datasets[place : place + 1]:
                if fault == "count" or not each.read:
                    lost_one = structs.replace(each, entries=None, modified=None, trouble=REFUSED)
                else:
                    lost_one = structs.replace(each, metadata=None, modified=None, trouble=REFUSED)
                datasets[place] = lost_one
            return structs.replace(disk, datasets=tuple(datasets)), catalogue_of(*rows)


@given(st.data())
def test_an_outage_only_ever_makes_unknown(data: st.DataObject) -> None:
    disk, rows, now = data.draw(sessions())
    before = judged(disk, catalogue_of(*rows), now)
    disk_now, catalogue_now = with_outage(data.draw, disk, rows)
    after = judged(disk_now, catalogue_now, now)
    known = {dataset.path: dataset.status for dataset in before.datasets}
    for dataset in after.datasets:
        assert dataset.status in (known.get(dataset.path), Status.UNKNOWN)
    late = {Category.TODO_ONGOING} if Status.IN_PROGRESS in after.counts else set()  # what was to do, is not known
    assert after.category in {before.category, Category.UNKNOWN, *late}
    lost = known.keys() - {dataset.path for dataset in after.datasets}
    if any(known[path] != Status.MISSING_ON_DISK for path in lost):  # a dataset that is left out is covered by a reason
        assert disk_now.unlisted or not after.determined


@given(sessions(), st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_everything_on_disk_has_exactly_one_status(
    made: tuple[DiskSession, list[CatalogueDataset], datetime], now: datetime
) -> None:
    disk, rows, _ = made
    session = judged(disk, catalogue_of(*rows), now)
    on_it = [dataset.path for dataset in session.datasets if dataset.status != Status.MISSING_ON_DISK]
    assert on_it == sorted(dataset.path for dataset in disk.datasets)
