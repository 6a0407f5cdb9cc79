"""A line for a person, and its colour."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.text import Text


STYLES = {"grey": "bright_black"}
"""rich's word for a colour of `domain.status`, where it is another one."""


class Line(NamedTuple):
    """A line of text and the colour name of all of it; what stands in it has been made visible."""

    text: str = ""
    colour: str = ""


def plain(lines: Iterable[Line]) -> str:
    """Return lines as they go into a pipe or a file, each with its line break."""
    return "".join(f"{line.text}\n" for line in lines)


def coloured(lines: Iterable[Line]) -> "Text":
    """Return the same for rich's console, to be printed with `end=""` and `soft_wrap=True`."""
    from rich.text import Text  # noqa: PLC0415 - runs that print nothing in colour need not wait for it

    text = Text()
    for line in lines:
        text.append(f"{line.text}\n", STYLES.get(line.colour, line.colour))
    return text
