"""The question before the program is left while confirmed messages wait to be sent."""

from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from icat_tui.text import visible
from icat_tui.tui.screens.dialog import Question, hint


class Leaving(StrEnum):
    """Way in which the program is left."""

    AT_ONCE = "at once"
    """Nothing waits, or what waits stays planned."""
    FINISHING = "finishing"
    """The screen closes, and what was confirmed is sent."""


class LeaveQuestion(Question[Leaving]):
    """Dialog that asks what becomes of messages that wait; left without an answer one stays. Enter means to stay."""

    DEFAULT_CSS = "LeaveQuestion > #box { max-width: 76; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "choose('finishing')", "finish", tooltip="Close the screen, and send what was confirmed"),
        Binding("p", "choose('at once')", "leave planned", tooltip="Leave now; what is not sent stays planned"),
        Binding("s", "leave", "stay", tooltip="Go back to the tree"),
    ]

    def __init__(self, how_far: str) -> None:
        """Say how far sending came."""
        super().__init__()
        self._how_far = how_far

    def compose(self) -> ComposeResult:
        """Lay out what waits, and what can become of it."""
        with Vertical(id="box"):
            yield Static(Content("Confirmed messages are still being sent"), classes="title")
            yield Static(Content(visible(self._how_far)))
            yield Static(hint(("f", "finish: close the screen and send them; ctrl+c leaves the rest planned")))
            yield Static(hint(("p", "leave them planned: icat-tui journal --resume sends them")))
            with Horizontal(id="foot"):
                yield Static(hint(("s esc enter", "stay")), classes="hint")
                yield Button(Content("Stay"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the focus on staying."""
        self.query_one("#cancel", Button).focus()

    def action_choose(self, leaving: str) -> None:
        """Leave in this way."""
        if self.listens:
            self.dismiss(Leaving(leaving))

    def on_button_pressed(self) -> None:
        """Stay."""
        self.dismiss(None)
