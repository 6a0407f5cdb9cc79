"""The whole sandbox, scanned: every session and dataset is what its story says it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from icat_tui.cache.session_cache import SessionCache
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.disk.find import find_sessions
from icat_tui.domain.model import Session
from icat_tui.domain.scan_events import SessionFailed
from icat_tui.domain.selection import Selection
from icat_tui.domain.status import Status
from icat_tui.domain.surroundings import Surroundings
from icat_tui.journal.view import JournalView
from icat_tui.sandbox.demo_facility import RunningSandbox, run_sandbox
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY
from icat_tui.sandbox.raw_data_tree import SITE, SessionTruth
from icat_tui.sync.scan import ScanPlan
from tests.sync.scanning import NOW, events_of, sessions_of


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with run_sandbox(tmp_path_factory.mktemp("box"), NOW) as box:
        yield box


def scanned(box: RunningSandbox, **options: object) -> dict[str, Session]:
    found = find_sessions(box.facility.data_root, Selection(), SITE, "auto")
    view = JournalView(Path(str(box.settings["state_dir"]), "journal.jsonl"), SITE)
    around = Surroundings(facility=SITE, now=box.facility.now, sent=view)
    with IcatPlus(box.icatplus, SANDBOX_KEY, zone=SITE.zone) as client:
        plan = ScanPlan(found=found, catalogue=client, around=around, **options)  # type: ignore[arg-type] # as given
        events = events_of(plan)
    assert not [event for event in events if isinstance(event, SessionFailed)]
    return sessions_of(events)


def truth_of(session: Session) -> SessionTruth:
    return SessionTruth(
        category=session.category,
        datasets={dataset.path: dataset.status for dataset in session.datasets},
        match=session.fit.match if session.fit else None,
        investigation=session.fit.id if session.fit else None,
        format=session.directory.format,
    )


@pytest.mark.parametrize("processes", [0, 2, None])
def test_a_scan_finds_the_truth(box: RunningSandbox, processes: int | None) -> None:
    assert {
        path: truth_of(session) for path, session in scanned(box, processes=processes).items()
    } == box.facility.truth


def test_a_scan_finds_the_same_from_its_cache(box: RunningSandbox, tmp_path: Path) -> None:
    cache = SessionCache(tmp_path / "cache")
    first, second = scanned(box, cache=cache), scanned(box, cache=cache)
    assert {path: truth_of(session) for path, session in second.items()} == box.facility.truth
    for path, session in second.items():
        assert structs.replace(session, cached=False, seen_at=first[path].seen_at) == first[path]
    assert 5 < sum(session.cached for session in second.values()) < len(second)


def test_the_truth_has_every_status(box: RunningSandbox) -> None:
    told = {status for truth in box.facility.truth.values() for status in truth.datasets.values()}
    assert told == set(Status)
