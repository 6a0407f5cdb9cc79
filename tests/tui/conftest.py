"""A terminal that is the same wherever the tests run."""

import pytest


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set nothing of the terminal that the tests are run in."""
    for variable in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY", "COLORTERM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
