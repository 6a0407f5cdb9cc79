"""Sessions to scan: written to a data root, told to a catalogue that can fail in any way, scanned in one call."""

import json
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.disk.find import AnyFormat, Found, find_sessions
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import DirectoryFailed, ScanEvent, ScanFinished, SessionScanned
from icat_tui.domain.selection import Selection
from icat_tui.domain.status import Status
from icat_tui.domain.surroundings import Surroundings
from icat_tui.sync.scan import ScanPlan, scan
from tests.support.bliss import stored_message, write_bliss
from tests.support.catalogue_in_memory import CatalogueInMemory
from tests.support.modification_times import settle
from tests.support.time_slot import FACILITY, START
from tests.support.waiting import wait_for

NOW = datetime.now(UTC)
"""Files that are written by the tests are older, at most by how long the tests run."""
LATER = NOW + timedelta(days=9)
"""When they have been at rest for long."""

OURS = ("icat-tui", "ThreadPoolExecutor")
"""How threads of a scan are called."""


# -- on disk ---------------------------------------------------------------------------------------------------------


def session_at(
    root: Path, proposal: str = "hg333", date: str = "20231019", raw_format: RawFormat = RawFormat.ESRFV3
) -> SessionDirectory:
    """Make the directories of a session at id99."""
    path = root / proposal / "id99" / date
    directory = SessionDirectory(str(path), proposal, "id99", date, raw_format)
    Path(directory.raw_path).mkdir(parents=True)
    return directory


def add_mx(directory: SessionDirectory, *names: str, collection: str = "colA") -> list[str]:
    """Add datasets that have what it takes and need no HDF5 to be read; return their paths."""
    paths = [f"{directory.raw_path}/{collection}/{name}" for name in names]
    fields = {"Sample_name": "sA", "startDate": START.isoformat(), "endDate": START.isoformat()}
    for path in paths:
        Path(path).mkdir(parents=True)
        Path(path, "metadata.json").write_text(json.dumps(fields))
    settle(directory.path)
    return paths


def add_bliss(directory: SessionDirectory, *names: str, collection: str = "colA") -> list[str]:
    """Add datasets of BLISS, `<collection>_<name>`; return their paths."""
    paths = [f"{directory.raw_path}/{collection}/{collection}_{name}" for name in names]
    for path in paths:
        write_bliss(Path(path, f"{path.rpartition('/')[2]}.h5"))
    settle(directory.path)
    return paths


def add_message(directory: SessionDirectory, path: str) -> None:
    """Leave a message about the dataset at a path."""
    stored = Path(directory.raw_path, "__icat__")
    stored.mkdir(exist_ok=True)
    told = stored_message(path, proposal=directory.proposal)
    (stored / f"{path.rpartition('/')[2]}.xml").write_text(told)
    settle(directory.path)


def several(root: Path, catalogue: CatalogueInMemory, number: int = 5) -> list[SessionDirectory]:
    """Make sessions of as many proposals, each with a registered and an unregistered dataset."""
    directories = [session_at(root, f"hg{place}", raw_format=RawFormat.MX) for place in range(number)]
    for place, directory in enumerate(directories, 1):
        paths = add_mx(directory, "0001", "0002")
        catalogue.tell(directory, paths[0], investigation=place)
    return directories


# -- scanned ---------------------------------------------------------------------------------------------------------


def found_below(root: Path, raw_format: AnyFormat = RawFormat.ESRFV3) -> Iterator[Found]:
    """Return what a walk over the whole root finds."""
    return find_sessions(str(root), Selection(), FACILITY, raw_format)


def plan_of(
    found: Iterable[SessionDirectory | DirectoryFailed], catalogue: Any, now: datetime = NOW, **options: Any
) -> ScanPlan:
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


def scanned(found: Iterable[SessionDirectory | DirectoryFailed], catalogue: Any, **options: Any) -> dict[str, Session]:
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
