"""The orders of this run: what was confirmed, when, and what has become of it by now."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from icat_tui.text import visible
from icat_tui.tui.screens.dialog import Dialog, hint
from icat_tui.tui.widgets.text_pane import TextView


class OrderList(Dialog[None]):
    """Dialog with a line for each order, which is as things are now."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,p", "leave", "close", tooltip="Close the list")]

    def __init__(self, lines: Callable[[], Sequence[str]]) -> None:
        """Show these lines, asked for each second."""
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Lay out the orders."""
        with Vertical(id="box"):
            yield Static(Content("Orders of this run"), classes="title")
            yield TextView(self._text())
            yield Static(hint(("esc", "close; J has the orders of all")), classes="hint")

    def on_mount(self) -> None:
        """Keep up with what is sent."""
        self.query_one(TextView).focus()
        self.set_interval(1.0, lambda: self.query_one(TextView).show_text(self._text()))

    def _text(self) -> Content:
        lines = map(visible, self._lines())
        return Content("\n".join(lines) or "nothing was confirmed yet: r, w and A register")
