"""The detail of what the cursor is on, beside the tree or under it.

What must stay true: nothing is asked for or drawn while the cursor moves, only once it has rested.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from icat_tui.settings.keymap import DEFAULT_KEYS
from icat_tui.tui.state.nodes import Node

REST = 0.1
"""Seconds without a move after which the detail is shown."""


class DetailPane(VerticalScroll):
    """Pane with a text, which posts when the cursor has come to rest."""

    DEFAULT_CSS = """
    DetailPane { background: $background; color: $foreground; padding: 0 1; }
    DetailPane { scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            DEFAULT_KEYS["detail.down"],
            "scroll_down",
            "Down",
            show=False,
            id="detail.down",
            tooltip="Scroll the detail down",
        ),
        Binding(
            DEFAULT_KEYS["detail.up"], "scroll_up", "Up", show=False, id="detail.up", tooltip="Scroll the detail up"
        ),
    ]

    class CursorRested(Message):
        """Message: the cursor has stayed on a row for as long as `REST`."""

        def __init__(self, node: Node | None) -> None:
            """Take what it is on."""
            super().__init__()
            self.node = node

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show nothing yet."""
        super().__init__(id=id)
        self._timer: Timer | None = None
        self._shown: Content | None = None

    def compose(self) -> ComposeResult:
        """Make the text."""
        yield Static(Content())

    def follow(self, node: Node | None) -> None:
        """Take note of where the cursor is now; `CursorRested` is posted if it stays there."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(REST, lambda: self.post_message(self.CursorRested(node)))

    def show(self, content: Content) -> None:
        """Show a text from its beginning; nothing is drawn where it is shown already."""
        if self._shown is not None and self._shown.is_same(content):
            return
        self._shown = content
        self.query_one(Static).update(content)
        self.scroll_home(animate=False)
