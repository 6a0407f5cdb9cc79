"""The sessions in view: a selection of those that are known, their order, and sums over groups of them.

What must stay true: it holds no session itself. Rows are looked up where they are owned, so nothing here can be older
than what is known; only the order, the filter's choice and the sums are kept.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from icat_tui.domain.summary import Counts, SessionRow
from icat_tui.tui.state.filtering import Filter
from icat_tui.tui.state.nodes import Level, Place, Tally, above, place_of, turned
from icat_tui.tui.state.order import Order, SortBy
from icat_tui.tui.state.session_sums import Categories, SessionSums

MANY = 50
"""From how many new sessions on it is faster to sort than to insert."""


class SessionsInView(Mapping[str, SessionRow]):
    """Rows of the sessions in view by path, as a read-only view on all that are known."""

    def __init__(self, known: Mapping[str, SessionRow], *, beamline_first: bool) -> None:
        """Begin with no session of `known` in view."""
        self._known = known
        self._paths: set[str] = set()
        self.beamline_first = beamline_first
        self.filter = Filter()
        self.order = Order(SortBy.PATH, known)
        self.places: list[Place] = []
        """Of all sessions in view, sorted."""
        self._let_through = self.places
        """Of those that the filter lets through, sorted."""
        self._sums = SessionSums()
        """Of all sessions in view."""
        self._shown_sums = self._sums
        """Of those that the filter lets through, and of the datasets in them that it lets through."""
        self._tallies: dict[Place, Tally] = {}

    def __getitem__(self, path: str) -> SessionRow:
        """Return the row of a session in view. Raises KeyError."""
        if path not in self._paths:
            raise KeyError(path)
        return self._known[path]

    def __iter__(self) -> Iterator[str]:
        """Yield the paths of the sessions in view."""
        return iter(self._paths)

    def __len__(self) -> int:
        """Return how many sessions are in view."""
        return len(self._paths)

    def rows(self) -> Iterator[SessionRow]:
        """Yield the rows of the sessions in view; much faster than `values`."""
        return (self._known[path] for path in self._paths)

    # -- lookups ---------------------------------------------------------------------------------------------------

    def at(self, place: Place) -> SessionRow:
        """Return the session that a place is, or lies in."""
        return self._known[place[3]]

    def shown(self) -> list[str]:
        """Return the paths of the sessions that the filter lets through, whether what they lie in is open or not."""
        return [place[3] for place in self._let_through]

    def shown_places(self) -> Sequence[Place]:
        """Return the places of the sessions that the filter lets through, sorted."""
        return self._let_through

    def shows(self, path: str) -> bool:
        """Return whether the filter lets a session through."""
        return self.shows_place(place_of(self._known[path], beamline_first=self.beamline_first))

    def shows_place(self, place: Place) -> bool:
        """Return whether the filter lets the session at a place through."""
        found = bisect_left(self._let_through, self.order.key(place), key=self.order.key)
        return found < len(self._let_through) and self._let_through[found] == place

    def within(self, group: Place) -> list[Place]:
        """Return the places of the sessions of a group that the filter lets through."""
        order, places = self.order, self._let_through
        start = bisect_left(places, order.key(group), key=order.key)
        return places[start : bisect_left(places, order.after(group), start, key=order.key)]

    def next_group(self, searched: Place) -> list[Place]:
        """Return all sessions of the first outer group after one; `searched` empty: of the very first."""
        order = self.order
        start = bisect_left(self.places, order.after(searched), key=order.key) if searched else 0
        if start == len(self.places):
            return []
        outer = self.places[start][: Level.OUTER]
        return self.places[start : bisect_left(self.places, order.after(outer), start, key=order.key)]

    # -- sums ------------------------------------------------------------------------------------------------------

    def totals(self) -> Tally:
        """Return what sessions and datasets have together that the filter lets through."""
        return self._shown_sums.total()

    def all_totals(self) -> Tally:
        """Return what all sessions in view have together, whatever the filter lets through."""
        return self._sums.total()

    def categories(self) -> Categories:
        """Return the number of sessions by category that the filter lets through."""
        return self._shown_sums.categories()

    def counts_of(self, place: Place) -> Counts:
        """Return the datasets by status that the filter lets through in the session at a place."""
        return self._shown_sums.counts_of(place[3])

    def tally_of(self, group: Place) -> Tally:
        """Return what the sessions of a group have together that the filter lets through."""
        if group not in self._tallies:
            self._tallies[group] = self._shown_sums.of(place[3] for place in self.within(group))
        return self._tallies[group]

    def categories_of(self, group: Place) -> dict[Place, Categories]:
        """Return the number of sessions by category that the filter lets through, for each entry of an outer group."""
        inner = groupby(self.within(group), lambda place: place[: Level.INNER])
        return {entry: self._shown_sums.categories_of(place[3] for place in places) for entry, places in inner}

    # -- changes ---------------------------------------------------------------------------------------------------

    def add(self, paths: Iterable[str]) -> tuple[list[Place], list[Place]]:
        """Take sessions into view whose rows are new or have changed; return the places new in view, and the others."""
        new: list[Place] = []
        changed: list[Place] = []
        for path in paths:
            (changed if path in self._paths else new).append(
                place_of(self._known[path], beamline_first=self.beamline_first)
            )
            self._paths.add(path)
            self._put(path)
        for place in (*new, *changed):
            for group in above(place):
                self._tallies.pop(group, None)
        self.order.add(new)
        self._insert(self.places, new)
        return new, changed

    def _put(self, path: str) -> None:
        row = self._known[path]
        self._sums.put(path, row.category, row.counts)
        if self._shown_sums is not self._sums and path in self._shown_sums:
            self._shown_sums.put(path, row.category, self.filter.counts(row))

    def _put_shown(self, places: Iterable[Place]) -> None:
        for place in places:
            row = self._known[place[3]]
            self._shown_sums.put(place[3], row.category, self.filter.counts(row))

    def let_through(self, places: Iterable[Place]) -> None:
        """Add sessions in view to those that the filter lets through."""
        shown = list(places)
        self._insert(self._let_through, shown)
        self._put_shown(shown)

    def let_through_next(self, places: Collection[Place]) -> None:
        """Do the same for sessions that come after all that are let through already, in order."""
        self._let_through.extend(places)
        self._put_shown(places)

    def remove(self, paths: Iterable[str]) -> None:
        """Take sessions out of view."""
        gone = self._paths.intersection(paths)
        self._paths -= gone
        for path in gone:
            self._sums.remove(path)
            self._shown_sums.remove(path)
        self.places[:] = [place for place in self.places if place[3] not in gone]
        if self._let_through is not self.places:
            self._let_through[:] = [place for place in self._let_through if place[3] not in gone]
        self._tallies.clear()

    def turn(self) -> None:
        """Change the order of proposals and beamlines; the filter is to be applied anew."""
        self.beamline_first = not self.beamline_first
        self.places[:] = map(turned, self.places)
        self.sort(self.order.by)

    def sort(self, by: SortBy) -> None:
        """Sort anew, by what is known now; the filter is to be applied anew."""
        self.order = Order(by, self._known, self.places)
        self.places.sort(key=self.order.key)
        self._tallies.clear()

    def narrow(self, to: Filter) -> None:
        """Let through what a filter does: everything at once without one, else what `let_through` adds."""
        self.filter = to
        self._let_through = [] if to.active else self.places
        self._shown_sums = SessionSums() if to.active else self._sums
        self._tallies = {}

    def _insert(self, places: list[Place], new: list[Place]) -> None:
        if len(new) < MANY:
            for place in new:
                insort(places, place, key=self.order.key)
        else:
            places.extend(new)
            places.sort(key=self.order.key)
