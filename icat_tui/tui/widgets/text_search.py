"""Search in texts on the screen: the lines as they are drawn, the one that was found drawn reversed.

What must stay true: what was found is told in words ("2 of 5") beside the mark, which no colour carries alone.
"""

from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip
from textual.widgets import Static

HIT = Style(reverse=True)


class TextLines(Static):
    """Text one of whose lines can be marked as found."""

    hit: int | None = None
    """The line that is marked."""

    def render_line(self, y: int) -> Strip:
        """Return a line, reversed where it is the one that was found."""
        strip = super().render_line(y)
        return strip.apply_style(HIT) if y == self.hit else strip

    @property
    def lines(self) -> list[str]:
        """The lines as they are drawn."""
        return [super(TextLines, self).render_line(y).text for y in range(self.size.height)]

    def mark(self, line: int | None) -> None:
        """Mark a line, or none."""
        self.hit = line
        self.refresh()


class TextSearch:
    """Search for a text, and where it has come to."""

    def __init__(self, wanted: str, lines: Sequence[str], first: int) -> None:
        """Begin at the first hit from line `first` on, else at the very first."""
        self._wanted = wanted
        folded = wanted.casefold()
        self._hits = [number for number, line in enumerate(lines) if folded in line.casefold()]
        self._at = next((place for place, number in enumerate(self._hits) if number >= first), 0)

    @property
    def line(self) -> int | None:
        """The line that it has come to; None: nothing was found."""
        return self._hits[self._at] if self._hits else None

    @property
    def told(self) -> str:
        """What is told of it: "LaB6: 2 of 5"."""
        if not self._hits:
            return f"{self._wanted}: not found"
        return f"{self._wanted}: {self._at + 1:,} of {len(self._hits):,}"

    def step(self, step: int) -> None:
        """Go to the next hit, or to the one before; after the last comes the first."""
        if self._hits:
            self._at = (self._at + step) % len(self._hits)
