"""Every test is safe by default: no settings of whoever runs it, no home directory, no network beyond loopback."""

import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from icat_tui.journal.writer import Journal

FOREIGN = ("ICAT_TUI_", "BEACON_HOST", "NO_COLOR", "TEXTUAL_")
HOMES = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_DIRS")

settings.register_profile("busy machine", deadline=None)  # a test that takes longer beside others is no failure
settings.load_profile("busy machine")


@pytest.fixture(autouse=True)
def _environment_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in [each for each in os.environ if each.startswith(FOREIGN)]:
        monkeypatch.delenv(variable)
    home = tmp_path / "home"  # not made: a test that looks into its tmp_path finds only what it has put there
    monkeypatch.setenv("HOME", str(home))
    for variable in HOMES:
        monkeypatch.setenv(variable, str(home / variable.lower()))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method)))


def _guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def guarded(connection: socket.socket, address: Any) -> Any:
        if connection.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
            connection.close()  # create_connection does so after an OSError only
            pytest.fail(f"a test connects to {address}, which is not on loopback")  # no Exception: nothing swallows it
        return connect(connection, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal that nobody has written to."""
    return Journal(tmp_path / "state" / "journal.jsonl")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty data root."""
    path = tmp_path / "data" / "visitor"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What hangs waits for this; at the end of the test all of it goes on, so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def hanging_disk(held: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], threading.Event]:
    """Return a function that makes listings below a path hang; it returns what is set once one does."""

    def hang(path: str) -> threading.Event:
        scandir, hangs = os.scandir, threading.Event()

        def hanging(place: str) -> object:
            if str(place).startswith(path):
                hangs.set()
                held.wait()
            return scandir(place)

        monkeypatch.setattr(os, "scandir", hanging)
        return hangs

    return hang
