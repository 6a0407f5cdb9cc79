"""The tree of sessions as plain data: which rows are visible, where the cursor is, what is open and what is marked.

What must stay true: the rows are in the order of their places, and whatever comes in (sessions found, scanned, dropped)
leaves the cursor on what it was on. Only what is open has nodes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from icat_tui.domain.summary import SessionRow
from icat_tui.tui.state.filtering import Filter, FilterMatch
from icat_tui.tui.state.in_view import SessionsInView
from icat_tui.tui.state.marks import Marks
from icat_tui.tui.state.nodes import Level, Node, Place, above, collection_nodes, session_nodes, turned
from icat_tui.tui.state.open_places import OpenPlaces
from icat_tui.tui.state.order import SortBy
from icat_tui.tui.state.row_builder import RowBuilder, row_at, span

SEARCHED_TOGETHER = 1000
"""How many sessions are searched before hits are shown and keys are read again: a few milliseconds."""
READ_AS_A_SESSION = 25
"""How many datasets, whose names have to be looked at, count as one more session of those."""
MANY = 50
"""From how many changed groups on it is faster to build all rows anew."""


class TreeModel:
    """Visible rows of the tree, the cursor and the marks.

    `rows` are the visible nodes from top to bottom, `cursor` is one of them (0 where there are none). `sessions` are
    those in view, `opened` the places whose content is visible.
    """

    def __init__(
        self, known: Mapping[str, SessionRow], *, beamline_first: bool = False, groups_open: bool = False
    ) -> None:
        """Make a tree that shows none of the sessions that are `known`, by path, yet.

        `groups_open`: proposals and beamlines show their sessions at first.
        """
        self.sessions = SessionsInView(known, beamline_first=beamline_first)
        self.opened = OpenPlaces(groups_open=groups_open)
        self._build = RowBuilder(self.sessions, self.opened)
        self.rows: list[Node] = []
        self.cursor = 0
        self.now: datetime | None = None
        """The time that ages are counted to."""
        self.opening: set[str] = set()
        """Sessions, by path, that are opened once they are scanned, if the cursor is still on them."""
        self.marks = Marks()
        self.range_from: Place | None = None
        """Where a range of marks was begun that is not ended yet."""
        self._searched: Place | None = None
        """Up to where the filter has been applied; None: everywhere."""
        self._wanted: Place | None = None
        """Where the cursor was when the search began."""

    @property
    def filter(self) -> Filter:
        """The filter in force."""
        return self.sessions.filter

    # -- what comes in ---------------------------------------------------------------------------------------------

    def put(self, paths: Iterable[str]) -> None:
        """Show sessions that are known by now, or known otherwise than before."""
        new, changed = self.sessions.add(paths)
        if self.filter.active:
            shown = [place for place in (*new, *changed) if self._appears(place)]
            self.sessions.let_through(shown)
        else:
            shown = new
        kept = self._cursor_place()
        if self.opening:
            self._open_scanned(changed, kept)
        self._renew_groups(shown, kept or ())
        self._renew_sessions(changed, kept or ())
        self._return_to(kept)

    def _open_scanned(self, changed: Iterable[Place], cursor: Place | None) -> None:
        for place in changed:
            if place[3] in self.opening and self.sessions.at(place).category is not None:
                self.opening.discard(place[3])
                self.opened.set(place, opened=place == cursor or place in self.opened)

    def drop(self, paths: Iterable[str]) -> None:
        """Show sessions no longer; their marks are gone with them."""
        kept, gone = self._cursor_place(), list(paths)
        self.sessions.remove(gone)
        for path in gone:
            self.marks.forget(path)
        self._rebuild()
        self._return_to(kept)

    def turn(self) -> None:
        """Change the order of proposals and beamlines; the cursor stays on what it is on."""
        place = self._cursor_place()
        if place and len(place) == Level.OUTER:
            place = self.sessions.within(place)[0]
        self.sessions.turn()
        self.opened.turn()
        self.range_from = self.range_from and turned(self.range_from)
        self._narrow(self.filter, place and turned(place))

    def sort(self, by: SortBy) -> None:
        """Sort anew, by what is known now; the cursor stays on what it is on."""
        self.sessions.sort(by)
        self._narrow(self.filter, self._cursor_place())

    # -- the filter ------------------------------------------------------------------------------------------------

    def narrow(self, to: Filter) -> None:
        """Show what a filter lets through, by and by: `search` until it says that it is done."""
        self._narrow(to, self._cursor_place())

    def _narrow(self, to: Filter, cursor: Place | None) -> None:
        self.sessions.narrow(to)
        self.opened.narrow(filtered=to.active)
        if not to.active:
            self._searched, self._wanted = None, None
            self._rebuild()
            self.cursor = 0
            if cursor:
                self.reveal(cursor[: Level.SESSION])
            self._return_to(cursor)
            return
        self._searched, self._wanted = (), cursor
        self.rows, self.cursor = [], 0

    @property
    def searching(self) -> bool:
        """Whether the filter has not been applied to all sessions yet."""
        return self._searched is not None

    def search(self, sessions: int = SEARCHED_TOGETHER) -> bool:
        """Apply the filter to some more sessions; what matches is added below. Return whether there are more."""
        while sessions > 0 and self._searched is not None:
            group = self.sessions.next_group(self._searched)
            if not group:
                self._searched = None
                break
            matched = {place: match for place in group if (match := self.filter.match(self.sessions.at(place)))}
            sessions -= len(group)
            self._searched = group[0][: Level.OUTER]
            if matched:
                self.sessions.let_through_next(matched)
                sessions -= self._datasets_read(matched) // READ_AS_A_SESSION
                self._open_matches(matched)
                self.rows.extend(self._build.group(list(matched), self.rows))
        order = self.sessions.order
        if self._wanted and (self._searched is None or order.key(self._wanted) <= order.after(self._searched)):
            self._return_to(self._wanted)
            self._wanted = None
        return self.searching

    def _datasets_read(self, matched: Iterable[Place]) -> int:
        """Return in how many datasets of sessions a name or a sample had to be looked for."""
        return sum(sum(self.sessions.at(place).counts) for place in matched) if self.filter.asks_for_text else 0

    def _appears(self, place: Place) -> bool:
        """Return whether a session that came in is let through anew; nothing that is shown vanishes by itself."""
        order, searched = self.sessions.order, self._searched
        if searched is not None and (not searched or order.key(place) > order.after(searched)):
            return False  # the search will get there
        if self.sessions.shows_place(place):
            return False
        match = self.filter.match(self.sessions.at(place))
        if match:
            for group in above(place):
                if not self.sessions.within(group):
                    self.opened.open_group(group)
        if match == FilterMatch.DATASETS:
            self._open_match(place)
        return bool(match)

    def _open_matches(self, matched: dict[Place, FilterMatch]) -> None:
        """Open what holds matches of one outer group, as long as there is room for their rows."""
        sessions = Counter(place[: Level.INNER] for place in matched)
        for outer in {inner[: Level.OUTER] for inner in sessions}:  # what is alone is folded: it needs no row
            self.opened.open_match(outer, len(sessions) if len(sessions) > 1 else 0)
        for inner, number in sessions.items():
            self.opened.open_match(inner, number if number > 1 else 0)
        for place, match in matched.items():
            if match == FilterMatch.DATASETS:
                self._open_match(place)

    def _open_match(self, place: Place) -> None:
        """Open a session that matches by its datasets, and its collections."""
        if self.opened.has_room and self.filter.opens_sessions:
            nodes = list(session_nodes(place, 0, self._build.datasets(place), lambda _: False))
            self.opened.open_match(place, len(nodes))
            for node in nodes:
                if node.level == Level.COLLECTION:
                    self.opened.open_match(node.place, len(node.datasets))

    # -- opening and closing ---------------------------------------------------------------------------------------

    def open(self, index: int) -> bool:
        """Open a row; return whether anything changed."""
        return self._set_open(index, opened=True)

    def close(self, index: int) -> bool:
        """Close a row; the cursor goes to it from anything within it. Return whether anything changed."""
        return self._set_open(index, opened=False)

    def _set_open(self, index: int, *, opened: bool) -> bool:
        node = self.rows[index]
        if not self.can_open(node) or (node.place in self.opened) == opened:
            return False
        kept = self._cursor_place()
        self.opened.set(node.place, opened=opened)
        self._renew(node.place)
        self._return_to(kept)
        return True

    def set_open(self, places: Iterable[Place], *, opened: bool) -> None:
        """Open or close many places at once."""
        kept = self._cursor_place()
        for place in places:
            self.opened.set(place, opened=opened)
        self._rebuild()
        self._return_to(kept)

    def can_open(self, node: Node) -> bool:
        """Return whether there is anything below a node."""
        return self._build.can_open(node)

    def index(self, place: Place) -> int | None:
        """Return the row of a place, None where it is not visible."""
        found = row_at(self.rows, place, self.sessions.order)
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
        """The node under the cursor; None where there are no rows."""
        return self.rows[self.cursor] if self.rows else None

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, the nearest there is."""
        self._wanted = None
        self.cursor = max(0, min(index, len(self.rows) - 1))

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
        self.cursor = max(0, min(row_at(self.rows, place, self.sessions.order), len(self.rows) - 1))

    # -- rows ------------------------------------------------------------------------------------------------------

    def _rebuild(self) -> None:
        self.rows = self._build.everything(self.rows)

    def _renew_groups(self, appeared: list[Place], cursor: Place) -> None:
        """Make room for sessions; what is open, and what the cursor is on, stays visible when its row is unfolded."""
        outers = {place[: Level.OUTER] for place in appeared}
        for outer in outers:
            start, end = span(self.rows, outer, self.sessions.order)
            for node in self.rows[start:end]:
                level = len(node.place)
                stays = level <= Level.SESSION and (node.place in self.opened or cursor[:level] == node.place)
                if node.folded and stays:
                    for place in above(node.place):
                        self.opened.set(place, opened=True)
            if len(outers) <= MANY:
                self.rows[start:end] = list(self._build.group(self.sessions.within(outer), self.rows))
        if len(outers) > MANY:
            self._rebuild()

    def _renew_sessions(self, changed: list[Place], cursor: Place) -> None:
        """Show what is in open sessions now; under a filter, what was shown stays."""
        for place in changed:
            if self.index(place) is None or place not in self.opened:
                continue
            if cursor[: Level.SESSION] == place and len(cursor) == Level.DATASET:
                self.opened.set(cursor[: Level.COLLECTION], opened=True)
            self._renew(place)

    def _renew(self, place: Place) -> None:
        """Make anew a visible node and what is visible below it."""
        start, end = span(self.rows, place, self.sessions.order)
        node = self.rows[start]
        match node.level:
            case Level.OUTER:
                nodes = self._build.group(self.sessions.within(place), self.rows)
            case Level.INNER:
                nodes = self._build.inner(self.sessions.within(place), node, self.rows)
            case Level.SESSION:
                nodes = self._build.session(node._replace(within=None), self.rows)
            case _:
                nodes = iter([node, *collection_nodes(node)] if place in self.opened else [node])
        self.rows[start:end] = list(nodes)
