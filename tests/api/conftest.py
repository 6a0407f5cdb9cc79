"""A beam time that settings know, and a client of it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from icat_tui.api import IcatClient
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY
from tests.support.beamtime import Beamtime, serving_beamtime


@pytest.fixture
def beamtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beamtime]:
    """A beam time that settings know, but for its broker and its ICAT+."""
    with serving_beamtime(tmp_path) as made:
        for variable, value in made.environment.items():
            if not variable.endswith(("QUEUE", "ICATPLUS", "API_KEY")):
                monkeypatch.setenv(variable, value)
        yield made


@pytest.fixture
def client(beamtime: Beamtime) -> Iterator[IcatClient]:
    urls = [str(beamtime.broker.address)]
    with IcatClient(urls, beamtime.icatplus, SANDBOX_KEY, add_files_urls=urls) as client:
        yield client


@pytest.fixture(autouse=True)
def _said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("icat_tui"), "propagate", True)  # the commands turn that off
