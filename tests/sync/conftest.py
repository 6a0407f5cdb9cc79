"""A catalogue in memory, directories of a group, and sessions to scan."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from icat_tui.cancel import Cancellation
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.disk import metadata
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.ingest.dataset_xml import Origin
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY
from icat_tui.sync.site import Site
from icat_tui.sync.store import store
from icat_tui.sync.store_request import Request
from tests.support.beamtime import ZONE, Beamtime
from tests.support.catalogue_in_memory import CatalogueInMemory
from tests.support.modification_times import settle
from tests.support.scanning import wait_for_threads
from tests.support.sessions_on_disk import add_bliss, add_mx, session_at
from tests.support.submissions_by_hand import IMPATIENT, NOW, Send, submission_by_hand
from tests.support.users import GROUP
from tests.support.waiting import wait_for


@pytest.fixture
def group_directory(shared_directory: Path) -> Path:
    """A state directory of a group."""
    os.chown(shared_directory, -1, GROUP)
    shared_directory.chmod(0o2775)
    return shared_directory


@pytest.fixture
def cancellation() -> Iterator[Cancellation]:
    """Ends what is left at the end of a test."""
    before, cancellation = set(threading.enumerate()), Cancellation()
    yield cancellation
    cancellation.cancel()
    wait_for_threads(before)
    wait_for(lambda: not multiprocessing.active_children(), "processes were left")


@pytest.fixture
def bliss_sessions(root: Path) -> tuple[list[SessionDirectory], CatalogueInMemory]:
    """Sessions of BLISS with something to read, and something that can't be."""
    catalogue, directories = CatalogueInMemory(), []
    for number in range(3):
        directory = session_at(root, f"hg{number}")
        paths = add_bliss(directory, "0001", "0002", "0003", "0004")
        Path(paths[1], "colA_0002.h5").write_bytes(b"no HDF5")
        Path(paths[2], "colA_0003.h5").unlink()
        settle(directory.path)
        catalogue.tell(directory, paths[0], investigation=number)
        directories.append(directory)
    return directories, catalogue


@pytest.fixture
def directory(root: Path) -> SessionDirectory:
    return session_at(root, raw_format=RawFormat.MX)


@pytest.fixture
def catalogue() -> CatalogueInMemory:
    return CatalogueInMemory()


@pytest.fixture
def touched(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every path below the data root that is listed, looked at or opened."""
    paths: list[str] = []

    def noted(place: Any, name: str) -> None:
        call = getattr(place, name)

        def noting(path: Any, *arguments: Any, **options: Any) -> Any:
            if str(path).startswith(str(root)):
                paths.append(f"{name} {path}")
            return call(path, *arguments, **options)

        monkeypatch.setattr(place, name, noting)

    for name in ("scandir", "stat", "lstat", "open", "listdir"):
        noted(os, name)
    noted(__import__("builtins"), "open")
    return paths


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The datasets that are read."""
    paths: list[str] = []
    read_datasets = metadata.read_datasets

    def noting(directory: SessionDirectory, datasets: Any, *arguments: Any) -> Any:
        paths.extend(dataset.path.rpartition("/")[2] for dataset in datasets)
        return read_datasets(directory, datasets, *arguments)

    monkeypatch.setattr(metadata, "read_datasets", noting)
    return paths


@pytest.fixture
def settled(directory: SessionDirectory, catalogue: CatalogueInMemory) -> SessionDirectory:
    """A session in which all is well."""
    catalogue.tell(directory, *add_mx(directory, "0001", "0002"))
    return directory


@pytest.fixture
def todo(directory: SessionDirectory, catalogue: CatalogueInMemory) -> SessionDirectory:
    """A session with something to do: one registered, two not, one invalid."""
    paths = add_mx(directory, "0001", "0002", "0003", "0004")
    Path(paths[3], "metadata.json").write_text("{}")
    settle(directory.path)
    catalogue.tell(directory, paths[0])
    return directory


@pytest.fixture
def send(beamtime: Beamtime) -> Send:
    """Send requests; ICAT+ is asked unless it is to be None, or another URL."""

    def sending(*requests: Request, icatplus: str | None = "", now: datetime = NOW, **changes: Any) -> list[Any]:
        url = beamtime.icatplus if icatplus == "" else icatplus
        catalogue = url and IcatPlus(url, SANDBOX_KEY, zone=ZONE, limits=IMPATIENT)
        origin = Origin(machine="lid99", software="example", now=now)
        site = Site(facility=Facility(), origin=origin, data_roots=(str(beamtime.root),))
        force = changes.pop("force", False)
        submission = structs.replace(submission_by_hand(beamtime), **({"catalogue": catalogue or None} | changes))
        return list(store(requests, submission, changes.pop("site", site), Cancellation(), force=force))

    return sending
