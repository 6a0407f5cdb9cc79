"""Facilities of the kit, and runs on them in this process."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from icat_tui.catalogue.limits import Limits
from icat_tui.cli.main import main
from tests.fieldkit.facility import SMALL, Facility, FacilityMaker, Options, make_tree, serving_kit
from tests.support.kit_runs import SyncHere, settings
from tests.support.program import Ran


@pytest.fixture
def make_kit_facility(tmp_path: Path) -> Iterator[FacilityMaker]:
    """Return a function that makes facilities: `make_kit_facility(tree={"seed": 2}, catalogue={"error_rate": 0.1})`."""
    with ExitStack() as running:

        def make(tree: Options | None = None, catalogue: Options | None = None, **extra: Any) -> Facility:
            root = tmp_path / f"facility{len(list(tmp_path.glob('facility*')))}"
            make_tree(root, {**SMALL, **(tree or {})}, **extra)
            return Facility(root, running.enter_context(serving_kit(root / "icat.json", catalogue)))

        yield make


@pytest.fixture
def kit_facility(make_kit_facility: FacilityMaker) -> Facility:
    """Return a small facility where everything works."""
    return make_kit_facility()


@pytest.fixture
def sync_here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> SyncHere:
    """Run the same in this process, with a client that does not wait long: `sync_here(facility, "--jobs", 2)`."""
    limits = Limits(read=0.3, answer=2.0, retries=1, backoff=0.01, failures=1000)
    monkeypatch.setattr("icat_tui.services.DEFAULT_LIMITS", limits)

    def run(facility: Facility, *words: object, url: str = "") -> Ran:
        for name, value in settings(facility, url).items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        code = main(["sync", "--json", *map(str, words)])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run
