"""A small facility and what injects faults into it, and the whole sandbox."""

import builtins
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from icat_tui.sandbox.demo_facility import RunningSandbox, run_sandbox
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
