"""Every test is safe by default: no settings of whoever runs it, no home directory, no network beyond loopback."""

import ipaddress
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

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
