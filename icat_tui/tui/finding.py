"""Which sessions there are: as the cache has them, then as they are found on disk. For threads."""

import time
from collections.abc import Callable, Sequence

from icat_tui.cache.session_index import Changes
from icat_tui.domain.model import SessionDirectory
from icat_tui.tui.workplace import Workplace

TOGETHER = 0.3
"""Seconds for which what is found is collected before it is told."""


def check_cache(place: Workplace, tell: Callable[[Changes], None]) -> None:
    """Tell of what the cache says now and the index did not; write the index. Raises SaveError."""
    for changes in place.index.check(place.stop):
        tell(changes)
    place.index.save()


def discover(place: Workplace, tell: Callable[[Sequence[SessionDirectory], Sequence[str]], None]) -> None:
    """Tell of the sessions that were asked for as they are found, and of directories that can't be listed."""
    found: list[SessionDirectory] = []
    troubles: list[str] = []
    told = time.monotonic()
    for each in place.found():
        if place.stop:
            return
        if isinstance(each, SessionDirectory):
            found.append(each)
        else:
            troubles.append(f"{each.path}: {each.reason}")
        if time.monotonic() - told > TOGETHER:
            tell(found, troubles)
            found, troubles, told = [], [], time.monotonic()
    tell(found, troubles)
