"""A terminal that is the same wherever the tests run."""

import pytest


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the terminal of whoever runs the tests."""
    for variable in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY", "COLORTERM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
