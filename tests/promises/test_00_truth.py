"""The whole sandbox, scanned: every session and dataset is what its story says it is."""

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
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.view import JournalView
from icat_tui.sandbox.demo_facility import RunningSandbox
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY
from icat_tui.sandbox.raw_data_tree import SITE, SessionTruth
from icat_tui.sync.scan import ScanPlan
from tests.support.scanning import events_of, sessions_of


def scanned(sandbox: RunningSandbox, **options: object) -> dict[str, Session]:
    found = find_sessions(sandbox.facility.data_root, Selection(), SITE, "auto")
    view = JournalView(JournalDirectory(Path(str(sandbox.settings["state_dir"]))), SITE)
    around = Surroundings(facility=SITE, now=sandbox.facility.now, sent=view)
    with IcatPlus(sandbox.icatplus, SANDBOX_KEY, zone=SITE.zone) as client:
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
def test_a_scan_finds_the_truth(sandbox: RunningSandbox, processes: int | None) -> None:
    assert {
        path: truth_of(session) for path, session in scanned(sandbox, processes=processes).items()
    } == sandbox.facility.truth


def test_a_scan_finds_the_same_from_its_cache(sandbox: RunningSandbox, tmp_path: Path) -> None:
    cache = SessionCache(tmp_path / "cache")
    first, second = scanned(sandbox, cache=cache), scanned(sandbox, cache=cache)
    assert {path: truth_of(session) for path, session in second.items()} == sandbox.facility.truth
    for path, session in second.items():
        assert structs.replace(session, cached=False, seen_at=first[path].seen_at) == first[path]
    assert 5 < sum(session.cached for session in second.values()) < len(second)


def test_the_truth_has_every_status(sandbox: RunningSandbox) -> None:
    told = {status for truth in sandbox.facility.truth.values() for status in truth.datasets.values()}
    assert told == set(Status)
