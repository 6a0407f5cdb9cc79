"""The tree of sessions as plain data: which rows are visible, where the cursor is, what is open and what is marked.

What must stay true: the rows are sorted by their places, and whatever comes in (sessions found, scanned, dropped)
leaves the cursor on what it was on. Only what is open has nodes; the rest are small values and strings.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from icat_tui.domain.status import ATTENTION, ATTENTION_STATUSES
from icat_tui.domain.summary import DatasetEntry, SessionRow, entries
from icat_tui.tui.state.filtering import Filter, Match
from icat_tui.tui.state.marks import Marks
from icat_tui.tui.state.nodes import (
    Level,
    Node,
    Place,
    Tally,
    above,
    after,
    collection_nodes,
    place_of,
    session_nodes,
    tally,
)

OPENED_AT_MOST = 1000
"""How many rows a filter opens by itself."""
SEARCHED_TOGETHER = 2000
"""How many sessions are searched before hits are shown and keys are read again: a few milliseconds."""
MANY = 50
"""From how many new sessions or groups on it is faster to sort or to build everything anew."""


class TreeModel:
    """What the tree shows, and how that changes.

    `rows` are the visible nodes from top to bottom, `cursor` is one of them (0 where there are none).
    """

    def __init__(self, *, beamline_first: bool = False, groups_open: bool = False) -> None:
        """Make a tree without sessions; `groups_open`: proposals and beamlines show their sessions at first."""
        self.sessions: dict[str, SessionRow] = {}
        self.rows: list[Node] = []
        self.cursor = 0
        self.marks = Marks()
        self.filter = Filter()
        self.beamline_first = beamline_first
        self.groups_open = groups_open
        self._places: list[Place] = []
        self._shown = self._places
        """Places of the sessions that the filter lets through."""
        self._turned: set[Place] = set()
        """What was opened or closed by hand, without a filter."""
        self._opened: set[Place] = set()
        """What is open under the filter."""
        self._tallies: dict[Place, Tally] = {}
        self._searched: Place | None = None
        """Up to where the filter has been applied; None: everywhere."""
        self._budget = OPENED_AT_MOST
        self._wanted: Place | None = None
        """Where the cursor was when the search began."""

    # -- what comes in ---------------------------------------------------------------------------------------------

    def put(self, rows: Iterable[SessionRow]) -> None:
        """Take in sessions, found, indexed or scanned; one that is known already is replaced."""
        new: list[Place] = []
        changed: list[Place] = []
        for row in rows:
            place = place_of(row, beamline_first=self.beamline_first)
            known = self.sessions.get(row.directory.path)
            self.sessions[row.directory.path] = row
            if known is None:
                new.append(place)
            elif known != row:
                changed.append(place)
        for place in (*new, *changed):
            for group in ((), *above(place)):
                self._tallies.pop(group, None)
        _add(self._places, new)
        if self.filter.active:
            shown = [place for place in (*new, *changed) if self._appears(place)]
            _add(self._shown, shown)
        else:
            shown = new
        kept = self._cursor_place()
        self._renew_groups(shown, kept or ())
        self._renew_sessions(changed, kept or ())
        self._return_to(kept)

    def drop(self, paths: Iterable[str]) -> None:
        """Forget sessions that are gone."""
        kept = self._cursor_place()
        gone: set[Place] = set()
        for path in {*paths}.intersection(self.sessions):
            gone.add(place_of(self.sessions.pop(path), beamline_first=self.beamline_first))
            self.marks.forget(path)
        self._places[:] = [place for place in self._places if place not in gone]
        if self._shown is not self._places:
            self._shown[:] = [place for place in self._shown if place not in gone]
        self._tallies.clear()
        self._rebuild()
        self._return_to(kept)

    def turn(self) -> None:
        """Change the order of proposals and beamlines; the cursor stays on what it is on."""
        place = self._cursor_place()
        if place and len(place) == Level.OUTER:
            place = self.sessions_in(place)[0]
        self.beamline_first = not self.beamline_first
        self._places[:] = sorted(map(_other_way, self._places))
        self._turned, self._opened = ({_other_way(each) for each in places} for places in (self._turned, self._opened))
        self._tallies.clear()
        self._narrow(self.filter, place and _other_way(place))

    # -- the filter ------------------------------------------------------------------------------------------------

    def narrow(self, to: Filter) -> None:
        """Show what a filter lets through, by and by: `search` until it says that it is done."""
        self._narrow(to, self._cursor_place())

    def _narrow(self, to: Filter, cursor: Place | None) -> None:
        self.filter = to
        self._opened, self._budget, self._tallies = set(), OPENED_AT_MOST, {}
        if not to.active:
            self._shown, self._searched, self._wanted = self._places, None, None
            self._rebuild()
            self.cursor = 0
            if cursor:
                self.reveal(cursor[: Level.SESSION])
            self._return_to(cursor)
            return
        self._shown, self._searched, self._wanted = [], (), cursor
        self.rows, self.cursor = [], 0

    @property
    def searching(self) -> bool:
        """Whether the filter has not been applied to all sessions yet."""
        return self._searched is not None

    def search(self, sessions: int = SEARCHED_TOGETHER) -> bool:
        """Apply the filter to some more sessions; what matches is added below. Return whether there are more."""
        while sessions > 0 and self._searched is not None:
            start = bisect_left(self._places, after(self._searched)) if self._searched else 0
            if start == len(self._places):
                self._searched = None
                break
            outer = self._places[start][: Level.OUTER]
            group = self._places[start : bisect_left(self._places, after(outer), start)]
            matched = {place: match for place in group if (match := self.filter.match(self.session(place)))}
            sessions -= len(group)
            self._searched = outer
            if matched:
                self._shown.extend(matched)
                self._open_matches(matched)
                self.rows.extend(self._group_nodes(list(matched)))
        if self._wanted and (self._searched is None or self._wanted <= after(self._searched)):
            self._return_to(self._wanted)
            self._wanted = None
        return self.searching

    def _appears(self, place: Place) -> bool:
        """Return whether a session that came in is let through anew; nothing that is shown vanishes by itself."""
        if self._searched is not None and place > after(self._searched or ("",)):
            return False  # the search will get there
        if _holds(self._shown, place):
            return False
        match = self.filter.match(self.session(place))
        if match:
            self._opened.update(group for group in above(place) if not self.sessions_in(group))
        if match == Match.DATASETS:
            self._open_match(place)
        return bool(match)

    def _open_matches(self, matched: dict[Place, Match]) -> None:
        """Open what holds matches of one outer group, as long as there is room for their rows."""
        sessions = Counter(place[: Level.INNER] for place in matched)
        for outer in {inner[: Level.OUTER] for inner in sessions}:
            self._spend(outer, len(sessions) if len(sessions) > 1 else 0)  # what is alone is folded: it needs no row
        for inner, number in sessions.items():
            self._spend(inner, number if number > 1 else 0)
        for place, match in matched.items():
            if match == Match.DATASETS:
                self._open_match(place)

    def _open_match(self, place: Place) -> None:
        """Open a session that matches by its datasets, and its collections."""
        if self._budget > 0:
            nodes = list(session_nodes(place, 0, self._datasets(place), lambda _: False))
            self._spend(place, len(nodes))
            for node in nodes:
                if node.level == Level.COLLECTION:
                    self._spend(node.place, len(node.datasets))

    def _spend(self, place: Place, rows: int) -> None:
        """Open a node if its rows still fit in; what would never fit stays closed, the others come in order."""
        if rows <= self._budget:
            self._opened.add(place)
            self._budget -= rows
        elif rows <= OPENED_AT_MOST:
            self._budget = 0

    # -- opening and closing ---------------------------------------------------------------------------------------

    def is_open(self, place: Place) -> bool:
        """Return whether what lies below a node is visible, once the node itself is."""
        if self.filter.active:
            return place in self._opened
        return (place in self._turned) != (self.groups_open and len(place) <= Level.INNER)

    def open(self, index: int) -> bool:
        """Open a row; return whether anything changed."""
        return self._set_open(index, opened=True)

    def close(self, index: int) -> bool:
        """Close a row; the cursor goes to it from anything within it. Return whether anything changed."""
        return self._set_open(index, opened=False)

    def _set_open(self, index: int, *, opened: bool) -> bool:
        node = self.rows[index]
        if not self.can_open(node) or self.is_open(node.place) == opened:
            return False
        kept = self._cursor_place()
        self._remember(node.place, opened=opened)
        self._renew(node.place)
        self._return_to(kept)
        return True

    def _remember(self, place: Place, *, opened: bool) -> None:
        places = self._opened if self.filter.active else self._turned
        if self.is_open(place) != opened:
            places.symmetric_difference_update({place})

    def can_open(self, node: Node) -> bool:
        """Return whether there is anything below a node."""
        if node.level == Level.SESSION:
            return any(self.session(node.place).counts)
        return node.level != Level.DATASET

    def parent(self, index: int) -> int | None:
        """Return the row of what a row lies in."""
        for place in above(self.rows[index].place):
            if (found := self.index(place)) is not None:
                return found
        return None

    def index(self, place: Place) -> int | None:
        """Return the row of a place, None where it is not visible."""
        found = bisect_left(self.rows, place, key=_place)
        return found if found < len(self.rows) and self.rows[found].place == place else None

    def reveal(self, place: Place) -> int | None:
        """Open what a node lies in and return its row; None where it is not shown."""
        for upper in reversed(list(above(place))):
            if (index := self.index(upper)) is not None:
                self.open(index)
        return self.index(place)

    # -- the cursor ------------------------------------------------------------------------------------------------

    @property
    def node(self) -> Node | None:
        """What the cursor is on; None where there are no rows."""
        return self.rows[self.cursor] if self.rows else None

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, the nearest there is."""
        self._wanted = None
        self.cursor = max(0, min(index, len(self.rows) - 1))

    def seek_attention(self, step: int) -> bool:
        """Go to the next (1) or previous (-1) that wants attention, opening what it lies in.

        That is a session, or a dataset within an open one. Return whether there is one; it is not sought from the
        other end.
        """
        end = len(self.rows) if step > 0 else -1
        for index in range(self.cursor, end, step) if self.rows else ():
            node = self.rows[index]
            place = None
            if index != self.cursor and self._wants_attention(node):
                place = node.place
            elif (index != self.cursor or step > 0) and node.level != Level.DATASET and not self.is_open(node.place):
                place = next(self._attention_within(node, step), None)
            if place is not None and (found := self.reveal(place)) is not None:
                self.move_to(found)
                return True
        return False

    def _wants_attention(self, node: Node) -> bool:
        if node.level == Level.SESSION:
            return self.session(node.place).category in ATTENTION
        return node.dataset is not None and node.dataset.status in ATTENTION_STATUSES

    def _attention_within(self, node: Node, step: int) -> Iterator[Place]:
        """Yield what wants attention in a closed group or collection, forwards or backwards."""
        if node.level == Level.COLLECTION:
            for entry in node.datasets[::step]:
                if entry.status in ATTENTION_STATUSES:
                    yield (*node.place, entry.directory, entry.path)
        elif node.level < Level.SESSION:
            for place in self.sessions_in(node.place)[::step]:
                if self.session(place).category in ATTENTION:
                    yield place

    def _cursor_place(self) -> Place | None:
        if self._wanted is not None:
            return self._wanted
        return self.rows[self.cursor].place if self.rows else None

    def _return_to(self, place: Place | None) -> None:
        """Put the cursor on a place, or on the closest of what it lies in, or where it would be."""
        self.cursor = max(0, min(self.cursor, len(self.rows) - 1))
        if place is None:
            return
        for each in (place, *above(place)):
            if (index := self.index(each)) is not None:
                self.cursor = index
                return
        self.cursor = max(0, min(bisect_left(self.rows, place, key=_place), len(self.rows) - 1))

    # -- what is shown ---------------------------------------------------------------------------------------------

    def shown_sessions(self) -> list[str]:
        """Return the paths of the sessions that the filter lets through, whether what they lie in is open or not."""
        return [place[3] for place in self._shown]

    def totals(self) -> Tally:
        """Return what all sessions have together, whatever is shown."""
        if () not in self._tallies:
            self._tallies[()] = tally(list(self.sessions.values()))
        return self._tallies[()]

    def session(self, place: Place) -> SessionRow:
        """Return the session that a place is, or lies in."""
        return self.sessions[place[3]]

    def sessions_in(self, group: Place) -> list[Place]:
        """Return the sessions of a group that the filter lets through."""
        return _below(self._shown, group)

    def shows(self, path: str) -> bool:
        """Return whether the filter lets a session through."""
        return _holds(self._shown, place_of(self.sessions[path], beamline_first=self.beamline_first))

    def group_tally(self, place: Place) -> Tally:
        """Return what the sessions of a group have together that the filter lets through."""
        if place not in self._tallies:
            self._tallies[place] = tally([self.session(each) for each in self.sessions_in(place)])
        return self._tallies[place]

    # -- rows ------------------------------------------------------------------------------------------------------

    def _datasets(self, place: Place, also: Sequence[str] = ()) -> list[DatasetEntry]:
        row = self.session(place)
        return self.filter.kept(row, frozenset(also)) if self.filter.active else entries(row)

    def _rebuild(self) -> None:
        self.rows = [
            node for _, places in groupby(self._shown, itemgetter(0)) for node in self._group_nodes(list(places))
        ]

    def _renew_groups(self, appeared: list[Place], cursor: Place) -> None:
        """Make room for sessions; what is open, and what the cursor is on, stays visible when its row is unfolded."""
        outers = {place[: Level.OUTER] for place in appeared}
        for outer in outers:
            start, end = _span(self.rows, outer)
            for node in self.rows[start:end]:
                level = len(node.place)
                stays = level <= Level.SESSION and (self.is_open(node.place) or cursor[:level] == node.place)
                if node.folded and stays:
                    for place in above(node.place):
                        self._remember(place, opened=True)
            if len(outers) <= MANY:
                self.rows[start:end] = self._group_nodes(self.sessions_in(outer))
        if len(outers) > MANY:
            self._rebuild()

    def _renew_sessions(self, changed: list[Place], cursor: Place) -> None:
        """Show what is in open sessions now; under a filter, what was shown stays."""
        for place in changed:
            if self.index(place) is None or not self.is_open(place):
                continue
            if cursor[: Level.SESSION] == place and len(cursor) == Level.DATASET:
                self._remember(cursor[: Level.COLLECTION], opened=True)
            self._renew(place)

    def _renew(self, place: Place) -> None:
        """Make anew a visible node and what is visible below it."""
        start, end = _span(self.rows, place)
        node = self.rows[start]
        match node.level:
            case Level.OUTER:
                nodes = self._group_nodes(self.sessions_in(place))
            case Level.INNER:
                nodes = self._inner_nodes(self.sessions_in(place), node.depth, node.folded)
            case Level.SESSION:
                nodes = self._session_nodes(node._replace(within=None))
            case _:
                nodes = iter([node, *collection_nodes(node)] if self.is_open(place) else [node])
        self.rows[start:end] = nodes

    def _group_nodes(self, places: list[Place]) -> Iterator[Node]:
        """Yield the rows of one proposal (or beamline): its sessions are `places`, at least one."""
        if places[0][1] == places[-1][1]:
            yield from self._inner_nodes(places, 0, 1)
            return
        outer = Node(places[0][: Level.OUTER], 0)
        yield outer
        if self.is_open(outer.place):
            for _, inner in groupby(places, itemgetter(1)):
                yield from self._inner_nodes(list(inner), 1, 0)

    def _inner_nodes(self, places: list[Place], depth: int, folded: int) -> Iterator[Node]:
        if len(places) == 1:
            yield from self._session_nodes(Node(places[0], depth, folded + 1))
            return
        inner = Node(places[0][: Level.INNER], depth, folded)
        yield inner
        if self.is_open(inner.place):
            for place in places:
                yield from self._session_nodes(Node(place, depth + 1))

    def _session_nodes(self, node: Node) -> Iterator[Node]:
        """Yield a session and, if it is open, what is shown in it; what was shown stays, whatever the filter says."""
        if not self.can_open(node) or not self.is_open(node.place):
            yield node
            return
        start, end = _span(self.rows, node.place)
        shown = [node.dataset.path for node in self.rows[start:end] if node.dataset]
        datasets = self._datasets(node.place, shown)
        collections = {entry.collection for entry in datasets}
        yield node._replace(within=collections.pop()) if len(collections) == 1 else node
        yield from session_nodes(node.place, node.depth + 1, datasets, self.is_open)


# -- sorted lists ----------------------------------------------------------------------------------------------------

_place = itemgetter(0)


def _other_way(place: Place) -> Place:
    """Return a place in the other order of proposals and beamlines."""
    return (place[1], place[0], *place[2:]) if len(place) > Level.OUTER else place


def _add(places: list[Place], new: list[Place]) -> None:
    if len(new) < MANY:
        for place in new:
            insort(places, place)
    else:
        places.extend(new)
        places.sort()


def _holds(places: list[Place], place: Place) -> bool:
    found = bisect_left(places, place)
    return found < len(places) and places[found] == place


def _below(places: list[Place], group: Place) -> list[Place]:
    """Return the sessions of a group."""
    return places[bisect_left(places, group) : bisect_left(places, after(group))]


def _span(rows: list[Node], place: Place) -> tuple[int, int]:
    """Return from where to where a node and what is visible below it are."""
    start = bisect_left(rows, place, key=_place)
    return start, bisect_left(rows, after(place), start, key=_place)
