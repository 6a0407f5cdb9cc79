import asyncio

import pytest
from rich.cells import cell_len
from textual.binding import Binding
from textual.pilot import Pilot
from textual.strip import Strip

from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import SessionRow
from icat_tui.text import visible
from icat_tui.tui.state.filtering import Filter, parse_filter
from icat_tui.tui.state.open_places import OPENED_AT_MOST
from icat_tui.tui.state.tree_model import SEARCHED_TOGETHER, TreeModel
from icat_tui.tui.theme import DARK, LIGHT, MONO
from icat_tui.tui.widgets.session_tree import SessionTree
from tests.support.names import HOSTILE_NAMES
from tests.support.samples import a_directory
from tests.support.tree_rows import Named, a_model, a_row, found, put
from tests.support.ui_host import drive, texts, until

EVERY_STATUS: list[Named] = [("colA", f"{number:04}", status) for number, status in enumerate(Status, 1)]


class CountedTree(SessionTree):
    """Keeps which rows of the screen were drawn."""

    def __init__(self, model: TreeModel) -> None:
        super().__init__(model)
        self.drawn: list[int] = []

    def render_line(self, y: int) -> Strip:
        self.drawn.append(y)
        return super().render_line(y)


def a_tree(*rows: SessionRow, groups_open: bool = True) -> CountedTree:
    model = a_model(groups_open=groups_open)
    put(model, rows)
    return CountedTree(model)


def a_long_tree() -> CountedTree:
    return a_tree(*(found(a_directory(f"p{number:03}")) for number in range(100)))


def tree_of(pilot: Pilot[None]) -> CountedTree:
    return pilot.app.query_one(CountedTree)


async def drawn_by(pilot: Pilot[None], *keys: str) -> list[int]:
    """Press keys and return the rows of the screen that were drawn for them."""
    tree = tree_of(pilot)
    tree.focus()
    await pilot.pause()
    tree.drawn.clear()
    await pilot.press(*keys)
    await pilot.pause()
    return sorted(tree.drawn)


def test_a_snapshot_without_any_style_tells_all_statuses_and_categories_apart() -> None:
    rows = [a_row(a_directory(f"p{number}"), EVERY_STATUS, each) for number, each in enumerate(Category)]
    seen: dict[str, list[str]] = {}

    for theme in (DARK, LIGHT, MONO):

        async def act(pilot: Pilot[None], theme: str = theme) -> None:
            await drawn_by(pilot, "G", "l")
            seen[theme] = texts(tree_of(pilot))

        drive(act, lambda: a_tree(*rows, found(a_directory("p7"))), theme=theme)
    assert seen[DARK] == seen[LIGHT] == seen[MONO]
    assert [line[:26] for line in seen[DARK] if line] == [
        " ▸ ! p0/id99/20231019     ",
        " ▸ * p1/id99/20231019     ",
        " ▸ - p2/id99/20231019     ",
        " ▸ x p3/id99/20231019     ",
        " ▸ ? p4/id99/20231019     ",
        " ▸ = p5/id99/20231019     ",
        " ▸ · p6/id99/20231019     ",
        "     p7/id99/20231019",
    ]
    assert {tuple(line.split()[3:12]) for line in seen[DARK][:7]} == {("1",) * 9}, "in columns, whose names say which"


def test_open_datasets_are_told_apart_by_their_glyphs_alone() -> None:
    async def act(pilot: Pilot[None]) -> None:
        await drawn_by(pilot, "enter")
        glyphs = [line.split()[0] for line in texts(tree_of(pilot))[1:10]]
        assert glyphs == [status.glyph for status in Status]

    drive(act, lambda: a_tree(a_row(a_directory(), EVERY_STATUS, Category.TODO)))


def test_hostile_names_are_shown_visible_and_each_in_one_row() -> None:
    async def act(pilot: Pilot[None]) -> None:
        await drawn_by(pilot, "enter")
        lines = [line for line in texts(tree_of(pilot)) if line]
        assert all(line.isprintable() for line in lines)
        assert [line[7:47].rstrip() for line in lines[1:]] == [visible(name)[:40].rstrip() for name in sorted(names)]

    names = [name for name in HOSTILE_NAMES if len(visible(name)) == cell_len(visible(name))]
    datasets: list[Named] = [(name, each, Status.INVALID) for name in names for each in ("0001", "0002")]
    drive(act, lambda: a_tree(a_row(a_directory(), datasets)), size=(600, 100))


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (1, 1), (200, 50)])
def test_every_row_is_as_wide_as_the_tree(size: tuple[int, int]) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await drawn_by(pilot, "enter", "j")
        tree = tree_of(pilot)
        width = tree.scrollable_content_region.width
        assert {tree.render_line(y).cell_length for y in range(tree.size.height)} == {width}

    wide: list[Named] = [("名前" * 30, "0001", Status.INVALID), ("名前" * 30, "0002", Status.PENDING)]
    drive(act, lambda: a_tree(a_row(a_directory("e\u0301" * 50), [*EVERY_STATUS, *wide])), size=size)


# -- what is drawn ---------------------------------------------------------------------------------------------------


def test_moving_the_cursor_draws_two_rows() -> None:
    async def act(pilot: Pilot[None]) -> None:
        assert await drawn_by(pilot, "down") == [0, 1]
        assert await drawn_by(pilot, "j") == [1, 2]
        assert await drawn_by(pilot, "k") == [1, 2]

    drive(act, a_long_tree)


def test_the_row_under_the_cursor_is_one_segment() -> None:
    async def act(pilot: Pilot[None]) -> None:
        assert len(list(tree_of(pilot).render_line(0))) == 1

    drive(act, lambda: a_tree(a_row(a_directory(), EVERY_STATUS)))


def test_at_the_edge_it_scrolls_by_half_a_page() -> None:
    async def act(pilot: Pilot[None]) -> None:
        await drawn_by(pilot, *["j"] * 8)
        tree = tree_of(pilot)
        assert (tree.model.cursor, tree.scroll_offset.y) == (8, 4)
        await drawn_by(pilot, *["k"] * 5)
        assert (tree.model.cursor, tree.scroll_offset.y) == (3, 0)

    drive(act, a_long_tree, size=(80, 8))


def test_a_scan_draws_only_the_rows_in_view_that_look_different() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        with tree.changing() as model:
            put(model, [a_row(a_directory("p095"), EVERY_STATUS)])  # from now on there are columns for all of them
        await pilot.pause()
        tree.drawn.clear()
        with tree.changing() as model:
            put(
                model,
                [a_row(a_directory("p003"), EVERY_STATUS, Category.TODO), a_row(a_directory("p090"), EVERY_STATUS)],
            )
        await pilot.pause()
        assert tree.drawn == [3]
        tree.drawn.clear()
        with tree.changing() as model:
            put(model, [a_row(a_directory("p003"), EVERY_STATUS, Category.TODO)])
        await pilot.pause()
        assert not tree.drawn

    drive(act, a_long_tree)


def test_nothing_moves_under_the_cursor_when_sessions_are_found() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        await drawn_by(pilot, "j", "j", "j")
        before = texts(tree)
        with tree.changing() as model:
            put(model, [found(a_directory(f"a{number}")) for number in range(7)])
        await pilot.pause()
        assert texts(tree) == before
        assert tree.model.cursor == 10

    messages = drive(act, a_long_tree)
    assert len([each for each in messages if isinstance(each, SessionTree.CursorMoved)]) == 3


def test_opening_draws_what_comes_below_and_closing_brings_it_back() -> None:
    async def act(pilot: Pilot[None]) -> None:
        before = texts(tree_of(pilot))
        await drawn_by(pilot, "j")
        assert set(await drawn_by(pilot, "enter")) >= set(range(1, 12))
        assert len(tree_of(pilot).model.rows) == 12
        await drawn_by(pilot, "enter")
        after = texts(tree_of(pilot))
        assert [line.rstrip() for line in after] == [line.rstrip() for line in before]

    rows = [a_row(a_directory(f"p{number}"), EVERY_STATUS) for number in range(3)]
    drive(act, lambda: a_tree(*rows))


# -- keys ------------------------------------------------------------------------------------------------------------


def test_right_goes_in_and_left_goes_out() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        await drawn_by(pilot, "right")
        assert (tree.model.cursor, len(tree.model.rows)) == (0, 10)
        await drawn_by(pilot, "right", "down")
        assert tree.model.cursor == 2
        await drawn_by(pilot, "left")
        assert (tree.model.cursor, len(tree.model.rows)) == (0, 10)
        await drawn_by(pilot, "left")
        assert len(tree.model.rows) == 1

    messages = drive(act, lambda: a_tree(a_row(a_directory(), EVERY_STATUS)))
    toggled = [each.opened for each in messages if isinstance(each, SessionTree.NodeToggled)]
    assert toggled == [True, False]


def test_what_has_nothing_to_open_is_entered() -> None:
    async def act(pilot: Pilot[None]) -> None:
        await drawn_by(pilot, "enter")

    messages = drive(act, lambda: a_tree(found(a_directory())))
    (entered,) = [each for each in messages if isinstance(each, SessionTree.NodeEntered)]
    assert entered.node.session == a_directory().path


def test_ends_and_pages() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        for key, cursor in (("G", 99), ("g", 0), ("pagedown", 23), ("pageup", 0), ("end", 99), ("home", 0), ("k", 0)):
            await drawn_by(pilot, key)
            assert tree.model.cursor == cursor, key
            assert tree.scroll_offset.y <= cursor < tree.scroll_offset.y + 24

    drive(act, a_long_tree)


def test_marks_and_ranges() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        await drawn_by(pilot, "space", "j", "v", "j", "j", "v")
        assert [line[0] for line in texts(tree)[:6]] == ["+", " ", "+", "+", "+", " "]
        await drawn_by(pilot, "u")
        assert not len(tree.model.marks)

    messages = drive(act, a_long_tree)
    changes = [(each.count, each.range_begun) for each in messages if isinstance(each, SessionTree.MarksChanged)]
    assert changes == [(1, False), (1, True), (4, False), (0, False)]


def test_attention_is_sought_and_where_there_is_none_it_is_said() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        await drawn_by(pilot, "n")
        assert tree.model.cursor == 1
        await drawn_by(pilot, "n", "N")
        assert tree.model.cursor == 1

    rows = [found(a_directory("p1")), a_row(a_directory("p2"), EVERY_STATUS, Category.TODO), found(a_directory("p3"))]
    messages = drive(act, lambda: a_tree(*rows))
    assert [each.step for each in messages if isinstance(each, SessionTree.AttentionSought)] == [1, -1]


def test_a_click_goes_to_its_row_and_two_open_it() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        await pilot.click(CountedTree, offset=(5, 1))
        assert tree.model.cursor == 1
        await pilot.click(CountedTree, offset=(5, 1), times=2)
        assert len(tree.model.rows) == 11
        await pilot.click(CountedTree, offset=(5, 20))
        assert tree.model.cursor == 1

    drive(act, lambda: a_tree(*(a_row(a_directory(name), EVERY_STATUS) for name in ("p1", "p2"))))


# -- filter and order ------------------------------------------------------------------------------------------------


def test_a_filter_goes_on_by_itself_until_all_is_searched() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        tree.narrow(parse_filter("status:pending"))
        await until(pilot, lambda: not tree.model.searching)
        await pilot.pause()
        assert len(tree.model.rows) == 4100 + OPENED_AT_MOST
        tree.narrow(Filter())
        await pilot.pause()
        assert len(tree.model.rows) == 4100

    pending: list[Named] = [("c", "1", Status.PENDING)]
    rows = [a_row(a_directory(f"p{number:05}"), pending) for number in range(4100)]
    messages = drive(act, lambda: a_tree(*rows))
    assert [each.sessions for each in messages if isinstance(each, SessionTree.FilterApplied)] == [4100]


def test_the_event_loop_has_a_turn_after_each_step_of_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[None] = []
    seen: list[int] = []
    search = TreeModel.search

    def noted(model: TreeModel) -> bool:
        seen.append(len(turns))
        return search(model)

    async def act(pilot: Pilot[None]) -> None:
        loop = asyncio.get_running_loop()
        tree = tree_of(pilot)

        def turn() -> None:
            turns.append(None)
            if tree.model.searching or not turns[1:]:
                loop.call_soon(turn)

        monkeypatch.setattr(TreeModel, "search", noted)
        tree.narrow(parse_filter("status:pending"))
        loop.call_soon(turn)
        await until(pilot, lambda: not tree.model.searching)

    drive(act, lambda: a_tree(*(found(a_directory(f"p{number:05}")) for number in range(5 * SEARCHED_TOGETHER))))
    assert len(seen) > 4
    assert len({*seen}) == len(seen)


def test_the_order_is_turned_with_the_cursor_on_the_same_session() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        await drawn_by(pilot, "j")
        tree.turn()
        await pilot.pause()
        assert [line.strip() for line in texts(tree)[:3]] == ["▾   id99", "p1/20231019", "p2/20231019"]
        assert tree.model.node
        assert tree.model.node.session == a_directory("p2").path

    drive(act, lambda: a_tree(found(a_directory("p1")), found(a_directory("p2"))))


def test_no_filter_and_no_session_is_an_empty_tree_that_takes_any_key() -> None:
    async def act(pilot: Pilot[None]) -> None:
        keys = ["enter", "left", "right", "j", "k", "g", "G", "n", "N", "space", "v", "u", "pagedown"]
        await drawn_by(pilot, *keys)
        assert not any(texts(tree_of(pilot)))

    drive(act, a_tree)


def test_every_binding_has_an_id_and_a_tooltip_of_its_own() -> None:
    bindings = [each for each in SessionTree.BINDINGS if isinstance(each, Binding)]
    assert len(bindings) == len(SessionTree.BINDINGS)
    assert all(binding.id and binding.tooltip for binding in bindings)
    assert len({binding.id for binding in bindings}) == len(bindings)


def test_the_row_of_the_proposal_stays_while_its_sessions_scroll() -> None:
    many = [a_row(a_directory("p1", date=f"202301{day:02}")) for day in range(1, 31)]

    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        with tree.changing() as model:
            model.opened.set(("p1", "id99"), opened=True)
            put(model, many)
        await pilot.pause()
        assert texts(tree)[0].split()[2] == "p1/id99"
        await pilot.press("G")
        await pilot.pause()
        lines = texts(tree)
        assert lines[0].split()[2] == "p1/id99"
        assert "20230130" in lines[-1]
        for _ in range(30):  # the cursor is never below it
            await pilot.press("k")
            await pilot.pause()
            row = tree.model.cursor - tree.scroll_offset.y
            assert row > 0 or tree.scroll_offset.y == 0
        assert tree.scroll_offset.y == 0
        await pilot.press("G")
        await pilot.pause()
        await pilot.click(tree, offset=(10, 0))
        assert tree.model.cursor == 0, "a click on it goes to the proposal"

    drive(act, a_tree, size=(80, 10))


def test_a_click_on_an_arrow_opens_and_closes() -> None:
    async def act(pilot: Pilot[None]) -> None:
        tree = tree_of(pilot)
        with tree.changing() as model:
            put(model, [a_row(a_directory("p1", date=f"2023010{day}")) for day in (1, 2)])
        await pilot.pause()
        assert len(tree.model.rows) == 3
        await pilot.click(tree, offset=(1, 0))
        assert len(tree.model.rows) == 1
        await pilot.pause(0.6)  # two clicks, not a double one
        await pilot.click(tree, offset=(1, 0))
        assert len(tree.model.rows) == 3

    drive(act, a_tree, size=(80, 10))
