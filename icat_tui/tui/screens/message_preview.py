"""A message as it would be sent, byte for byte; only the line breaks between elements are ours."""

import re
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from icat_tui.domain.message import Message
from icat_tui.sync.plan import Offer
from icat_tui.text import visible
from icat_tui.tui.screens.dialog import Dialog, hint
from icat_tui.tui.widgets.text_pane import TextView

BREAKS = re.compile(r"(?<=>)(?=<tns:)|(?<=\n)")
"""Where lines end: before an element, and after a line break of the message itself, which is shown as `\\n`."""


class MessagePreview(Dialog[None]):
    """Dialog with a message."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,q", "leave", "back", tooltip="Back to where one came from"),
    ]
    DEFAULT_CSS = """
    MessagePreview #box { height: 90%; }
    MessagePreview.-low #box { height: 100%; }
    MessagePreview VerticalScroll { height: 1fr; }
    """

    def __init__(self, shown: Offer | Message) -> None:
        """Show the message of an offer, or one that was made before."""
        super().__init__()
        self._message, self._warnings = (shown, ()) if isinstance(shown, Message) else (shown.message, shown.warnings)

    def compose(self) -> ComposeResult:
        """Lay out where it goes, then what it says."""
        message = self._message
        with Vertical(id="box"):
            yield Static(Content(f"{message.action} -> {visible(message.destination)}"), classes="title")
            yield Static(Content(visible(message.dataset)))
            for warning in self._warnings:
                yield Static(Content(f"! {visible(warning)}"), classes="warning")
            yield TextView(Content("\n".join(readable(message.body))))
            yield Static(hint(("j k", "scroll"), ("esc", "back")), classes="hint")

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(TextView).focus()


def readable(body: bytes) -> Sequence[str]:
    r"""Return a message's text as lines that can be looked at.

    What can't be printed is made visible, a line break of the message itself too: it is `\n` at the end of a line.
    """
    return [visible(line) for line in BREAKS.split(body.decode("utf-8", "surrogateescape")) if line]
