"""The net below all other tests holds."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

TEST_NET = "192.0.2.1"
"""An address for documentation: nobody has it."""


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_a_connection_to_anywhere_but_loopback_fails_the_test(method: str) -> None:
    with socket.socket() as connection, pytest.raises(pytest.fail.Exception, match=TEST_NET):
        getattr(connection, method)((TEST_NET, 80))


def test_create_connection_is_held_too() -> None:
    with pytest.raises(pytest.fail.Exception, match=TEST_NET):
        socket.create_connection((TEST_NET, 80))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        socket.create_connection((host, listener.getsockname()[1])).close()


def test_no_directory_of_the_user_or_the_site_is_in_reach(tmp_path: Path) -> None:
    directories = platformdirs.PlatformDirs("icat-tui", appauthor=False)
    for path in (
        Path.home(),
        directories.user_config_path,
        directories.site_config_path,
        directories.user_cache_path,
        directories.user_state_path,
        directories.user_data_path,
    ):
        assert path.is_relative_to(tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_setting_of_the_user_is_in_the_environment() -> None:
    assert not [name for name in os.environ if name.startswith(("ICAT_TUI_", "TEXTUAL_"))]
    assert os.environ.keys().isdisjoint({"BEACON_HOST", "NO_COLOR"})


def test_signals_that_were_ignored_before_stop_what_a_test_starts() -> None:
    code = (
        "import signal; from tests.support.isolation import heed_signals\n"
        "heed_signals(); print(*(signal.getsignal(each) == signal.SIG_IGN for each in (1, 2, 3)))"
    )
    ignoring = f"trap '' HUP INT QUIT; exec {sys.executable} -c '{code}'"
    ran = subprocess.run(
        ["sh", "-c", ignoring], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False False False\n"
