"""Filters that were kept before, for ↑ and ↓ in the filter line, and the file that has them from one start to the next.

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

log = logging.getLogger("icat_tui")
FILE = "filters.txt"
"""Name of the file, in the user's own directory of state: a filter a line, the newest last."""
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
    try:
        with open_regular(path) as file:
            content = file.read(READ_AT_MOST)
    except OSError as error:
        log.debug("No earlier filters: %s", error)
        return []
    return _limited(content.decode(errors="replace").split("\n"))


def keep_filter(path: Path, text: str) -> None:
    """Add a filter to the file; what another run has added stays."""
    lines = "".join(f"{each}\n" for each in _limited([*read_filters(path), text]))
    try:
        write_file(path, lines.encode(errors="replace"), mode=FILE_MODE)
    except SaveError as error:
        log.debug("%s", error)
