"""The detail of what the cursor is on, beside the tree or under it.

What must stay true: nothing is asked for or drawn while the cursor moves, only once it has rested.
"""

from textual.content import Content
from textual.message import Message
from textual.timer import Timer

from icat_tui.tui.state.nodes import Node
from icat_tui.tui.widgets.text_pane import TextView

REST = 0.1
"""Seconds without a move after which the detail is shown."""


class DetailPane(TextView):
    """Pane with a text, which posts when the cursor has come to rest."""

    DEFAULT_CSS = """
    DetailPane { background: $background; color: $foreground; padding: 0 1; }
    DetailPane { scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    class CursorRested(Message):
        """Message: the cursor has stayed on a row for as long as `REST`."""

        def __init__(self, node: Node | None) -> None:
            """Take what it is on."""
            super().__init__()
            self.node = node

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show nothing yet."""
        super().__init__(id=id)
        self.title = "detail"
        self._timer: Timer | None = None
        self._shown: Content | None = None

    def follow(self, node: Node | None) -> None:
        """Take note of where the cursor is now; `CursorRested` is posted if it stays there."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(REST, lambda: self.post_message(self.CursorRested(node)))

    def show(self, content: Content, about: str) -> None:
        """Show a text about something from its beginning; nothing is drawn where it is shown already."""
        self.show_title(about)
        if self._shown is not None and self._shown.is_same(content):
            return
        self._shown = content
        self.show_text(content)
        self.scroll_home(animate=False)
