"""The last line: which keys do something on this row.

What must stay true: it is drawn anew only where it says something else.
"""

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from icat_tui.text import visible

Key = tuple[str, str]
"""A key and what it does."""


class KeyLine(Widget):
    """Line of keys, as many as there is room for."""

    DEFAULT_CSS = "KeyLine { height: 1; background: $footer-background; color: $footer-foreground; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show nothing yet."""
        super().__init__(id=id)
        self._keys: tuple[Key, ...] = ()

    def show(self, keys: Sequence[Key]) -> None:
        """Show these."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self.refresh()

    def render(self) -> Content:
        """Return the keys that there is room for, from the first; the last, which is the help, always."""
        bold = "bold $footer-key-foreground"
        parts = [Content.assemble((visible(key), bold), f" {text}") for key, text in self._keys]
        if not parts:
            return Content()
        *others, last = parts
        room = self.size.width - last.cell_length
        fitting: list[Content] = []
        for part in others:
            room -= part.cell_length + 2
            if room < 0:
                break
            fitting.append(part)
        return Content("  ").join([*fitting, last])
