import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from icat_tui.domain.status import Category, Status
from icat_tui.tui.filtering import Filter, Match, parse_filter
from icat_tui.tui.nodes import Level, Place
from icat_tui.tui.session_row import SessionRow
from icat_tui.tui.tree_model import OPENED_AT_MOST, TreeModel
from tests.tui import naive
from tests.tui.samples import Named, a_place, a_row, found

PLACES = st.builds(
    a_place,
    st.sampled_from(["ab1", "ab12", "hg333", "ma7"]),
    st.sampled_from(["bm01", "id99"]),
    st.sampled_from(["20230101", "20231019", "20240102"]),
)
DATASETS = st.lists(
    st.tuples(
        st.sampled_from(["colA", "colA-b", "LaB6"]), st.sampled_from(["0001", "0002", "0003"]), st.sampled_from(Status)
    ),
    max_size=5,
    unique_by=operator.itemgetter(0, 1),
)
ROWS = st.one_of(PLACES.map(found), st.builds(a_row, PLACES, DATASETS, st.sampled_from(Category)))
FILTERS = st.builds(
    Filter,
    names=st.lists(st.sampled_from(["lab6", "0001", "hg3", "cola"]), max_size=2).map(tuple),
    statuses=st.frozensets(st.sampled_from(Status), max_size=2),
    categories=st.frozensets(st.sampled_from(Category), max_size=1),
    beamlines=st.sampled_from([(), ("id99",)]),
    hidden=st.frozensets(st.sampled_from(Status), max_size=3),
    attention=st.booleans(),
)


def searched(tree: TreeModel, to: Filter) -> None:
    tree.narrow(to)
    while tree.search(sessions=1):
        pass


def as_naive(tree: TreeModel) -> list[tuple[Place, int]]:
    """Return what must be visible, by the naive model and what the tree says is open."""
    rows = list(tree.sessions.values())
    if not tree.filter.active:
        return naive.visible(rows, tree.is_open, beamline_first=tree.beamline_first)
    rows = [row for row in rows if tree.filter.match(row) != Match.NOT]
    return naive.visible(rows, tree.is_open, beamline_first=tree.beamline_first, shown=tree.filter.kept)


class Trees(RuleBasedStateMachine):
    """Whatever happens to a tree, what is visible is what the naive model says."""

    @initialize(groups_open=st.booleans())
    def begin(self, groups_open: bool) -> None:
        self.tree = TreeModel(groups_open=groups_open)

    def on(self) -> Place | None:
        return self.tree.node.place if self.tree.node else None

    @rule(rows=st.lists(ROWS, max_size=8))
    def sessions_come_in(self, rows: list[SessionRow]) -> None:
        before, was_known = self.on(), set(self.tree.sessions)
        self.tree.put(rows)
        gone = before and len(before) == Level.DATASET and before[3] in {row.directory.path for row in rows}
        if before and not gone:
            assert self.on() == before or before[3:4] == (), "the cursor stays on what it was on"
        if before and len(before) < Level.SESSION:
            assert self.on() is not None
            assert (self.on() or ())[: len(before)] == before
        assert was_known <= set(self.tree.sessions)
        if self.tree.filter.active:
            searched(self.tree, self.tree.filter)  # what no longer matches stays until the filter is applied again

    @rule(data=st.data())
    def a_session_is_dropped(self, data: st.DataObject) -> None:
        if self.tree.sessions:
            self.tree.drop([data.draw(st.sampled_from(sorted(self.tree.sessions)))])

    @rule(data=st.data())
    def a_row_is_opened_or_closed(self, data: st.DataObject) -> None:
        if self.tree.rows:
            index = data.draw(st.integers(0, len(self.tree.rows) - 1))
            place = self.tree.rows[index].place
            opened = self.tree.open(index) or self.tree.close(index)
            assert self.tree.rows[index].place == place
            assert opened == self.tree.can_open(self.tree.rows[index])

    @rule(to=FILTERS)
    def it_is_filtered(self, to: Filter) -> None:
        searched(self.tree, to)
        assert not self.tree.searching

    @rule()
    def the_filter_is_cleared(self) -> None:
        self.tree.narrow(Filter())

    @rule(index=st.integers(0, 40))
    def the_cursor_moves(self, index: int) -> None:
        self.tree.move_to(index)

    @rule(step=st.sampled_from([1, -1]))
    def what_wants_attention_is_sought(self, step: int) -> None:
        before = self.on()
        if self.tree.seek_attention(step):
            after = self.on()
            assert before
            assert after
            assert (after > before) if step > 0 else (after < before)
        else:
            assert self.on() == before

    @rule()
    def it_is_turned(self) -> None:
        before = self.on()
        self.tree.turn()
        if self.tree.filter.active:
            searched(self.tree, self.tree.filter)
        if before and len(before) >= Level.SESSION and not self.tree.filter.active:
            assert (self.on() or ())[2 : Level.SESSION] == before[2 : Level.SESSION]

    @invariant()
    def what_is_visible_is_what_the_naive_model_says(self) -> None:
        assert [(node.place, node.depth) for node in self.tree.rows] == as_naive(self.tree)

    @invariant()
    def the_cursor_is_on_a_row(self) -> None:
        assert 0 <= self.tree.cursor < max(1, len(self.tree.rows))


TestTrees = Trees.TestCase
TestTrees.settings = settings(max_examples=80, stateful_step_count=20, deadline=None)


def many(number: int, datasets: int = 0, status: Status = Status.REGISTERED) -> list[SessionRow]:
    return [
        a_row(a_place(f"p{n:04}"), [("col", f"{d:04}", status) for d in range(datasets)]) for n in range(number)
    ]
