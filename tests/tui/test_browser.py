"""Which browsers are started for a link, with made-up ones on PATH."""

from pathlib import Path

import pytest

from icat_tui.tui.browser import graphical_browser, open_in_window
from tests.support.waiting import wait_for

LINK = "https://data.example.org/investigation/1/datasets"


def a_path(directory: Path, *names: str) -> str:
    for name in names:
        program = directory / name
        program.write_text(
            f'#!/bin/sh\n(echo "$@"; if [ -t 0 ] || [ -t 1 ]; then echo tty; fi) > "{directory}/{name}.called"\n'
        )
        program.chmod(0o755)
    return str(directory)


@pytest.mark.parametrize("name", ["lynx", "w3m", "links", "elinks", "www-browser", "xdg-open", "sensible-browser"])
def test_what_can_take_the_terminal_is_not_started(tmp_path: Path, name: str) -> None:
    path = a_path(tmp_path, name)
    assert not graphical_browser({"DISPLAY": ":0", "PATH": path}, "linux")
    assert not graphical_browser({"DISPLAY": ":0", "PATH": path, "BROWSER": name}, "linux")


def test_a_text_browser_that_is_chosen_is_not_replaced(tmp_path: Path) -> None:
    path = a_path(tmp_path, "firefox", "w3m")
    assert not graphical_browser({"DISPLAY": ":0", "PATH": path, "BROWSER": "w3m:firefox"}, "linux")


@pytest.mark.parametrize(
    "environ", [{}, {"DISPLAY": ":0", "SSH_CONNECTION": "a b"}, {"WAYLAND_DISPLAY": "w", "SSH_TTY": "/dev/pts/1"}]
)
def test_without_a_display_of_its_own_none_is_started(tmp_path: Path, environ: dict[str, str]) -> None:
    assert not graphical_browser({**environ, "PATH": a_path(tmp_path, "firefox")}, "linux")


def test_a_graphical_one_is_started_away_from_the_terminal(tmp_path: Path) -> None:
    path = a_path(tmp_path, "firefox")
    assert open_in_window(LINK, {"DISPLAY": ":0", "PATH": path})
    called = tmp_path / "firefox.called"
    wait_for(lambda: called.exists() and called.read_text())
    assert called.read_text() == f"{LINK}\n"


def test_the_place_of_the_address_is_that_of_browser(tmp_path: Path) -> None:
    path = a_path(tmp_path, "chromium")
    assert open_in_window(LINK, {"DISPLAY": ":0", "PATH": path, "BROWSER": "chromium --app=%s"})
    called = tmp_path / "chromium.called"
    wait_for(lambda: called.exists() and called.read_text())
    assert called.read_text() == f"--app={LINK}\n"


def test_the_system_wide_browser_counts_by_what_it_leads_to(tmp_path: Path) -> None:
    path = a_path(tmp_path, "lynx", "firefox")
    link = tmp_path / "x-www-browser"
    link.symlink_to(tmp_path / "firefox")
    assert list(graphical_browser({"DISPLAY": ":0", "PATH": path}, "linux")) == ["x-www-browser"]
    link.unlink()
    link.symlink_to(tmp_path / "lynx")
    assert list(graphical_browser({"DISPLAY": ":0", "PATH": path}, "linux")) == ["firefox"]


@pytest.mark.parametrize("address", ["", "-new-instance", "file:///etc/passwd"])
def test_only_pages_of_the_web_are_opened(tmp_path: Path, address: str) -> None:
    assert not open_in_window(address, {"DISPLAY": ":0", "PATH": a_path(tmp_path, "firefox")})
