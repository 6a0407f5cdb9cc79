"""A place to work at, and programs that are run in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from icat_tui.catalogue.limits import Limits
from icat_tui.cli import main
from tests.cli.place import Place, Ran, serving

Runner = Callable[..., Ran]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with serving() as icatplus:
        made = Place(tmp_path / "facility", icatplus)
        made.root.mkdir(parents=True)
        yield made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runner:
    """Run a program with nothing set: `run("sync", "--json")`, `run("-q", program=cli.sync_raw)`."""

    def run(*words: str, program: Callable[[list[str]], int] = main.main) -> Ran:
        capsys.readouterr()
        code = program(list(words))
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def at(place: Place, run: Runner, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Run a program with the settings of the place: `at("sync", "--json")`."""
    for key, value in place.settings().items():
        monkeypatch.setenv(f"ICAT_TUI_{key.upper()}", value)
    return run


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for ICAT+ less long than one does."""
    limits = Limits(connect=5.0, read=0.5, answer=5.0, retries=1, backoff=0.001)
    monkeypatch.setattr("icat_tui.services.DEFAULT_LIMITS", limits)
