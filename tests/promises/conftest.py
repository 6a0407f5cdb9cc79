"""A small facility and what injects faults into it, and the whole sandbox."""

import builtins
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from icat_tui.sandbox.demo_facility import RunningSandbox, run_sandbox
from tests.support.beamtime import END, START, Beamtime
from tests.support.doubling import Figures
from tests.support.filesystem_faults import Faults
from tests.support.scanning import NOW
from tests.support.slow_server import KINDS, serving_slowly
from tests.support.small_facility import SmallFacility, make


@pytest.fixture
def small_facility(tmp_path: Path) -> SmallFacility:
    root = tmp_path / "data" / "visitor"
    root.mkdir(parents=True)
    return make(root)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with run_sandbox(tmp_path_factory.mktemp("box"), NOW) as sandbox:
        yield sandbox


@pytest.fixture
def faults(small_facility: SmallFacility, monkeypatch: pytest.MonkeyPatch) -> Faults:
    from h5py import h5f  # noqa: PLC0415 - the reader's own, once it is loaded

    faults = Faults(small_facility.root)
    for place, name in ((os, "scandir"), (os, "stat"), (os, "lstat"), (builtins, "open"), (os, "open"), (h5f, "open")):
        monkeypatch.setattr(place, name, faults.wrap(name, getattr(place, name)))
    return faults


@pytest.fixture(params=KINDS)
def slow_server(request: pytest.FixtureRequest) -> Iterator[tuple[str, threading.Event]]:
    """A server that keeps its clients waiting: its URL, and what is set once it is asked."""
    with serving_slowly(request.param) as server:
        yield server


@pytest.fixture
def good(beamtime: Beamtime) -> Path:
    """Another session of the same data root, with a dataset that ICAT has and one that it lacks."""
    beamtime.state.add_investigation(8, "HG-444", "id99", START, END)
    other = Beamtime(beamtime.directory / "other")
    paths = [other.dataset("0001"), other.dataset("0002")]
    session = beamtime.root / "hg444" / "id99" / "20231019"
    session.parent.mkdir(parents=True)
    other.session.rename(session)
    path = session / paths[0].relative_to(other.session)
    beamtime.register(path, investigation=8)
    return session


@pytest.fixture
def figures() -> Figures:
    return Figures()


@pytest.fixture
def actionable(beamtime: Beamtime) -> Beamtime:
    """A dataset of each kind that something can be sent about."""
    beamtime.dataset("0001")
    beamtime.dataset("0002")
    beamtime.stored("0002")
    beamtime.register(beamtime.dataset("0003"), file_count=0)
    beamtime.age()
    return beamtime
