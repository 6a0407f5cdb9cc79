"""The visible rows of groups and sessions, made from what is in view and what is open."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from icat_tui.domain.summary import DatasetEntry, entries
from icat_tui.tui.state.in_view import SessionsInView
from icat_tui.tui.state.nodes import Level, Node, Place, session_nodes
from icat_tui.tui.state.open_places import OpenPlaces
from icat_tui.tui.state.order import Order


class RowBuilder:
    """Maker of rows, those of a group or a session at a time."""

    def __init__(self, sessions: SessionsInView, opened: OpenPlaces) -> None:
        """Show what is in view as it is open."""
        self._sessions, self._opened = sessions, opened

    def can_open(self, node: Node) -> bool:
        """Return whether there is anything below a node."""
        if node.level == Level.SESSION:
            return any(self._sessions.at(node.place).counts)
        return node.level != Level.DATASET

    def datasets(self, place: Place, also: Sequence[str] = ()) -> list[DatasetEntry]:
        """Return the datasets of a session that the filter lets through, and those at the paths of `also`."""
        row, to = self._sessions.at(place), self._sessions.filter
        return to.kept(row, frozenset(also)) if to.active else entries(row)

    def everything(self, before: list[Node]) -> list[Node]:
        """Return the rows of all that is shown; `before` is what was visible: of that nothing vanishes by itself."""
        return [
            node
            for _, places in groupby(self._sessions.shown_places(), itemgetter(0))
            for node in self.group(list(places), before)
        ]

    def group(self, places: list[Place], before: list[Node]) -> Iterator[Node]:
        """Yield the rows of one proposal (or beamline): its sessions are `places`, at least one."""
        if places[0][1] == places[-1][1]:
            yield from self.inner(places, Node(places[0][: Level.INNER], 0, 1), before)
            return
        outer = Node(places[0][: Level.OUTER], 0)
        yield outer
        if outer.place in self._opened:
            for _, inner in groupby(places, itemgetter(1)):
                below = list(inner)
                yield from self.inner(below, Node(below[0][: Level.INNER], 1), before)

    def inner(self, places: list[Place], inner: Node, before: list[Node]) -> Iterator[Node]:
        """Yield the rows of the sessions of one proposal at one beamline, which is the node `inner`."""
        if len(places) == 1:
            yield from self.session(Node(places[0], inner.depth, inner.folded + 1), before)
            return
        yield inner
        if inner.place in self._opened:
            for place in places:
                yield from self.session(Node(place, inner.depth + 1), before)

    def session(self, node: Node, before: list[Node]) -> Iterator[Node]:
        """Yield a session and, if it is open, what is shown in it; what was shown stays, whatever the filter says."""
        if not self.can_open(node) or node.place not in self._opened:
            yield node
            return
        start, end = span(before, node.place, self._sessions.order)
        shown = [node.dataset.path for node in before[start:end] if node.dataset]
        datasets = self.datasets(node.place, shown)
        collections = {entry.collection for entry in datasets}
        yield node._replace(within=collections.pop()) if len(collections) == 1 else node
        yield from session_nodes(node.place, node.depth + 1, datasets, self._opened.__contains__)


def row_at(rows: list[Node], place: Place, order: Order) -> int:
    """Return which row a place has, or would have."""
    return bisect_left(rows, order.key(place), key=lambda node: order.key(node.place))


def span(rows: list[Node], place: Place, order: Order) -> tuple[int, int]:
    """Return from where to where a node and what is visible below it are."""
    start = row_at(rows, place, order)
    return start, bisect_left(rows, order.after(place), start, key=lambda node: order.key(node.place))
