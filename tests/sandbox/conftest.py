"""A facility that was written once, for all tests that only look at it, and what the fakes of the sandbox serve."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from icat_tui.sandbox import demo_facility as box
from icat_tui.sandbox import fake_broker, fake_icatplus
from icat_tui.sandbox.demo_facility import RunningSandbox, run_sandbox
from icat_tui.sandbox.fake_icatplus import CatalogueState
from icat_tui.sandbox.raw_data_tree import (
    SandboxFacility,
    SandboxInvestigation,
    catalogue_state,
    describe_facility,
    make_facility,
)
from icat_tui.sandbox.sample_journal import write_journal
from tests.support.sandbox_broker import Taken
from tests.support.sandbox_facility import DATASET_DIRECTORY, DAY, NOW, START, START_IN_PARIS, catalogue_entry


@pytest.fixture(scope="session")
def sandbox_facility(tmp_path_factory: pytest.TempPathFactory) -> SandboxFacility:
    return make_facility(tmp_path_factory.mktemp("box"), NOW)


@pytest.fixture
def sandbox_catalogue(sandbox_facility: SandboxFacility) -> CatalogueState:
    return catalogue_state(sandbox_facility)


@pytest.fixture
def sample_journal(sandbox_facility: SandboxFacility, sandbox_catalogue: CatalogueState, tmp_path: Path) -> Path:
    path = tmp_path / "state"
    write_journal(path, sandbox_facility, sandbox_catalogue)
    return path


@pytest.fixture
def one_dataset(tmp_path: Path) -> SandboxFacility:
    """A facility with one dataset of three files, that the story knows nothing of."""
    directory = tmp_path / DATASET_DIRECTORY / "scan0001"
    directory.mkdir(parents=True)
    for name in ("a", "b"):
        (directory / name).touch()
    (directory.parent / "c").touch()
    slots = [(START, START + 3 * DAY), (START + 10 * DAY, START + 13 * DAY), (START + 30 * DAY, None)]
    investigations = tuple(
        SandboxInvestigation(number, "MX-2500", "id23-1", start, end) for number, (start, end) in enumerate(slots, 1)
    )
    return SandboxFacility(tmp_path, START + 40 * DAY, (), investigations)


@pytest.fixture
def its_catalogue(one_dataset: SandboxFacility) -> CatalogueState:
    its_catalogue = CatalogueState()
    for slot in one_dataset.investigations:
        its_catalogue.add_investigation(slot.id, slot.name, slot.beamline, slot.start, slot.end)
    its_catalogue.add_investigation(7, "MX-2500", "id21", START, None)
    return its_catalogue


@pytest.fixture
def one_proposal() -> CatalogueState:
    one_proposal = CatalogueState()
    one_proposal.add_investigation(7, "HG-333", "id23-1", START_IN_PARIS, START_IN_PARIS + timedelta(days=5))
    one_proposal.add_investigation(8, "HG-333", "id23-1", START_IN_PARIS + timedelta(days=30), None)
    one_proposal.add_investigation(9, "HG-333", "id21", START_IN_PARIS, None)
    for number in range(5):
        one_proposal.add_dataset(7, catalogue_entry(f"{number:04d}"))
    return one_proposal


@pytest.fixture
def icatplus_url(one_proposal: CatalogueState) -> Iterator[str]:
    with fake_icatplus.serve(one_proposal) as icatplus_url:
        yield icatplus_url


@pytest.fixture
def without_raw_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what does not look at the raw data: only their root is made."""

    def make(directory: Path, now: datetime) -> SandboxFacility:
        facility = describe_facility(directory, now)
        Path(facility.data_root).mkdir(parents=True)
        return facility

    monkeypatch.setattr(box, "make_facility", make)


@pytest.fixture
def taken() -> Iterator[Taken]:
    taken = Taken()
    with fake_broker.serve(taken.take) as taken.address:
        yield taken


@pytest.fixture(scope="module")
def sandbox_cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the facility is made, once for all of this module."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def sandbox(sandbox_cache_home: Path) -> Iterator[RunningSandbox]:
    with run_sandbox(sandbox_cache_home / "icat-tui" / "sandbox", ingest_delay=0) as sandbox:
        yield sandbox
