"""Sums over sessions: how many there are of each category, and how many datasets with each status.

What must stay true: they are those of the sessions that were put in, each once; to put one in or take it out costs the
same however many there are.
"""

from collections import Counter
from collections.abc import Iterable

from icat_tui.domain.status import Category
from icat_tui.domain.summary import STATUSES, Counts
from icat_tui.tui.state.nodes import PRESSING, Tally

Categories = Counter[Category | None]
"""Number of sessions of each category; None: not scanned yet."""


class SessionSums:
    """Sums over sessions that come, change and go."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts_of: dict[str, Counts] = {}
        self._category_of: dict[str, Category | None] = {}
        """Two tables rather than one of pairs: 20,000 pairs would be looked at in each collection of garbage."""
        self._counts = [0] * len(STATUSES)
        self._categories: Categories = Counter()

    def __contains__(self, path: str) -> bool:
        """Return whether a session is in it."""
        return path in self._counts_of

    def put(self, path: str, category: Category | None, counts: Counts) -> None:
        """Take in a session, or what it is now."""
        if path in self._counts_of:
            self.remove(path)
        self._counts_of[path], self._category_of[path] = counts, category
        self._categories[category] += 1
        self._add(counts, 1)

    def remove(self, path: str) -> None:
        """Leave out a session, if it is in it."""
        if path in self._counts_of:
            self._categories[self._category_of.pop(path)] -= 1
            self._add(self._counts_of.pop(path), -1)

    def _add(self, counts: Counts, times: int) -> None:
        sums = self._counts
        for place, number in enumerate(counts):
            if number:
                sums[place] += times * number

    def counts_of(self, path: str) -> Counts:
        """Return the datasets of a session by status; empty where it is not in it."""
        return self._counts_of.get(path, ())

    def total(self) -> Tally:
        """Return what all sessions have together."""
        return Tally(_sign(self._categories), tuple(self._counts))

    def categories(self) -> Categories:
        """Return the number of sessions of each category that there is."""
        return +self._categories

    def of(self, paths: Iterable[str]) -> Tally:
        """Return what some of the sessions have together."""
        together = list(paths)
        counts = zip(*(counts for path in together if (counts := self._counts_of[path])), strict=True)
        return Tally(_sign(self.categories_of(together)), tuple(map(sum, counts)))

    def categories_of(self, paths: Iterable[str]) -> Categories:
        """Return the number of some of the sessions by category."""
        return Counter(self._category_of[path] for path in paths)


def _sign(categories: Categories) -> Category | None:
    return next((category for category in PRESSING if categories[category]), None)
