"""A message as it would be sent, byte for byte; only the line breaks between elements are ours."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from icat_tui.domain.visible import visible
from icat_tui.sync.plan import Offer
from icat_tui.tui.screens.dialog import Dialog


class PreviewScreen(Dialog[None]):
    """Shows the message of an offer."""

    DEFAULT_CSS = """
    PreviewScreen #box { height: 90%; }
    """

    def __init__(self, offer: Offer) -> None:
        """Show this message."""
        super().__init__()
        self._offer = offer

    def compose(self) -> ComposeResult:
        """Lay out where it goes, then what it says."""
        message = self._offer.message
        with Vertical(id="box"):
            yield Static(Content(f"to /queue/{visible(message.destination)}"), classes="title")
            for warning in self._offer.warnings:
                yield Static(Content(visible(warning)), classes="warning")
            with VerticalScroll():
                yield Static(Content("\n".join(readable(message.body))))
            yield Static(Content("esc: back"), classes="hint")

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        super().on_mount()
        self.query_one(VerticalScroll).focus()


def readable(body: bytes) -> Sequence[str]:
    """Return a message's text as lines that can be looked at: what can't be printed is made visible."""
    text = body.decode("utf-8", "surrogateescape")
    return [visible(line) for line in text.replace("><tns:", ">\n<tns:").splitlines()]
