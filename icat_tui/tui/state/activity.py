"""What is going on and can be stopped."""

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Activity(NamedTuple):
    """Scan, look, verification or sending under way."""

    since: float
    """Of `time.monotonic`."""
    noun: str
    """For the footer: `esc Stop the scan`."""
    stop: Callable[[], None]
    question: str = ""
    """What is asked before it is stopped; empty: nothing."""


def next_to_stop(activities: Iterable[Activity]) -> Activity | None:
    """Return what `esc` stops: the youngest of those that need no question, else the youngest."""
    return max(activities, key=lambda each: (not each.question, each.since), default=None)
