"""Base of the questions after which something is sent: `y` confirms, and above 50 messages their number, typed.

What must stay true: nothing is confirmed by a key that was meant for something else, and nothing where it is forbidden.
"""

from typing import TypeVar

from textual.content import Content
from textual.widgets import Input, Static

from icat_tui.tui.screens.dialog import Question

MANY = 50
"""From how many messages on, one types their number."""
Result = TypeVar("Result")


class SendQuestion(Question[Result]):
    """Base of the questions that send; its layout has `number_line` and the `summary_line` above it."""

    def __init__(self, forbidden: str) -> None:
        """Take why nothing can be sent; empty where something can."""
        super().__init__()
        self.forbidden = forbidden

    def number_line(self) -> Input:
        """Return the line that the number is typed into, hidden until it is asked for."""
        number = Input(type="integer", placeholder="type the number", validate_on=[], compact=True, id="number")
        number.display = False
        return number

    @property
    def summary_line(self) -> Static:
        """The line that says what would be sent."""
        return self.query_one("#summary", Static)

    @property
    def messages(self) -> int:
        """How many messages would be sent."""
        raise NotImplementedError

    def confirmed(self) -> None:
        """Send."""
        raise NotImplementedError

    def summary_text(self) -> Content:
        """Return what would be sent."""
        raise NotImplementedError

    def hide_number(self) -> None:
        """Ask for no number any more, and say what would be sent now."""
        number = self.query_one("#number", Input)
        if number.has_focus:
            self.set_focus(None)
        number.display = False
        self.summary_line.update(self.summary_text())

    def leaves_number(self) -> bool:
        """Leave the line for the number, if it is open; return whether it was."""
        if not self.query_one("#number", Input).display:
            return False
        self.hide_number()
        return True

    def action_leave(self) -> None:
        """Leave the line for the number; else close without a result."""
        if not self.leaves_number():
            super().action_leave()

    def confirm(self) -> None:
        """Take "yes" for an answer, or ask for the number first."""
        if not self.listens or not self.messages:
            return
        if self.forbidden:
            self.app.bell()
        elif self.messages > MANY:
            number = self.query_one("#number", Input)
            number.clear()
            number.display = True
            number.focus()
            self.summary_line.update(Content(f"To send all {self.messages:,}, type their number and enter"))
        else:
            self.confirmed()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send where the number is right."""
        if self.forbidden or not self.listens or event.input.id != "number":
            return
        if event.value == str(self.messages):
            self.confirmed()
        else:
            self.summary_line.update(Content(f"That is not {self.messages:,}: nothing is sent"))
