"""The log: each message with its receipt or error, and the command that does the same.

What must stay true: what is written is text, made visible, never markup.
"""

from typing import ClassVar

from msgspec import Struct
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.strip import Strip
from textual.widgets import RichLog

from icat_tui.text import visible
from icat_tui.tui.theme import STATUS_CLASSES, STATUS_CSS
from icat_tui.tui.widgets.text_pane import TEXT_BINDINGS, TextPane
from icat_tui.tui.widgets.text_search import HIT

KEPT = 5000
"""How many lines are kept."""


class LogEntry(Struct, frozen=True, kw_only=True):
    """Entry of the log."""

    time: str
    """As it is shown: `14:03:12`."""
    text: str
    colour: str = ""
    command: str = ""
    """A shell command that does the same."""


class LogPane(RichLog, TextPane):
    """Pane with the log, the latest entry at the bottom."""

    DEFAULT_CSS = f"""
    LogPane {{
        background: $panel;
        color: $foreground;
        scrollbar-size-vertical: 1;
        {STATUS_CSS}
    }}
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = STATUS_CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [*TEXT_BINDINGS]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        """Show nothing yet."""
        super().__init__(max_lines=KEPT, wrap=True, highlight=False, markup=False, id=id)
        self.title = "log"
        self._found: int | None = None
        """The line that was found."""

    def add(self, entry: LogEntry) -> None:
        """Add an entry."""
        text = Text(f"{entry.time} ")
        text.append(visible(entry.text), self._style(entry.colour))
        if entry.command:
            text.append(f"\n         $ {visible(entry.command)}")
        self.write(text)

    def text_lines(self) -> list[str]:
        """Return the lines as they are drawn."""
        return [line.text for line in self.lines]

    def mark_line(self, line: int | None) -> None:
        """Mark a line as found, or none."""
        self._found = line
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a line, reversed where it is the one that was found."""
        strip = super().render_line(y)
        return strip.apply_style(HIT) if self.scroll_offset.y + y == self._found else strip

    def _style(self, colour: str) -> Style:
        return self.get_component_rich_style(f"status--{colour}", partial=True) if colour else Style.null()
