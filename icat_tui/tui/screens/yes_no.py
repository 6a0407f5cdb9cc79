"""A question that is answered with yes or no."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from icat_tui.text import visible


class AskScreen(ModalScreen[bool | None]):
    """Asks; dismissed with whether `y` was pressed. Cancel has the focus, so Enter means no."""

    DEFAULT_CSS = """
    AskScreen { align: center middle; }
    AskScreen Vertical { width: 90%; max-width: 72; height: auto; background: $panel; color: $foreground; padding: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="ask.yes", tooltip="Yes"),
        Binding("n,escape,q", "answer(False)", "No", id="ask.no", tooltip="No"),
    ]

    def __init__(self, question: str) -> None:
        """Ask this."""
        super().__init__()
        self._question = question
        self._painted = False

    def compose(self) -> ComposeResult:
        """Lay out the question, and how to answer."""
        with Vertical():
            yield Static(Content(visible(self._question)))
            yield Static(Content("y: yes   n, esc, enter: no"))
            yield Button(Content("Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Heed keys once the question was seen."""
        self.query_one(Button).focus()
        self.call_after_refresh(self._was_painted)

    def _was_painted(self) -> None:
        self._painted = True

    def action_answer(self, yes: bool) -> None:
        """Take an answer; what was typed before the question could be seen is none."""
        if self._painted:
            self.dismiss(yes)

    def on_button_pressed(self) -> None:
        """Take it for no."""
        self.dismiss(False)
