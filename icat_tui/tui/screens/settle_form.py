"""The form by which a person says what became of messages whose end nobody else knows.

What must stay true: nothing is settled without a reason, and above 50 messages not without their number, typed.
"""

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from icat_tui.journal.records import Settlement
from icat_tui.text import counted, visible
from icat_tui.tui.screens.dialog import hint
from icat_tui.tui.screens.send_question import SendQuestion
from icat_tui.tui.widgets.text_pane import TextView

MEANS = {
    Settlement.SEEN: "ICAT has it: it counts as in ICAT",
    Settlement.LOST: "it never arrived: it is offered again, and sent by a new confirmation only",
}


class Settled(Struct, frozen=True):
    """Word of a person on what became of messages."""

    settled: Settlement
    why: str


class SettleForm(SendQuestion[Settled]):
    """Dialog that asks what became of messages, and why one knows; dismissed with the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "choose('seen')", "arrived", tooltip="ICAT has it"),
        Binding("l", "choose('lost')", "lost", tooltip="It never arrived"),
        Binding("q", "leave", "cancel", tooltip="Leave it as it is"),
    ]

    DEFAULT_CSS = """
    SettleForm VerticalScroll { max-height: 8; }
    SettleForm.-low VerticalScroll { max-height: 2; }
    SettleForm.-low .means { display: none; }
    SettleForm.-low #summary { max-height: 3; }
    SettleForm.-low .hint { max-height: 1; }
    """

    def __init__(self, number: int, lines: Sequence[str]) -> None:
        """Ask about so many messages; `lines` name them, not made visible yet."""
        super().__init__("")
        self._number, self._lines = number, lines
        self._settled: Settlement | None = None

    def compose(self) -> ComposeResult:
        """Lay out the messages, what they can be settled as, and the reason."""
        with Vertical(id="box"):
            yield Static(Content(f"What became of {counted(self._number, 'message')}?"), classes="title")
            yield TextView(Content("\n".join(map(visible, self._lines))), can_focus=False)
            yield Static(hint(("a", MEANS[Settlement.SEEN])), classes="means")
            yield Static(hint(("l", MEANS[Settlement.LOST])), classes="means")
            yield Static(self.summary_text(), id="summary", classes="warning")
            why = Input(placeholder="how do you know?", compact=True, id="why")
            why.display = False
            yield why
            yield self.number_line()
            with Horizontal(id="foot"):
                yield Static(hint(("a", "arrived"), ("l", "lost"), ("esc", "leave it as it is")), classes="hint")
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the focus on Cancel."""
        self.query_one("#cancel", Button).focus()

    def summary_text(self) -> Content:
        """Return what was chosen."""
        if self._settled is None:
            return Content("It is written to the journal with your name; ICAT is told nothing")
        return Content(f"{MEANS[self._settled]}. enter settles")

    def action_choose(self, settled: str) -> None:
        """Take what became of them, and ask for the reason."""
        if not self.listens:
            return
        self._settled = Settlement(settled)
        why = self.query_one("#why", Input)
        why.display = True
        why.focus()
        self.summary_line.update(self.summary_text())

    @property
    def messages(self) -> int:
        """How many messages would be settled."""
        return self._number

    @property
    def _why(self) -> str:
        return self.query_one("#why", Input).value.strip()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Settle, once there is a reason; above 50 once their number was typed too."""
        if event.input.id != "why":
            super().on_input_submitted(event)
        elif not self._why:
            self.summary_line.update(Content("A reason is needed: it is all that others will know of it"))
        else:
            self.confirm()

    def confirmed(self) -> None:
        """Give back what was chosen."""
        if self._settled is not None and self._why:
            self.dismiss(Settled(self._settled, self._why))

    def on_button_pressed(self) -> None:
        """Cancel."""
        self.dismiss(None)
