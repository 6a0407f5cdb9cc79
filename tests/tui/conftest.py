"""A place where things can be registered, without a network beyond this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.place import Place
from tests.cli.place import serving as serving_icatplus
from tests.cli.sending import Circle, Ingester
from tests.ingest.conftest import FakeBroker, serving


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the terminal of whoever runs the tests."""
    for variable in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY", "COLORTERM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serving_icatplus() as icatplus:
        place = Place(tmp_path / "facility", icatplus)
        place.root.mkdir(parents=True)
        ingester = Ingester(place)
        with serving(FakeBroker(script=ingester)) as broker:
            yield Circle(place, broker, ingester, tmp_path / "state")
