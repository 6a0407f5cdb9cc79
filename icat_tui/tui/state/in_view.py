"""The sessions in view: a selection of those that are known, their order, and sums over groups of them.

What must stay true: it holds no session itself. Rows are looked up where they are owned, so nothing here can be older
than what is known; only the order, the filter's choice and the sums are kept.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence

from icat_tui.domain.summary import SessionRow
from icat_tui.tui.state.filtering import Filter
from icat_tui.tui.state.nodes import Level, Place, Tally, above, place_of, tally, turned
from icat_tui.tui.state.order import Order, SortBy

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
        """Return what all sessions in view have together, whatever the filter lets through."""
        if () not in self._tallies:
            self._tallies[()] = tally(list(self.rows()))
        return self._tallies[()]

    def tally_of(self, group: Place) -> Tally:
        """Return what the sessions of a group have together that the filter lets through."""
        if group not in self._tallies:
            self._tallies[group] = tally([self.at(place) for place in self.within(group)])
        return self._tallies[group]

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
        for place in (*new, *changed):
            for group in ((), *above(place)):
                self._tallies.pop(group, None)
        self.order.add(new)
        self._insert(self.places, new)
        return new, changed

    def let_through(self, places: Iterable[Place]) -> None:
        """Add sessions in view to those that the filter lets through."""
        self._insert(self._let_through, list(places))

    def let_through_next(self, places: Iterable[Place]) -> None:
        """Do the same for sessions that come after all that are let through already, in order."""
        self._let_through.extend(places)

    def remove(self, paths: Iterable[str]) -> None:
        """Take sessions out of view."""
        gone = self._paths.intersection(paths)
        self._paths -= gone
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
        self._tallies = {}

    def _insert(self, places: list[Place], new: list[Place]) -> None:
        if len(new) < MANY:
            for place in new:
                insort(places, place, key=self.order.key)
        else:
            places.extend(new)
            places.sort(key=self.order.key)
