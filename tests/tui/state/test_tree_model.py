from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import Counts, SessionRow, entries
from icat_tui.tui.state.attention import seek_attention
from icat_tui.tui.state.filtering import Filter, FilterMatch, parse_filter
from icat_tui.tui.state.level import toggle_level
from icat_tui.tui.state.nodes import Level, Place
from icat_tui.tui.state.open_places import OPENED_AT_MOST
from icat_tui.tui.state.tree_model import TreeModel
from icat_tui.tui.widgets.row_text import row_text
from tests.support import naive_tree
from tests.support.samples import a_directory
from tests.support.tree_rows import Named, a_model, a_row, found, put
from tests.support.tree_strategies import DATASETS, FILTERS, PLACES

ROWS = st.one_of(PLACES.map(found), st.builds(a_row, PLACES, DATASETS, st.sampled_from(Category)))


def searched(tree: TreeModel, to: Filter) -> None:
    tree.narrow(to)
    while tree.search(sessions=1):
        pass


def as_naive(tree: TreeModel) -> list[tuple[Place, int]]:
    """Return what must be visible, by the naive model and what the tree says is open."""
    rows = list(tree.sessions.values())
    if not tree.filter.active:
        return naive_tree.visible(rows, tree.opened.__contains__, beamline_first=tree.sessions.beamline_first)
    rows = [row for row in rows if tree.filter.match(row) != FilterMatch.NOT]
    return naive_tree.visible(
        rows, tree.opened.__contains__, beamline_first=tree.sessions.beamline_first, shown=tree.filter.kept
    )


def number_of(counts: Counts) -> Counter[Status]:
    return +Counter(dict(zip(Status, counts, strict=False)))


class Trees(RuleBasedStateMachine):
    """Whatever happens to a tree, what is visible is what the naive model says."""

    @initialize(groups_open=st.booleans())
    def begin(self, groups_open: bool) -> None:
        self.tree = a_model(groups_open=groups_open)

    def on(self) -> Place | None:
        return self.tree.node.place if self.tree.node else None

    @rule(rows=st.lists(ROWS, max_size=8))
    def sessions_come_in(self, rows: list[SessionRow]) -> None:
        before, was_known = self.on(), set(self.tree.sessions)
        put(self.tree, rows)
        gone = before and len(before) > Level.SESSION and before[3] in {row.directory.path for row in rows}
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
        if seek_attention(self.tree, step):
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
    def numbers_are_those_of_what_is_shown(self) -> None:
        sessions, to = self.tree.sessions, self.tree.filter
        rows = [sessions[path] for path in sessions.shown()]
        assert sessions.categories() == Counter(row.category for row in rows)
        assert number_of(sessions.totals().counts) == Counter(entry.status for row in rows for entry in to.kept(row))
        everything = Counter(entry.status for row in sessions.rows() for entry in entries(row))
        assert number_of(sessions.all_totals().counts) == everything
        for outer in {place[: Level.OUTER] for place in sessions.shown_places()}:
            places = sessions.within(outer)
            below = [number_of(sessions.counts_of(place)) for place in places]
            assert number_of(sessions.tally_of(outer).counts) == sum(below, Counter())
            of_inner = sessions.categories_of(outer).values()
            assert sum(of_inner, Counter()) == Counter(sessions.at(place).category for place in places)

    @invariant()
    def the_cursor_is_on_a_row(self) -> None:
        assert 0 <= self.tree.cursor < max(1, len(self.tree.rows))


TestTrees = Trees.TestCase
TestTrees.settings = settings(max_examples=80, stateful_step_count=20, deadline=None)


def many(number: int, datasets: int = 0, status: Status = Status.REGISTERED) -> list[SessionRow]:
    named: list[Named] = [("col", f"{each:04}", status) for each in range(datasets)]
    return [a_row(a_directory(f"p{each:04}"), named) for each in range(number)]


def labels(tree: TreeModel) -> list[str]:
    return ["  " * node.depth + row_text(tree, index).label for index, node in enumerate(tree.rows)]


def test_levels_with_one_entry_are_folded_into_the_next() -> None:
    tree = a_model(groups_open=True)
    put(
        tree,
        [
            found(a_directory("alone")),
            *(found(a_directory("beam", "id10", date)) for date in ("20230101", "20230102")),
            found(a_directory("both", "id10")),
            *(found(a_directory("both", "id11", date)) for date in ("20230101", "20230102")),
        ],
    )
    assert labels(tree) == [
        "alone/id99/20231019",
        "beam/id10",
        "  20230101",
        "  20230102",
        "both",
        "  id10/20231019",
        "  id11",
        "    20230101",
        "    20230102",
    ]


def test_a_dataset_is_called_without_its_collection_which_is_folded_where_it_is_alone() -> None:
    tree = a_model()
    alone = [("colA", "0001", Status.REGISTERED), ("colA", "0002", Status.REGISTERED)]
    put(tree, [a_row(a_directory("p1"), alone), a_row(a_directory("p2"), [*alone, ("colB", "0001", Status.INVALID)])])
    tree.open(1)
    tree.open(0)
    assert labels(tree) == [
        "p1/id99/20231019/colA",
        "  0001",
        "  0002",
        "p2/id99/20231019",
        "  colA",
        "  colB/0001",
    ]


def test_sessions_that_come_in_fold_away_neither_the_cursor_nor_what_is_open() -> None:
    tree = a_model()
    put(tree, [a_row(a_directory("p1", "id10"), [("c", "1", Status.INVALID)]), found(a_directory("p2"))])
    tree.open(0)
    tree.move_to(1)
    under_cursor = tree.node
    put(
        tree, [found(a_directory("p1", "id11")), found(a_directory("p1", "id10", "20200101")), found(a_directory("p0"))]
    )
    assert under_cursor
    assert tree.node
    assert tree.node.place == under_cursor.place


WITH_INVALID = parse_filter("status:invalid")


def test_one_batch_can_add_a_session_and_take_rows_from_an_open_one_beside_it() -> None:
    for to in (Filter(), WITH_INVALID):
        tree = a_model()
        bad: list[Named] = [("c", f"{number}", Status.INVALID) for number in range(3)]
        put(tree, [a_row(a_directory(date=date), bad, Category.HAS_INVALID) for date in ("20230101", "20230102")])
        searched(tree, to)
        tree.open(0)
        tree.open(2 if not to.active else 5)
        tree.move_to(len(tree.rows) - 1)
        under_cursor = tree.node
        assert under_cursor
        fixed: list[Named] = [("c", "0", Status.REGISTERED), bad[2]]
        put(
            tree,
            [
                a_row(a_directory(date="20230101"), fixed, Category.HAS_INVALID),
                a_row(a_directory(date="20230103"), bad, Category.HAS_INVALID),
            ],
        )
        assert tree.node
        assert tree.node.place == under_cursor.place
        first = [node.dataset.status for node in tree.rows if node.dataset and node.place[2] == "20230101"]
        assert first in ([], [Status.REGISTERED, Status.INVALID]), "what was shown stays until the filter is applied"
        assert bool(first) == to.active


def test_one_batch_can_take_more_rows_than_it_adds() -> None:
    tree = a_model(groups_open=True)
    bad: list[Named] = [("c", f"{number}", Status.INVALID) for number in range(3)]
    put(tree, [a_row(a_directory(date=date), bad) for date in ("20230101", "20230102")])
    tree.open(1)
    tree.move_to(len(tree.rows) - 1)
    put(tree, [found(a_directory(date="20230101")), found(a_directory(date="20230100"))])
    assert labels(tree) == ["hg333/id99", "  20230100", "  20230101", "  20230102"]
    assert tree.cursor == 3


def test_the_other_order_keeps_cursor_and_what_is_open() -> None:
    tree = a_model()
    put(tree, [a_row(a_directory(name, "id10"), [("c", "1", Status.INVALID)]) for name in ("p1", "p2")])
    tree.open(1)
    tree.move_to(2)
    tree.turn()
    assert tree.node
    assert tree.node.dataset
    assert labels(tree) == ["id10", "  p1/20231019", "  p2/20231019/c", "    1"]
    tree.turn()
    assert labels(tree) == ["p1/id10/20231019", "p2/id10/20231019/c", "  1"]


def test_a_filter_opens_what_matches_up_to_its_limit_and_lists_the_rest_closed() -> None:
    tree = a_model()
    put(tree, many(30, 100, Status.INVALID))
    searched(tree, parse_filter("status:invalid col_00"))
    datasets = [node for node in tree.rows if node.dataset]
    assert len(datasets) == OPENED_AT_MOST
    assert len(tree.sessions.shown()) == len(tree.rows) - len(datasets) == 30


def test_a_session_of_more_hits_than_a_filter_opens_stays_closed_and_keeps_no_other_from_being_opened() -> None:
    tree = a_model()
    put(tree, [*many(1, OPENED_AT_MOST + 1), a_row(a_directory("q"), [("col", "0001", Status.REGISTERED)])])
    searched(tree, parse_filter("col_0001"))
    assert labels(tree) == ["p0000/id99/20231019/col", "  0001", "q/id99/20231019/col", "  0001"]
    searched(tree, parse_filter("col_"))
    assert labels(tree) == ["p0000/id99/20231019", "q/id99/20231019/col", "  0001"]


def test_first_hits_are_there_before_everything_was_searched() -> None:
    tree = a_model()
    put(tree, many(50, 2))
    tree.narrow(parse_filter("col_0001"))
    assert tree.search(sessions=10)
    first = labels(tree)
    assert len(first) == 20
    while tree.search(sessions=10):
        pass
    assert labels(tree)[:20] == first
    assert len(tree.rows) == 100


def test_clearing_a_filter_brings_back_what_was_open_and_leaves_the_cursor_on_its_session() -> None:
    tree = a_model()
    put(tree, many(10, 2))
    tree.open(3)
    before = labels(tree)
    searched(tree, parse_filter("p0007 0001"))
    tree.move_to(1)
    tree.narrow(Filter())
    assert labels(tree) == before
    assert tree.node
    assert tree.node.session == a_directory("p0007").path


def test_a_session_that_stops_matching_stays_until_the_filter_is_applied_again() -> None:
    tree = a_model()
    directory = a_directory()
    put(tree, [a_row(directory, [("c", "1", Status.INVALID)], Category.HAS_INVALID)])
    searched(tree, WITH_INVALID)
    tree.move_to(1)
    put(tree, [a_row(directory, [("c", "1", Status.REGISTERED)], Category.OK)])
    assert tree.node
    assert tree.node.dataset
    assert tree.node.dataset.status == Status.REGISTERED
    searched(tree, WITH_INVALID)
    assert not tree.rows


def test_only_what_wants_attention_is_shown_with_its_sessions_closed() -> None:
    tree = a_model()
    put(tree, [a_row(a_directory("p1"), [("c", "1", Status.INVALID)], Category.HAS_INVALID), a_row(a_directory("p2"))])
    searched(tree, Filter(attention=True))
    assert labels(tree) == ["p1/id99/20231019"]
    tree.open(0)
    assert labels(tree) == ["p1/id99/20231019/c", "  1"]


def test_all_of_a_level_are_opened_and_closed_again() -> None:
    tree = a_model(groups_open=True)
    known = [
        a_row(a_directory("p1", date=date), [("c", str(n), Status.REGISTERED) for n in range(3)])
        for date in ("20230101", "20230102")
    ]
    put(tree, known)
    closed = labels(tree)
    tree.move_to(1)
    assert toggle_level(tree) == 0
    assert len(tree.rows) == 1 + 2 * 4
    tree.move_to(3)  # a dataset stands for its session
    assert toggle_level(tree) == 0
    assert labels(tree) == closed


def test_no_more_are_opened_at_once_than_one_can_look_through() -> None:
    tree = a_model(groups_open=True)
    many = [("c", str(n), Status.REGISTERED) for n in range(6000)]
    put(tree, [a_row(a_directory("p1", date=date), many) for date in ("20230101", "20230102")])
    tree.move_to(1)
    assert toggle_level(tree) == 1
    assert len(tree.rows) == 1 + 1 + 6000 + 1


def test_a_session_that_begins_to_match_appears_opened() -> None:
    tree = a_model()
    put(tree, [found(a_directory("p1"))])
    searched(tree, WITH_INVALID)
    assert not tree.rows
    put(tree, [a_row(a_directory("p1"), [("c", "1", Status.INVALID)], Category.HAS_INVALID)])
    assert labels(tree) == ["p1/id99/20231019/c", "  1"]


def test_the_next_that_wants_attention_is_a_session_or_a_dataset_within_an_open_one() -> None:
    tree = a_model()
    bad: list[Named] = [("c", "1", Status.REGISTERED), ("c", "2", Status.INVALID)]
    put(
        tree,
        [
            a_row(a_directory("p0"), [("c", "1", Status.PENDING)]),
            *(a_row(a_directory("p1", "id10", date), bad, Category.HAS_INVALID) for date in ("20230101", "20230102")),
            a_row(a_directory("p2"), [], Category.EMPTY),
        ],
    )
    assert seek_attention(tree, 1)  # opens the proposal it lies in
    assert labels(tree)[tree.cursor] == "  20230101"
    tree.open(tree.cursor)
    assert seek_attention(tree, 1)
    assert labels(tree)[tree.cursor] == "    2"
    assert seek_attention(tree, 1)
    assert labels(tree)[tree.cursor] == "  20230102"
    assert not seek_attention(tree, 1)
    assert seek_attention(tree, -1)
    assert labels(tree)[tree.cursor] == "    2"


def test_a_group_shows_what_wants_attention_most_and_the_counts_of_all() -> None:
    tree = a_model()
    put(
        tree,
        [
            a_row(a_directory(date="20230101"), [("c", "1", Status.REGISTERED)], Category.OK),
            a_row(a_directory(date="20230102"), [("c", "1", Status.IN_PROGRESS)], Category.TODO_ONGOING),
            found(a_directory(date="20230103")),
        ],
    )
    assert row_text(tree, 0).sign == Category.TODO_ONGOING
    put(tree, [a_row(a_directory(date="20230103"), [("c", "1", Status.INVALID)], Category.HAS_INVALID)])
    shown = row_text(tree, 0)
    assert shown.sign == Category.HAS_INVALID
    assert dict(zip(Status, shown.counts, strict=True)) == {
        status: int(status in (Status.REGISTERED, Status.IN_PROGRESS, Status.INVALID)) for status in Status
    }
    assert tree.sessions.totals() == (Category.HAS_INVALID, shown.counts)
