"""A scripted broker, its certificate, and messages without the definitions of ICAT."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from icat_tui.ingest import parameters
from tests.support.scripted_broker import ScriptedBroker, serving_broker


@pytest.fixture
def fake() -> Iterator[ScriptedBroker]:
    with serving_broker(ScriptedBroker()) as broker:
        yield broker


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    try:
        subprocess.run(
            [*command.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", file],
            check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return file, key


@pytest.fixture
def no_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "definitions", lambda: None)
