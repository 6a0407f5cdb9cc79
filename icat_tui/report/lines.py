"""Lines of text with a colour, printed plainly or by rich.

What must stay true: names in a line have been made visible (`text.visible`), and its text is never markup.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.text import Text


STYLES = {"grey": "bright_black"}
"""Names that rich has for colours of `domain.status`, where they differ."""


class Line(NamedTuple):
    """Line of text with the name of its colour; names in it have been made visible."""

    text: str = ""
    colour: str = ""


def plain(lines: Iterable[Line]) -> str:
    """Return lines as text for a pipe or a file, each with its line break."""
    return "".join(f"{line.text}\n" for line in lines)


def coloured(lines: Iterable[Line]) -> "Text":
    """Return lines for rich's console, to be printed with `end=""` and `soft_wrap=True`."""
    from rich.text import Text  # noqa: PLC0415 - runs that print nothing in colour need not wait for it

    text = Text()
    for line in lines:
        text.append(f"{line.text}\n", STYLES.get(line.colour, line.colour))
    return text
