"""Scans in one call, and what came of them."""

import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.disk.find import AnyFormat, find_sessions
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import Found, ScanEvent, ScanFinished, SessionScanned
from icat_tui.domain.selection import Selection
from icat_tui.domain.status import Status
from icat_tui.domain.surroundings import Surroundings
from icat_tui.sync.scan import ScanPlan, scan
from tests.support.time_slot import FACILITY
from tests.support.waiting import wait_for

NOW = datetime.now(UTC)
"""Files that are written by the tests are older, at most by how long the tests run."""
LATER = NOW + timedelta(days=9)
"""When they have been at rest for long."""

OURS = ("icat-tui", "ThreadPoolExecutor")
"""How threads of a scan are called."""


def found_below(root: Path, raw_format: AnyFormat = RawFormat.ESRFV3) -> Iterator[Found]:
    """Return what a walk over the whole root finds."""
    return find_sessions(str(root), Selection(), FACILITY, raw_format)


def plan_of(found: Iterable[Found], catalogue: Any, now: datetime = NOW, **options: Any) -> ScanPlan:
    """Return a plan; a cache is given by its directory."""
    if isinstance(options.get("cache"), Path):
        options["cache"] = SessionCache(options["cache"])
    return ScanPlan(found=found, catalogue=catalogue, around=Surroundings(facility=FACILITY, now=now), **options)


def events_of(plan: ScanPlan, cancellation: Cancellation | None = None) -> list[ScanEvent]:
    """Return all events of a scan, having seen that it ends as it must and leaves no thread behind."""
    before = set(threading.enumerate())
    events = list(scan(plan, cancellation))
    assert [type(event) for event in events].count(ScanFinished) == 1
    assert isinstance(events[-1], ScanFinished)
    wait_for_threads(before)
    return events


def wait_for_threads(before: set[threading.Thread]) -> None:
    """Wait until no thread of a scan is left but those of before."""

    def left() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each.name.startswith(OURS) and each not in before]

    wait_for(lambda: not left(), f"threads of the scan were left: {left()}")


def sessions_of(events: Iterable[ScanEvent]) -> dict[str, Session]:
    """Return the sessions of a scan by path."""
    return {event.session.directory.path: event.session for event in events if isinstance(event, SessionScanned)}


def scanned(found: Iterable[Found], catalogue: Any, **options: Any) -> dict[str, Session]:
    """Scan and return the sessions by path."""
    return sessions_of(events_of(plan_of(found, catalogue, **options)))


def scanned_one(directory: SessionDirectory, catalogue: Any, **options: Any) -> Session:
    """Scan one session."""
    (session,) = sessions_of(events_of(plan_of([directory], catalogue, **options))).values()
    return session


def statuses(session: Session) -> dict[str, Status]:
    """Return the status of each dataset by its path below the raw directory."""
    prefix = f"{session.directory.raw_path}/"
    return {dataset.path.removeprefix(prefix): dataset.status for dataset in session.datasets}
