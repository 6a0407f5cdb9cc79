"""One message before it is sent: what is seen here is what goes out, byte for byte (promises.md 3).

What must stay true: nothing is confirmed by a key that was meant for something else. Cancel has the focus, Enter
cancels, only `y` confirms.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from icat_tui.domain.message import Message
from icat_tui.text import visible
from icat_tui.tui.screens.dialog import Question, hint
from icat_tui.tui.screens.message_preview import readable
from icat_tui.tui.widgets.text_pane import TextView


class ConfirmMessage(Question[bool]):
    """Dialog with a message to be confirmed; dismissed with True where `y` was pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "send", tooltip="Send this message"),
        Binding("n,q", "leave", "back", tooltip="Back to the form, which keeps what was typed"),
    ]
    DEFAULT_CSS = """
    ConfirmMessage #box { height: 90%; }
    ConfirmMessage.-low #box { height: 100%; }
    ConfirmMessage VerticalScroll { height: 1fr; }
    """

    def __init__(self, message: Message, warnings: Sequence[str], target: str, forbidden: str = "") -> None:
        """Ask whether to send a message to `target`; `forbidden` says why it can't be sent, and how to allow it."""
        super().__init__()
        self._message, self._warnings, self._target, self._forbidden = message, warnings, target, forbidden

    def compose(self) -> ComposeResult:
        """Lay out the question, the message, and how to answer."""
        message, forbidden = self._message, self._forbidden
        with Vertical(id="box"):
            question = "This is what would be sent" if forbidden else f"Send this message to {self._target}?"
            yield Static(Content(visible(question)), classes="title")
            if forbidden:
                yield Static(Content(visible(forbidden)), classes="warning")
            yield Static(Content(f"{visible(message.dataset)} -> {visible(message.destination)}"))
            for warning in self._warnings:
                yield Static(Content(f"! {visible(warning)}"), classes="warning")
            yield TextView(Content("\n".join(readable(message.body))), id="message", can_focus=False)
            send = () if forbidden else (("y", "send"),)
            with Horizontal(id="foot"):
                yield Static(hint(*send, ("n esc", "back to the form"), ("j k", "scroll")), classes="hint")
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the focus on Cancel."""
        self.query_one("#cancel", Button).focus()

    def action_confirm(self) -> None:
        """Take it for yes, if the message can have been seen."""
        if not self.listens:
            return
        if self._forbidden:
            self.app.bell()
            return
        self.dismiss(True)

    def on_button_pressed(self) -> None:
        """Go back."""
        self.dismiss(None)
