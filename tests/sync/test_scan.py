"""How a scan goes: in parallel, each question once, one session spoils no other, and it ends when it is told to."""

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from icat_tui.disk import changes, listing, metadata
from icat_tui.domain.errors import ExitCode, exit_code
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Answer, CatalogueDataset, DiskSession, Outcome, Session, SessionDirectory
from icat_tui.domain.scan_events import (
    DirectoryFailed,
    ScanEvent,
    ScanFinished,
    SessionFailed,
    SessionScanned,
    SessionsFound,
)
from icat_tui.domain.status import Category, Status
from icat_tui.report.totals import TODO, Totals
from icat_tui.sync import scan as module
from icat_tui.sync.scan import scan
from tests.support.catalogue_in_memory import OUTAGE, CatalogueInMemory, Question
from tests.support.scanning import events_of, found_below, plan_of, scanned, scanned_one, sessions_of, statuses
from tests.support.sessions_on_disk import add_mx, session_at, several

# -- what comes out --------------------------------------------------------------------------------------------------


def test_every_session_is_found_then_scanned_and_the_end_comes_last(root: Path) -> None:
    catalogue = CatalogueInMemory()
    directories = several(root, catalogue, 40)
    found: set[SessionDirectory] = set()
    events = events_of(plan_of(directories, catalogue))
    for event in events:
        match event:
            case SessionsFound(directories=told):
                assert found.isdisjoint(told)
                found.update(told)
            case SessionScanned(session=session):
                assert session.directory in found
                assert statuses(session) == {"colA/0001": Status.REGISTERED, "colA/0002": Status.UNREGISTERED}
                assert (session.category, session.cached, session.stale) == (Category.TODO, False, False)
    assert found == set(directories)
    assert set(sessions_of(events)) == {directory.path for directory in directories}
    end = events[-1]
    assert isinstance(end, ScanFinished)
    assert not end.cancelled
    assert end.seconds > 0


def test_a_session_is_scanned_while_the_search_goes_on_and_never_before_it_is_told_of(root: Path) -> None:
    catalogue, scanned_before = CatalogueInMemory(), threading.Event()
    first, second = several(root, catalogue, 2)

    def slowly() -> Iterator[SessionDirectory]:
        yield first
        assert scanned_before.wait(10)
        yield second

    happened: list[object] = []
    for event in scan(plan_of(slowly(), catalogue, early=True)):
        if isinstance(event, SessionsFound):
            happened += event.directories
        if isinstance(event, SessionScanned):
            happened.append(event.session.directory.path)
            scanned_before.set()
    assert happened == [first, first.path, second, second.path]


def test_nothing_to_scan_is_a_scan_that_ends(root: Path) -> None:
    (event,) = events_of(plan_of([], CatalogueInMemory()))
    assert event == ScanFinished(cancelled=False, seconds=event.seconds)  # type: ignore[union-attr] # it is the only one


def test_a_walk_over_a_root_is_scanned_and_what_could_not_be_listed_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = CatalogueInMemory()
    directories = several(root, catalogue, 3)
    failed = DirectoryFailed(f"{root}/hg9", "Permission denied")
    walk = [*found_below(root, RawFormat.MX), failed]
    events = events_of(plan_of(walk, catalogue))
    assert failed in events
    assert len(sessions_of(events)) == len(directories)


@pytest.mark.parametrize(
    ("told", "category", "determined"),
    [
        (Answer(Outcome.EMPTY), Category.NOT_IN_ICAT, True),
        (OUTAGE, Category.UNKNOWN, False),
        (Answer(Outcome.UNAUTHORISED, reason="ICAT+ refuses the API key"), Category.UNKNOWN, False),
        (Answer(Outcome.MALFORMED, reason="garbage"), Category.UNKNOWN, False),
        (Answer(Outcome.OK), Category.UNKNOWN, False),
        (Answer(Outcome.OK, unreadable=("id 5",)), Category.UNKNOWN, False),
    ],
)
def test_only_a_complete_empty_answer_means_that_icat_does_not_know_the_proposal(
    root: Path, told: Answer[Any], category: Category, determined: bool
) -> None:
    directory = session_at(root, raw_format=RawFormat.MX)
    add_mx(directory, "0001")
    catalogue = CatalogueInMemory()
    catalogue.told["id99", "hg333"] = told
    session = scanned_one(directory, catalogue)
    assert (session.category, session.determined) == (category, determined)
    assert {dataset.status for dataset in session.datasets} <= {Status.UNKNOWN}


def test_a_raw_directory_that_is_not_there_is_an_empty_session(root: Path) -> None:
    directory = session_at(root)
    Path(directory.raw_path).rmdir()
    catalogue = CatalogueInMemory()
    catalogue.tell(directory)
    session = scanned_one(directory, catalogue)
    assert (session.category, session.reasons) == (Category.EMPTY, ("no RAW_DATA directory",))


# -- in parallel -----------------------------------------------------------------------------------------------------


def test_sessions_wait_for_icat_at_the_same_time(root: Path) -> None:
    together = threading.Barrier(4, timeout=10)
    catalogue = CatalogueInMemory(meanwhile=lambda question: isinstance(question, tuple) and together.wait())
    directories = several(root, catalogue, 8)
    assert len(scanned(directories, catalogue, jobs=4)) == 8


def test_the_disk_is_looked_at_while_icat_is_asked(root: Path) -> None:
    """The first session gets its answer when the second was listed."""
    listed = threading.Event()

    def meanwhile(question: Question) -> None:
        if question == ("id99", "hg0"):
            assert listed.wait(10)
        elif question == ("id99", "hg1"):
            listed.set()  # what was listed first

    catalogue = CatalogueInMemory(meanwhile)
    assert len(scanned(several(root, catalogue, 2), catalogue, jobs=1)) == 2


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_sessions_than_jobs_are_listed_at_once(root: Path, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    together, lock, at_disk, most = threading.Barrier(jobs, timeout=10), threading.Lock(), set[object](), 0
    list_session = listing.list_session

    def counted(directory: SessionDirectory, *arguments: Any, **options: Any) -> DiskSession:
        nonlocal most
        with lock:
            at_disk.add(directory)
            most = max(most, len(at_disk))
        together.wait()
        listed = list_session(directory, *arguments, **options)
        with lock:
            at_disk.remove(directory)
        return listed

    monkeypatch.setattr(listing, "list_session", counted)
    catalogue = CatalogueInMemory()
    assert len(scanned(several(root, catalogue, 12), catalogue, jobs=jobs)) == 12
    assert most == jobs


def test_every_question_is_asked_once_in_a_run(root: Path) -> None:
    catalogue = CatalogueInMemory()
    directories = [
        session_at(root, proposal, f"202310{day}", RawFormat.MX)
        for proposal in ("hg333", "hg334")
        for day in range(19, 24)
    ]
    for directory in directories:
        number = int(directory.proposal[2:])
        (path, _) = add_mx(directory, "0001", "0002")
        catalogue.tell(directory, path, investigation=number)
        catalogue.tell(directory, investigation=number + 100)
    assert len(scanned(directories, catalogue)) == 10
    assert sorted(map(str, catalogue.asked)) == sorted(
        ["('id99', 'hg333')", "('id99', 'hg334')", "333", "334", "433", "434"]
    )


def test_a_question_is_asked_once_however_slowly_the_sessions_of_a_proposal_are_found(root: Path) -> None:
    catalogue = CatalogueInMemory()
    directories = [session_at(root, date=f"2023102{day}", raw_format=RawFormat.MX) for day in range(3)]
    catalogue.tell(directories[0])
    done = [threading.Event() for _ in directories]

    def slowly() -> Iterator[SessionDirectory]:
        for directory, event in zip(directories, done, strict=True):
            yield directory
            assert event.wait(10)

    for event in scan(plan_of(slowly(), catalogue, early=True)):
        if isinstance(event, SessionScanned):
            done[directories.index(event.session.directory)].set()
    assert catalogue.asked.count(("id99", "hg333")) == 1
    assert catalogue.asked.count(7) == 1


def test_what_the_sessions_own_investigation_does_not_list_is_looked_for_in_the_others(root: Path) -> None:
    catalogue = CatalogueInMemory()
    directory = session_at(root, raw_format=RawFormat.MX)
    (path,) = add_mx(directory, "0001")
    for investigation in (1, 2, 3):  # all for the same days: the last one is the session's
        catalogue.tell(directory, investigation=investigation)
    catalogue.tell(directory, path, investigation=2)
    session = scanned_one(directory, catalogue)
    assert [dataset.reasons for dataset in session.datasets] == [("in investigation 2, not 3",)]
    assert sorted(catalogue.asked[1:]) == [1, 2, 3]


def test_what_the_sessions_own_investigation_lists_needs_no_other(root: Path) -> None:
    catalogue = CatalogueInMemory()
    directory = session_at(root, raw_format=RawFormat.MX)
    catalogue.tell(directory, investigation=1)
    catalogue.tell(directory, *add_mx(directory, "0001"), investigation=2)
    assert scanned_one(directory, catalogue).category == Category.OK
    assert catalogue.asked == [("id99", "hg333"), 2]


def test_another_investigation_that_can_not_be_looked_into_leaves_open_what_is_not_listed(root: Path) -> None:
    catalogue = CatalogueInMemory()
    directory = session_at(root, raw_format=RawFormat.MX)
    listed, _ = add_mx(directory, "0001", "0002")
    catalogue.tell(directory, investigation=1)
    catalogue.tell(directory, listed, investigation=2)
    catalogue.told[1] = OUTAGE
    session = scanned_one(directory, catalogue)
    assert statuses(session) == {"colA/0001": Status.REGISTERED, "colA/0002": Status.UNKNOWN}
    assert OUTAGE.reason in session.datasets[1].reasons[0]


@pytest.mark.parametrize("where", [("id99", "hg333"), 1, 2])
def test_an_entry_that_can_not_be_read_leaves_open_what_is_not_listed(root: Path, where: Question) -> None:
    catalogue = CatalogueInMemory()
    directory = session_at(root, raw_format=RawFormat.MX)
    listed, _ = add_mx(directory, "0001", "0002")
    catalogue.tell(directory, investigation=1)
    catalogue.tell(directory, listed, investigation=2)
    catalogue.told[where] = structs.replace(catalogue.told[where], outcome=Outcome.OK, unreadable=("id 5",))
    session = scanned_one(directory, catalogue)
    assert statuses(session) == {"colA/0001": Status.REGISTERED, "colA/0002": Status.UNKNOWN}
    assert "could not be read (id 5)" in session.datasets[1].reasons[0]


# -- one session spoils no other -------------------------------------------------------------------------------------


def break_catalogue(_: pytest.MonkeyPatch, catalogue: CatalogueInMemory, broken: SessionDirectory) -> None:
    def meanwhile(question: Question) -> None:
        if question == (broken.beamline, broken.proposal):
            raise ZeroDivisionError("of the catalogue")

    catalogue.meanwhile = meanwhile


def break_listing(monkeypatch: pytest.MonkeyPatch, _: CatalogueInMemory, broken: SessionDirectory) -> None:
    breaks(monkeypatch, listing, "list_session", broken)


def break_looking(monkeypatch: pytest.MonkeyPatch, _: CatalogueInMemory, broken: SessionDirectory) -> None:
    breaks(monkeypatch, changes, "examine_datasets", broken)


def break_reading(monkeypatch: pytest.MonkeyPatch, _: CatalogueInMemory, broken: SessionDirectory) -> None:
    breaks(monkeypatch, metadata, "read_datasets", broken)


def break_comparing(monkeypatch: pytest.MonkeyPatch, _: CatalogueInMemory, broken: SessionDirectory) -> None:
    breaks(monkeypatch, module, "compare", broken)


def breaks(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, broken: SessionDirectory) -> None:
    call = getattr(place, name)

    def breaking(directory: SessionDirectory, *arguments: Any, **options: Any) -> Any:
        if directory == broken:
            raise ZeroDivisionError(f"of {name}")
        return call(directory, *arguments, **options)

    monkeypatch.setattr(place, name, breaking)


@pytest.mark.parametrize("fault", [break_catalogue, break_listing, break_looking, break_reading, break_comparing])
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("jobs", [1, 8])
def test_an_exception_in_one_session_fails_that_one_and_no_other(
    root: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., None], place: int, jobs: int
) -> None:
    catalogue = CatalogueInMemory()
    directories = several(root, catalogue, 4)
    before = scanned(directories, catalogue)
    fault(monkeypatch, catalogue, directories[place])
    events = events_of(plan_of(directories, catalogue, jobs=jobs))
    after = sessions_of(events)
    (failed,) = (event for event in events if isinstance(event, SessionFailed))
    assert failed.directory == directories[place]
    assert "a mistake of ours" in failed.reason
    assert "Traceback" in failed.details
    del before[directories[place].path]
    assert {path: statuses(session) for path, session in after.items()} == {
        path: statuses(session) for path, session in before.items()
    }
    assert code_of(events) == ExitCode.PARTIAL


def code_of(events: list[ScanEvent]) -> ExitCode:
    totals = Totals()
    for event in events:
        totals.add(event)
    return exit_code(totals.exit_codes(TODO))


def test_where_all_sessions_fail_nothing_could_be_done(root: Path) -> None:
    catalogue = CatalogueInMemory()
    directories = several(root, catalogue, 2)
    catalogue.told = dict.fromkeys(catalogue.told, OUTAGE)
    assert code_of(events_of(plan_of(directories, catalogue))) == ExitCode.NOTHING


@pytest.mark.parametrize("place", range(4))
def test_a_search_that_breaks_off_is_told_and_what_was_found_is_scanned(root: Path, place: int) -> None:
    catalogue = CatalogueInMemory()
    directories = several(root, catalogue, 3)

    def broken() -> Iterator[SessionDirectory]:
        yield from directories[:place]
        raise ZeroDivisionError("of the search")

    events = events_of(plan_of(broken(), catalogue))
    assert set(sessions_of(events)) == {directory.path for directory in directories[:place]}
    (failed,) = (event for event in events if isinstance(event, DirectoryFailed))
    assert failed.path == (directories[place - 1].path if place else "")
    assert "of the search" in failed.reason
    assert code_of(events) == (ExitCode.PARTIAL if place else ExitCode.NOTHING)


# -- a person's word -------------------------------------------------------------------------------------------------


def test_a_person_says_which_investigation_it_is(root: Path) -> None:
    directory = session_at(root, raw_format=RawFormat.MX)
    (path,) = add_mx(directory, "0001")
    catalogue = CatalogueInMemory()
    catalogue.tell(directory, investigation=7)
    catalogue.tell(directory, path, investigation=8)
    sessions = [scanned_one(directory, catalogue, investigation=number) for number in (7, 8)]
    assert [session.fit and session.fit.id for session in sessions] == [7, 8]
    assert [session.datasets[0].reasons for session in sessions] == [("in investigation 8, not 7",), ()]


def test_an_investigation_that_icat_does_not_have_leaves_everything_open(root: Path) -> None:
    directory = session_at(root, raw_format=RawFormat.MX)
    add_mx(directory, "0001")
    catalogue = CatalogueInMemory()
    for told in ("nothing", "another one"):
        session = scanned_one(directory, catalogue, investigation=9)
        assert (session.category, statuses(session)) == (Category.UNKNOWN, {"colA/0001": Status.UNKNOWN}), told
        catalogue.tell(directory, investigation=7)


# -- memory ----------------------------------------------------------------------------------------------------------


def alive(kind: type) -> int:
    return sum(type(each) is kind for each in gc.get_objects())


class Afresh(CatalogueInMemory):
    """A catalogue that keeps nothing of what it answers."""

    def datasets(self, investigation: int) -> Answer[CatalogueDataset]:
        place = f"/data/visitor/hg{investigation}/id99/20231019/RAW_DATA/colA"
        rows = tuple(CatalogueDataset(number, f"{place}/{number}", investigation) for number in range(50))
        return Answer(Outcome.OK, rows)


def test_neither_sessions_nor_answers_are_kept(root: Path) -> None:
    catalogue = Afresh()
    directories = [session_at(root, f"hg{number}", raw_format=RawFormat.MX) for number in range(1, 31)]
    for number, directory in enumerate(directories, 1):
        catalogue.tell(directory, investigation=number)
    before = alive(Session), alive(CatalogueDataset)
    most_rows, done = 0, [threading.Event() for _ in directories]

    def one_by_one() -> Iterator[SessionDirectory]:
        for place, directory in enumerate(directories):
            if place > 1:
                assert done[place - 2].wait(10)
            yield directory

    events = scan(plan_of(one_by_one(), catalogue, jobs=1))
    for event in events:
        if isinstance(event, SessionScanned):
            assert event.session.counts == {Status.MISSING_ON_DISK: 50}
            most_rows = max(most_rows, alive(CatalogueDataset) - before[1])
            done[directories.index(event.session.directory)].set()
            del event
    assert most_rows <= 4 * 50
    assert (alive(Session), alive(CatalogueDataset)) == before
