"""A terminal that is the same wherever the tests run."""

import pytest

from icat_tui.tui import key_gate
from icat_tui.tui.screens import dialog


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set nothing of the terminal that the tests are run in."""
    for variable in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY", "COLORTERM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(autouse=True)
def _short_quiet_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have questions hear sooner, and the tree after them, but for tests that are about just that."""
    if "patient" not in request.keywords:
        monkeypatch.setattr(dialog, "QUIET", 0.05)
        monkeypatch.setattr(key_gate, "AFTER_A_DIALOG", 0.2)
