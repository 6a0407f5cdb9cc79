"""What is kept from one start to the next: earlier filters, for ↑ and ↓ in the filter line, and the order of the tree.

What must stay true: the file is a convenience. Whatever is in it, and whether it can be read or written or not, nobody
is kept from working, and nothing in it reaches the terminal as it is.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from icat_tui.atomic import write_file
from icat_tui.domain.errors import SaveError
from icat_tui.regular_file import open_regular
from icat_tui.text import visible
from icat_tui.tui.state.order import SortBy

log = logging.getLogger("icat_tui")
FILE = "filters.txt"
"""Name of the file, in the user's own directory of state: a filter a line, the newest last."""
ORDER_FILE = "order.txt"
"""Name of the file there with what the tree is sorted by."""
KEPT = 100
LONGEST = 500
"""Characters of a filter that is kept."""
READ_AT_MOST = 1 << 17
"""Bytes of the file: enough for all that is kept."""
FILE_MODE = 0o600


class FilterHistory:
    """Filters that were kept, with the place among them where a person is looking."""

    def __init__(self, filters: Iterable[str] = ()) -> None:
        """Begin with filters of earlier times, the newest last."""
        self._filters = _limited(filters)
        self._place = len(self._filters)
        self._draft = ""
        """What was being typed when a person began to look."""

    @property
    def filters(self) -> tuple[str, ...]:
        """All of them, the newest last."""
        return tuple(self._filters)

    def add(self, text: str) -> None:
        """Keep a filter, as the newest."""
        self._filters = _limited([*self._filters, text])
        self._place = len(self._filters)

    def older(self, typed: str) -> str:
        """Return the filter before the one that is shown; the oldest has none before it."""
        if self._place == len(self._filters):
            self._draft = typed
        self._place = max(0, self._place - 1)
        return self._shown()

    def newer(self, typed: str) -> str:
        """Return the one after it; after the newest, what was being typed."""
        if self._place == len(self._filters):
            return typed
        self._place += 1
        return self._shown()

    def _shown(self) -> str:
        return self._filters[self._place] if self._place < len(self._filters) else self._draft

    def leave(self) -> None:
        """Begin at the newest next time."""
        self._place = len(self._filters)


def _limited(filters: Iterable[str]) -> list[str]:
    """Return filters as they are kept: each once, where it was last, and none that would be too long."""
    shown = (visible(text.strip()) for text in filters)
    newest_first = dict.fromkeys(reversed([text for text in shown if text and len(text) <= LONGEST]))
    return [*newest_first][:KEPT][::-1]


def read_filters(path: Path) -> list[str]:
    """Return the filters in a file, the newest last; none where it can't be read."""
    return _limited(_text_of(path).split("\n"))


def keep_filter(path: Path, text: str) -> None:
    """Add a filter to the file; what another run has added stays."""
    _keep(path, "".join(f"{each}\n" for each in _limited([*read_filters(path), text])))


def read_order(path: Path) -> SortBy:
    """Return what the tree was sorted by; by path where that can't be read."""
    word = _text_of(path).strip()
    return SortBy(word) if word in list(SortBy) else SortBy.PATH


def keep_order(path: Path, by: SortBy) -> None:
    """Keep what the tree is sorted by."""
    _keep(path, f"{by}\n")


def _text_of(path: Path) -> str:
    try:
        with open_regular(path) as file:
            return file.read(READ_AT_MOST).decode(errors="replace")
    except OSError as error:
        log.debug("Nothing kept from before: %s", error)
        return ""


def _keep(path: Path, text: str) -> None:
    try:
        write_file(path, text.encode(errors="replace"), mode=FILE_MODE)
    except SaveError as error:
        log.debug("%s", error)
