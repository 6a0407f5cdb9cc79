"""A question that is answered with yes or no."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from icat_tui.text import visible
from icat_tui.tui.host import Host
from icat_tui.tui.screens.dialog import Question, hint

MANY = 50
"""From how many sessions on one is asked first."""


class YesNo(Question[bool]):
    """Dialog with a question; dismissed with True where `y` was pressed. Cancel has the focus, so Enter means no."""

    DEFAULT_CSS = "YesNo > #box { max-width: 72; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "yes", id="ask.yes", tooltip="Yes"),
        Binding("n,q", "leave", "no", id="ask.no", tooltip="No"),
    ]

    def __init__(self, question: str) -> None:
        """Ask this."""
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay out the question, and how to answer."""
        with Vertical(id="box"):
            yield Static(Content(visible(self._question)))
            with Horizontal(id="foot"):
                yield Static(hint(("y", "yes"), ("n esc enter", "no")), classes="hint")
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the focus on Cancel."""
        self.query_one("#cancel", Button).focus()

    def action_confirm(self) -> None:
        """Take it for yes, if the question can have been seen."""
        if self.listens:
            self.dismiss(True)

    def on_button_pressed(self) -> None:
        """Take it for no."""
        self.dismiss(None)


def ask_above_many(host: Host, question: str, number: int, then: Callable[[], None]) -> None:
    """Do something; where it concerns many, only after a yes."""
    if number <= MANY:
        then()
    else:
        host.ask(YesNo(question), lambda _: then())
