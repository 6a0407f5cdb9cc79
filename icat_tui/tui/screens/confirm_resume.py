"""The question before planned messages are sent that were confirmed earlier, maybe by somebody else.

What must stay true: as for a plan (`confirm_plan`), nothing is confirmed by a key that was meant for something else.
"""

from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from icat_tui.text import counted, visible
from icat_tui.tui.screens.dialog import hint
from icat_tui.tui.screens.send_question import SendQuestion
from icat_tui.tui.widgets.text_pane import TextView


class Resumption(Struct, frozen=True, kw_only=True):
    """Planned messages to be sent, with what a person should know before."""

    messages: int
    target: str
    """Where messages go, and who said so."""
    notes: tuple[str, ...] = ()
    """Such as that others confirmed some of them."""
    lines: tuple[str, ...] = ()
    """The messages by order and session, not made visible yet."""


class ConfirmResume(SendQuestion[bool]):
    """Dialog with planned messages; dismissed with True where they are to be sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "send", tooltip="Send these messages"),
        Binding("n,q", "leave", "no", tooltip="Leave them planned"),
    ]

    DEFAULT_CSS = """
    ConfirmResume #box { height: 90%; }
    ConfirmResume.-low #box { height: 100%; & #summary { max-height: 2; } & .hint { max-height: 1; } }
    ConfirmResume VerticalScroll { height: 1fr; }
    """

    def __init__(self, resumption: Resumption) -> None:
        """Ask this."""
        super().__init__("")
        self._resumption = resumption

    def compose(self) -> ComposeResult:
        """Lay out what is planned, and how to answer."""
        with Vertical(id="box"):
            yield Static(Content("Send what was planned and never sent?"), classes="title")
            for note in self._resumption.notes:
                yield Static(Content(visible(note)), classes="warning")
            yield TextView(Content("\n".join(map(visible, self._resumption.lines))), can_focus=False)
            yield Static(self.summary_text(), id="summary", classes="title")
            yield self.number_line()
            with Horizontal(id="foot"):
                yield Static(
                    hint(("y", "send"), ("n esc enter", "leave them planned"), ("j k", "scroll")), classes="hint"
                )
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the focus on Cancel."""
        self.query_one("#cancel", Button).focus()

    def summary_text(self) -> Content:
        """Return how many messages would go where."""
        goes = "goes" if self.messages == 1 else "go"
        text = f"{counted(self.messages, 'message')} {goes} to {visible(self._resumption.target)}"
        return Content(f"{text}, each looked at again before; what has changed is not sent")

    @property
    def messages(self) -> int:
        """How many messages would be sent."""
        return self._resumption.messages

    def action_confirm(self) -> None:
        """Take "yes" for an answer, or ask for the number."""
        self.confirm()

    def confirmed(self) -> None:
        """Have them sent."""
        self.dismiss(True)

    def on_button_pressed(self) -> None:
        """Cancel."""
        self.dismiss(None)
