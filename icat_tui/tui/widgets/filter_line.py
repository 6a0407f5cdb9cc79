"""The line that a filter is typed into, with what there is to say about it beside it.

For any screen: it says what was typed, kept or cleared, and shows what it is told. What must stay true: a filter with a
mistake in it can't be kept, and its mistake stands where it was typed.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from icat_tui.text import visible
from icat_tui.tui.key_actions import KeyAction, bindings_of
from icat_tui.tui.state.filter_history import FilterHistory
from icat_tui.tui.theme import style

ACTIONS = {
    "older": KeyAction("older", "", "The filter that was kept before"),
    "newer": KeyAction("newer", "", "The filter that was kept after"),
}


class FilterLine(Horizontal):
    """Line of a field and a text beside it; not there until it is opened."""

    DEFAULT_CSS = """
    FilterLine {
        height: auto; max-height: 5; display: none; background: $panel; color: $foreground;
        & > Input {
            width: 1fr; min-width: 12; height: 1; border: none; padding: 0; background: $panel; color: $foreground;
        }
        & > Static { width: auto; max-width: 65%; padding: 0 0 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("filter", ACTIONS)]

    class Typed(Message):
        """Message: something was typed, or an earlier filter was chosen."""

        def __init__(self, text: str) -> None:
            """Take what stands there now."""
            super().__init__()
            self.text = text

    class Kept(Typed):
        """Message: the filter is to stay as it is."""

    class Cleared(Message):
        """Message: there is no filter any more."""

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show nothing yet; `placeholder` stands in the empty field."""
        super().__init__(id=id)
        self._placeholder = placeholder
        self.history = FilterHistory()
        self._wrong = False

    def compose(self) -> ComposeResult:
        """Lay out the field and what is beside it."""
        yield Input(placeholder=self._placeholder, compact=True)
        yield Static(Content())

    @property
    def field(self) -> Input:
        """The field."""
        return self.query_one(Input)

    @property
    def text(self) -> str:
        """What stands in it."""
        return self.field.value

    def open(self) -> None:
        """Be there, for typing."""
        self.display = True
        self.field.focus()

    def tell(self, text: str, *, wrong: bool = False) -> None:
        """Say something about what was typed: what is wrong with it, or how much it finds."""
        self._wrong = wrong
        content = Content.styled(visible(text), style("red" if wrong else "grey"))
        beside = self.query_one(Static)
        if not isinstance(beside.content, Content) or not beside.content.is_same(content):
            beside.update(content)

    def clear(self) -> None:
        """Begin anew, and be there no longer."""
        with self.prevent(Input.Changed):
            self.field.value = ""
        self._leave()
        self.post_message(self.Cleared())

    def _leave(self) -> None:
        self.history.leave()
        self.tell("")
        self.display = False

    # -- keys ------------------------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what has been typed so far."""
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, unless there is a mistake in it."""
        event.stop()
        if not self._wrong:
            self.history.add(event.value)
            self._leave()
            self.post_message(self.Kept(event.value))

    def action_older(self) -> None:
        """Show the filter that was kept before this one."""
        self._show(self.history.older(self.text))

    def action_newer(self) -> None:
        """Show the filter that was kept after this one."""
        self._show(self.history.newer(self.text))

    def _show(self, text: str) -> None:
        self.field.value = text
        self.field.cursor_position = len(text)
