"""A facility with a session of every kind, small enough to be scanned hundreds of times, and its ICAT+."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import ScanEvent
from icat_tui.domain.status import Category
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY, CatalogueEntry, CatalogueState
from tests.support.bliss import ENDED, FILE_TIME, write_bliss
from tests.support.icatplus import FaultyIcatPlus, serving_icatplus
from tests.support.modification_times import settle
from tests.support.scanning import NOW, events_of, found_below, plan_of
from tests.support.sessions_on_disk import add_bliss, add_message, session_at
from tests.support.time_slot import END, FACILITY, START

ONCE = Limits(connect=5, read=5, answer=5, retries=0, failures=1000)
"""Nothing is asked twice, and nobody loses heart."""
SECRET = SANDBOX_KEY

EXPECTED = {
    "busy1": Category.TODO_ONGOING,
    "empty1": Category.EMPTY,
    "fresh1": Category.OK,
    "invalid1": Category.HAS_INVALID,
    "nowhere1": Category.NOT_IN_ICAT,
    "ok1": Category.OK,
    "todo1": Category.TODO,
}
"""Category by proposal."""
ONGOING = ("busy1", "fresh1")


class SmallFacility(Struct, frozen=True):
    """What lies on disk, and what ICAT knows."""

    root: Path
    icatplus: FaultyIcatPlus


def make(root: Path) -> SmallFacility:
    """Write the facility into an empty data root."""
    state = CatalogueState()
    for number, (proposal, category) in enumerate(EXPECTED.items(), 1):
        if category != Category.NOT_IN_ICAT:
            start, end = (START, END) if proposal not in ONGOING else (NOW - timedelta(days=1), NOW + timedelta(days=1))
            state.add_investigation(number, proposal.upper(), "id99", start, end)
    sessions = {proposal: session_at(root, proposal) for proposal in EXPECTED}
    numbers = {proposal: number for number, proposal in enumerate(EXPECTED, 1)}
    _write_todo(sessions["todo1"], state, numbers["todo1"])
    for path in add_bliss(sessions["ok1"], "0001", "0002"):
        _register(state, numbers["ok1"], path)
    paths = add_bliss(sessions["invalid1"], "0001", "0002", "0003")
    _register(state, numbers["invalid1"], paths[0])
    Path(paths[1], "colA_0002.h5").write_bytes(b"no HDF5")
    Path(paths[2], "colA_0003.h5").unlink()
    settle(sessions["invalid1"].path)
    add_bliss(sessions["nowhere1"], "0001")
    Path(sessions["empty1"].raw_path).rmdir()
    _write_busy(sessions["busy1"], state, numbers["busy1"])
    _write_fresh(sessions["fresh1"], state, numbers["fresh1"])
    return SmallFacility(root, FaultyIcatPlus(state))


def _write_todo(directory: SessionDirectory, state: CatalogueState, number: int) -> None:
    """A dataset of every status but the two that take a broker."""
    state.add_investigation(number + 100, "TODO1", "id99", START - timedelta(days=90), END - timedelta(days=90))
    paths = add_bliss(directory, "0001", "0002", "0003", "0004", "0005", "0006")
    _register(state, number, paths[0])
    _register(state, number, paths[2], files=0)
    _register(state, number + 100, paths[3])
    add_message(directory, paths[4])
    Path(paths[5], "colA_0006.h5").write_bytes(b"no HDF5")
    add_message(directory, paths[5])  # speaks for it all the same
    more = add_bliss(directory, "0001", "0002", collection="colB")
    write_bliss(Path(more[0], "colB_0001.h5"), {"1.1": ENDED, "2.1": {"start_time": FILE_TIME}})
    Path(more[1], "colB_0002.h5").unlink()
    _register(state, number, f"{directory.raw_path}/colA/colA_0009")
    _register(state, number, f"{directory.raw_path}/colC/colC_0001")
    settle(directory.path)
    _touch(f"{more[0]}/colB_0001.h5", 24)  # its last scan may be running


def _write_busy(directory: SessionDirectory, state: CatalogueState, number: int) -> None:
    """A session that goes on: what is not registered is to be offered, but for the newest."""
    paths = add_bliss(directory, "0001", "0002", "0003", "0004")
    for path, hours in zip(paths, (3, 5, 4, 6), strict=True):
        _touch(path, hours)
    for path in (paths[0], paths[3]):
        _register(state, number, path)
    newest = add_bliss(directory, "0001", collection="colB")
    _touch(newest[0], 2)


def _write_fresh(directory: SessionDirectory, state: CatalogueState, number: int) -> None:
    """A session in which all is registered but what was written to just now: a directory, a file."""
    paths = add_bliss(directory, "0001", "0002", "0003")
    _register(state, number, paths[0])
    _touch(paths[1], 0.5)
    _touch(f"{paths[2]}/colA_0003.h5", 0.2)


def _touch(path: str, hours: float) -> None:
    """Make a dataset look as if it had been written to so many hours ago."""
    moment = (NOW - timedelta(hours=hours)).timestamp()
    os.utime(path, (moment, moment))


def _register(state: CatalogueState, investigation: int, path: str, files: int = 1) -> None:
    name = path.rpartition("_")[2]
    state.add_dataset(investigation, CatalogueEntry(name, path, START, END, "sA", files))


# -- scanned ---------------------------------------------------------------------------------------------------------


@contextmanager
def asked(facility: SmallFacility, limits: Limits = ONCE, jobs: int = 8) -> Iterator[IcatPlus]:
    """Serve what ICAT knows; give a client of it."""
    with (
        serving_icatplus(facility.icatplus) as server,
        IcatPlus(server.url, SECRET, zone=FACILITY.zone, jobs=jobs, limits=limits) as client,
    ):
        yield client


def events_with(facility: SmallFacility, client: IcatPlus, **options: Any) -> list[ScanEvent]:
    """Scan the whole facility."""
    return events_of(plan_of(found_below(facility.root), client, now=NOW, **({"jobs": 2} | options)))
