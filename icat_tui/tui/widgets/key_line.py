"""The last line: which keys do something on this row.

What must stay true: it is drawn anew only where it says something else.
"""

from collections.abc import Sequence

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from icat_tui.text import visible
from icat_tui.tui.key_actions import FooterKey

GAP = 2
"""Columns between two keys."""


class KeyLine(Widget):
    """Line of keys, as many as there is room for."""

    DEFAULT_CSS = "KeyLine { height: 1; background: $footer-background; color: $footer-foreground; }"

    class Clicked(Message):
        """Message: a key was clicked."""

        def __init__(self, identity: str) -> None:
            """Take the id of its binding."""
            super().__init__()
            self.identity = identity

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show nothing yet."""
        super().__init__(id=id)
        self._keys: tuple[FooterKey, ...] = ()

    def show(self, keys: Sequence[FooterKey]) -> None:
        """Show these."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self.refresh()

    def render(self) -> Content:
        """Return the keys that there is room for."""
        return Content("  ").join([_part(key) for key in self._fitting()])

    def _fitting(self) -> list[FooterKey]:
        """Return the keys that there is room for, from the first; the last, which is the help, always."""
        if not self._keys:
            return []
        *others, last = self._keys
        room = self.size.width - _part(last).cell_length
        fitting: list[FooterKey] = []
        for key in others:
            room -= _part(key).cell_length + GAP
            if room < 0:
                break
            fitting.append(key)
        return [*fitting, last]

    def on_click(self, event: Click) -> None:
        """Say which key was clicked."""
        start = 0
        for key in self._fitting():
            end = start + _part(key).cell_length
            if start <= event.x < end:
                self.post_message(self.Clicked(key.id))
                return
            start = end + GAP


def _part(key: FooterKey) -> Content:
    return Content.assemble((visible(key.key), "bold $footer-key-foreground"), f" {key.does}")
