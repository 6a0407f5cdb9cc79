"""Notices over the lower edge of the panes: the last two things that a person should know.

What must stay true: they cover neither dialogs nor what is typed into, nor the status line and the keys; any key takes
them away, and once they are gone nothing of them is drawn. All of them are in the log too.
"""

import time

from msgspec import Struct
from textual.content import Content
from textual.widget import Widget

from icat_tui.text import visible
from icat_tui.tui.theme import style

MOST = 2
"""Notices that are shown at once."""
SPARE = 10
"""Columns that a break between words may leave empty."""


class Notice(Struct, frozen=True):
    """Text that is shown for a while."""

    text: str
    """Made visible."""
    colour: str
    until: float
    """When it goes by itself, on the monotonic clock."""
    count: int = 1
    """How often it came."""

    def content(self) -> Content:
        """Return it with how often it came."""
        times = f" ({self.count:,}×)" if self.count > 1 else ""  # noqa: RUF001 - times, not the letter
        return Content.styled(f"{self.text}{times}", style(self.colour))


class Notices(Widget):
    """The last notices, one below the other."""

    DEFAULT_CSS = """
    Notices {
        layer: notices;
        dock: bottom;
        display: none;
        width: 100%;
        height: auto;
        max-height: 4;
        padding: 0 1;
        background: $panel;
        color: $foreground;
    }
    .-short Notices { max-height: 2; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show nothing yet."""
        super().__init__(id=id)
        self.shown: list[Notice] = []

    def add(self, text: str, colour: str = "", seconds: float = 6.0) -> None:
        """Show a text for a while; one that is shown already is counted."""
        text = " ".join(visible(line) for line in text.splitlines())
        same = [each for each in self.shown if each.text == text]
        count = sum(each.count for each in same) + 1
        others = [each for each in self.shown if each.text != text]
        self._put([*others, Notice(text, colour, time.monotonic() + seconds, count)][-MOST:])
        self.set_timer(seconds + 0.05, self._drop_old)

    def clear(self) -> None:
        """Show nothing."""
        self._put([])

    def render(self) -> Content:
        """Return one notice below the other; what is too long is cut off, the log has it."""
        rows = self._rows_each()
        width = max(1, self.container_size.width - 2)
        return Content("\n").join(
            each.content().truncate(max(1, rows * width - (rows - 1) * SPARE), ellipsis=True) for each in self.shown
        )

    def _rows_each(self) -> int:
        return 1 if self.screen.has_class("-short") else 2

    def _drop_old(self) -> None:
        now = time.monotonic()
        self._put([each for each in self.shown if each.until > now])

    def _put(self, notices: list[Notice]) -> None:
        if notices == self.shown:
            return
        self.shown = notices
        self.display = bool(notices)
        if notices:
            self.refresh(layout=True)
