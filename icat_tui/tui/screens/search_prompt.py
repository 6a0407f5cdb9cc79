"""The line that a text to be searched for is typed into."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from icat_tui.tui.screens.dialog import Dialog, hint


class SearchPrompt(Dialog[str]):
    """Dialog for what is searched for; dismissed with it."""

    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = "SearchPrompt { align: center bottom; & > #box { max-width: 60; } }"

    def __init__(self, before: str = "") -> None:
        """Offer what was searched for before."""
        super().__init__()
        self._before = before

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        with Vertical(id="box"):
            yield Input(value=self._before, placeholder="search in this text", compact=True)
            yield Static(hint(("enter", "search, then n and N"), ("esc", "leave")), classes="hint")

    def on_mount(self) -> None:
        """Let it be typed."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search for it."""
        self.dismiss(event.value.strip() or None)
