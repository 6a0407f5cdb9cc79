"""What waits until a scan ends: sessions that another list may concern, and verdicts that may be doubted."""

from pathlib import Path

import pytest
from msgspec import structs

from icat_tui.cache.foreign_rows import ForeignRows
from icat_tui.cache.session_cache import CachedSession, SessionCache
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import LastListed, Session, SessionDirectory
from icat_tui.domain.scan_events import CatalogueDoubted, ScanEvent, SessionCorrected, SessionScanned
from icat_tui.domain.status import Category, Status
from icat_tui.domain.surroundings import Surroundings
from icat_tui.sync.held_sessions import ComparedSession, HeldSessions
from tests.support.catalogue_in_memory import NOTHING, CatalogueInMemory
from tests.support.comparison import SESSION, catalogue_of, disk_of, judged, read, row
from tests.support.scanning import NOW, events_of, plan_of, sessions_of, statuses
from tests.support.sessions_on_disk import add_mx, session_at
from tests.support.time_slot import FACILITY

AROUND = Surroundings(facility=FACILITY, now=NOW)


def scan_events(
    catalogue: CatalogueInMemory, *directories: SessionDirectory, cache: SessionCache | None = None, early: bool = False
) -> list[ScanEvent]:
    return events_of(plan_of(directories, catalogue, cache=cache, early=early, jobs=1))


def doubts(events: list[ScanEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, CatalogueDoubted)]


# -- other proposals -------------------------------------------------------------------------------------------------


def two_proposals(root: Path, catalogue: CatalogueInMemory) -> tuple[SessionDirectory, SessionDirectory]:
    """Make sessions of hg1000 and of blc1002, which has a dataset of hg1000 in its investigation."""
    lacking, other = (session_at(root, name, raw_format=RawFormat.MX) for name in ("hg1000", "blc1002"))
    paths = add_mx(lacking, "0001", "0002", "0003")
    catalogue.tell(lacking, paths[0], investigation=1)
    catalogue.tell(other, *add_mx(other, "0001"), paths[1], investigation=2)
    return lacking, other


FOREIGN = "ICAT has it under blc1002 on id99 (id 2001, investigation 2)"


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_what_icat_has_under_another_proposal_is_registered_in_whatever_order(
    early: bool, swapped: bool, root: Path, catalogue: CatalogueInMemory
) -> None:
    lacking, other = two_proposals(root, catalogue)
    events = scan_events(catalogue, *((other, lacking) if swapped else (lacking, other)), early=early)
    last: dict[str, Session] = {}
    for event in events:
        if isinstance(event, SessionScanned | SessionCorrected):
            last[event.session.directory.path] = event.session
    assert statuses(last[lacking.path]) == {
        "colA/0001": Status.REGISTERED,
        "colA/0002": Status.REGISTERED,
        "colA/0003": Status.UNREGISTERED,
    }
    assert last[lacking.path].datasets[1].reasons == (FOREIGN,)
    assert sum(isinstance(event, SessionScanned) for event in events) == 2
    assert any(isinstance(event, SessionCorrected) for event in events) <= early


def test_a_later_run_knows_it_from_the_cache_and_only_there(
    root: Path, catalogue: CatalogueInMemory, tmp_path: Path
) -> None:
    lacking, other = two_proposals(root, catalogue)

    def scanned_alone(kept: Path | None) -> Status:
        plan = plan_of([lacking], catalogue, jobs=1)
        around = structs.replace(plan.around, foreign=ForeignRows(FACILITY, kept))
        session = sessions_of(events_of(structs.replace(plan, around=around)))[lacking.path]
        return session.datasets[1].status

    kept = tmp_path / "cache"
    plan = plan_of([other], catalogue, cache=SessionCache(kept))
    events_of(structs.replace(plan, around=structs.replace(plan.around, foreign=ForeignRows(FACILITY, kept))))
    assert scanned_alone(kept) == Status.REGISTERED
    assert scanned_alone(None) == Status.UNREGISTERED


# -- doubt -----------------------------------------------------------------------------------------------------------


def forgotten(root: Path, catalogue: CatalogueInMemory, cache: SessionCache, *numbers: int) -> list[SessionDirectory]:
    """Make sessions of so many datasets, have them scanned as registered, and have ICAT forget all but the last."""
    directories = [session_at(root, f"hg{place}", raw_format=RawFormat.MX) for place, _ in enumerate(numbers)]
    for place, (directory, number) in enumerate(zip(directories, numbers, strict=True)):
        catalogue.tell(directory, *add_mx(directory, *map(str, range(number))), investigation=place)
    scan_events(catalogue, *directories, cache=cache)
    for place in range(len(numbers) - 1):
        catalogue.told[place] = NOTHING
    return directories


def contents(cache: SessionCache) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in cache.directory.rglob("*.json")}


def test_above_fifty_and_a_fifth_nothing_is_saved_and_it_is_said(
    root: Path, catalogue: CatalogueInMemory, cache: SessionCache
) -> None:
    directories = forgotten(root, catalogue, cache, 51, 3)
    before = contents(cache)
    new = session_at(root, "ma9", raw_format=RawFormat.MX)
    catalogue.tell(new, *add_mx(new, "0001"), investigation=99)
    plan = plan_of([*directories, new], catalogue, cache=cache, use_cache=False)
    events = events_of(plan)
    (doubt,) = doubts(events)
    assert doubt.startswith("ICAT does not list 51 datasets any more, out of 55")
    assert contents(cache) == before
    gone = sessions_of(events)[directories[0].path]
    assert (gone.category, set(statuses(gone).values())) == (Category.UNKNOWN, {Status.UNKNOWN})
    assert isinstance(cache.cached_session(new), CachedSession) is False


def test_below_that_it_is_saved_with_when_it_was_listed(
    root: Path, catalogue: CatalogueInMemory, cache: SessionCache
) -> None:
    directories = forgotten(root, catalogue, cache, 50, 3)
    for _ in range(2):
        events = events_of(plan_of(directories, catalogue, cache=cache, use_cache=False))
        assert not doubts(events)
        found = cache.cached_session(directories[0])
        assert isinstance(found, CachedSession)
        listed = {dataset.last_listed.id for dataset in found.session.datasets if dataset.last_listed}
        assert listed == set(range(50))


def test_a_proposal_that_icat_does_not_know_any_more_counts_too(
    root: Path, catalogue: CatalogueInMemory, cache: SessionCache
) -> None:
    directories = forgotten(root, catalogue, cache, 51, 1)
    catalogue.told["id99", "hg0"] = NOTHING
    assert doubts(events_of(plan_of(directories, catalogue, cache=cache, use_cache=False)))


# -- bounds ----------------------------------------------------------------------------------------------------------


def compared(number: int, gone: bool = False) -> ComparedSession:
    """Return a session with a dataset that ICAT lacks."""
    earlier = {read().path: LastListed(5, NOW)} if gone else {}
    catalogue = catalogue_of(row("0009"), earlier=earlier)
    session = judged(disk_of(read()), catalogue)
    directory = structs.replace(SESSION, path=f"{SESSION.path}/{number}")
    return ComparedSession(structs.replace(session, directory=directory), disk_of(read()), catalogue)


@pytest.mark.parametrize("most", [(2, 100), (100, 2)])
def test_no_more_wait_than_may_and_the_first_go_first(most: tuple[int, int], cache: SessionCache) -> None:
    held = HeldSessions(AROUND, ForeignRows(FACILITY), cache, early=False, most=most)
    told = [[type(event) for event in held.add(compared(number))] for number in range(4)]
    assert told == [[], [], [SessionScanned], [SessionScanned]]
    assert len(contents(cache)) == 2
    assert [type(event) for event in held.end()] == [SessionScanned] * 2
    assert len(contents(cache)) == 4


def test_what_is_gone_is_not_saved_before_the_end(cache: SessionCache) -> None:
    held = HeldSessions(AROUND, ForeignRows(FACILITY), cache, early=False, most=(1, 100))
    list(held.add(compared(1, gone=True)))
    list(held.add(compared(2, gone=True)))
    assert not contents(cache)
    list(held.end())
    assert len(contents(cache)) == 1


def test_what_waits_when_a_scan_is_cancelled_is_forgotten(cache: SessionCache) -> None:
    held = HeldSessions(AROUND, ForeignRows(FACILITY), cache, early=False)
    list(held.add(compared(1)))
    directory = compared(1).session.directory
    assert isinstance(cache.cached_session(directory), CachedSession)
    held.discard()
    assert cache.cached_session(directory) is None
    assert list(held.end()) == []
