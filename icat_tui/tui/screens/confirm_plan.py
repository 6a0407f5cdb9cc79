"""The frozen plan before it is sent: what is confirmed here is what goes out, byte for byte (promises.md 3).

What must stay true: nothing is confirmed by a key that was meant for something else. Cancel has the focus, Enter
cancels, only `y` confirms, and above 50 messages only their number, typed.
"""

from datetime import tzinfo
from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from icat_tui.sync.plan import Plan
from icat_tui.text import counted, visible
from icat_tui.tui.screens.dialog import hint
from icat_tui.tui.screens.message_preview import MessagePreview
from icat_tui.tui.screens.send_question import SendQuestion
from icat_tui.tui.widgets.plan_view import PlanView


class Confirmation(Struct, frozen=True, kw_only=True):
    """Plans to be confirmed, with what a person should know before."""

    plans: tuple[Plan, ...]
    marked: int = 0
    """How many datasets were marked; 0: what is under the cursor is meant."""
    hidden: int = 0
    """How many of those the filter hides."""
    zone: tzinfo
    """Of the times that are shown."""
    target: str
    """Where messages go, and who said so."""
    forbidden: str = ""
    """Why nothing can be sent, and how to allow it; empty where it can."""


class ConfirmPlan(SendQuestion[tuple[Plan, ...]]):
    """Dialog with plans to be confirmed; dismissed with the groups of them that were."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "send", tooltip="Send what is switched on"),
        Binding("space", "switch", "on/off", tooltip="Switch the group under the cursor on or off"),
        Binding("x", "preview", "message", tooltip="Show the message as it would be sent"),
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("n", "group(1)", "next group", show=False),
        Binding("N", "group(-1)", "group before", show=False),
        Binding("pagedown", "move(10)", "page down", show=False),
        Binding("pageup", "move(-10)", "page up", show=False),
        Binding("home,g", "move(-1_000_000)", "top", show=False),
        Binding("end,G", "move(1_000_000)", "bottom", show=False),
    ]
    DEFAULT_CSS = """
    ConfirmPlan PlanView { height: 1fr; }
    ConfirmPlan #box { height: 90%; }
    ConfirmPlan.-low #box { height: 100%; & #summary { max-height: 2; } & .hint { max-height: 1; } }
    """

    def __init__(self, confirmation: Confirmation) -> None:
        """Ask this."""
        super().__init__(confirmation.forbidden)
        self._confirmation = confirmation

    def compose(self) -> ComposeResult:
        """Lay out what is meant, the plan, and how to answer."""
        confirmation = self._confirmation
        with Vertical(id="box"):
            if confirmation.marked:
                hidden = f", {confirmation.hidden:,} of them hidden by the filter" if confirmation.hidden else ""
                yield Static(Content(f"{confirmation.marked:,} marked{hidden}"), classes="title")
            if confirmation.forbidden:
                yield Static(Content(visible(confirmation.forbidden)), classes="warning")
            yield PlanView(confirmation.plans, confirmation.zone)
            yield Static(Content(""), id="summary", classes="title")
            yield self.number_line()
            send = () if confirmation.forbidden else (("y", "send"),)
            with Horizontal(id="foot"):
                yield Static(hint(*send, ("space", "on/off"), ("x", "message"), ("j k n", "move")), classes="hint")
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the focus on Cancel."""
        self.summary_line.update(self.summary_text())
        self.query_one("#cancel", Button).focus()

    def summary_text(self) -> Content:
        """Return how many messages would go where."""
        messages = self.messages
        if not messages:
            return Content("Nothing is switched on")
        goes = "goes" if messages == 1 else "go"
        verb = "would go" if self._confirmation.forbidden else goes
        return Content(f"{counted(messages, 'message')} {verb} to {visible(self._confirmation.target)}")

    def action_move(self, lines: int) -> None:
        """Move the cursor."""
        self.query_one(PlanView).move(lines)

    def action_group(self, step: int) -> None:
        """Move the cursor to another group."""
        self.query_one(PlanView).move_to_group(step)

    def action_switch(self) -> None:
        """Switch a group on or off."""
        self.query_one(PlanView).toggle()
        self.hide_number()

    def action_preview(self) -> None:
        """Show a message."""
        if offer := self.query_one(PlanView).offer:
            self.app.push_screen(MessagePreview(offer))

    @property
    def messages(self) -> int:
        """How many messages are switched on."""
        return self.query_one(PlanView).messages

    def action_confirm(self) -> None:
        """Take "yes" for an answer, or ask for the number."""
        self.confirm()

    def confirmed(self) -> None:
        """Give back what is switched on."""
        self.dismiss(self.query_one(PlanView).confirmed)

    def on_button_pressed(self) -> None:
        """Cancel."""
        self.dismiss(None)
