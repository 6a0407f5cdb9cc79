"""However it is sorted, the tree is a tree: groups hold together, every row is found, nothing moves by itself."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import SessionRow
from icat_tui.tui.state.nodes import Level
from icat_tui.tui.state.order import SortBy
from icat_tui.tui.state.tree_model import TreeModel
from tests.support.samples import a_directory
from tests.support.tree_rows import a_model, a_row, put

GROUPS = [(proposal, beamline) for proposal in ("hg1", "hg2", "hg3") for beamline in ("id10", "id11")]
DAYS = [f"2023100{day}" for day in range(1, 6)]


def directory(proposal: str, beamline: str, date: str) -> SessionDirectory:
    return a_directory(proposal, beamline, date)


rows = st.builds(
    lambda group, date, category, missing: a_row(
        directory(group[0], group[1], date), [("c", f"{n}", Status.UNREGISTERED) for n in range(missing)], category
    ),
    st.sampled_from(GROUPS),
    st.sampled_from(DAYS),
    st.sampled_from(Category),
    st.integers(0, 3),
)


def sorted_tree(known: list[SessionRow], by: SortBy) -> TreeModel:
    tree = a_model(groups_open=True)
    put(tree, known)
    tree.sort(by)
    return tree


def sessions(tree: TreeModel) -> list[str]:
    return [node.place[3] for node in tree.rows if node.level == Level.SESSION]


@given(st.lists(rows, max_size=20), st.sampled_from(SortBy))
def test_groups_hold_together_and_every_row_is_found(known: list[SessionRow], by: SortBy) -> None:
    tree = sorted_tree(known, by)
    assert sorted(sessions(tree)) == sorted({row.directory.path for row in known})
    for index, node in enumerate(tree.rows):
        assert tree.index(node.place) == index
    for level in (1, 2):
        groups = [place[:level] for place in tree.sessions.places]
        assert len(set(groups)) == sum(1 for one, other in zip([None, *groups], groups, strict=False) if one != other)


@given(st.lists(rows, max_size=20), st.sampled_from(SortBy), st.lists(rows, max_size=8))
def test_nothing_moves_while_a_scan_fills_it_in(known: list[SessionRow], by: SortBy, more: list[SessionRow]) -> None:
    tree = sorted_tree(known, by)
    before = sessions(tree)
    put(tree, more)
    assert [path for path in sessions(tree) if path in set(before)] == before


@pytest.mark.parametrize(
    ("by", "order"),
    [
        (SortBy.PATH, ["20231001", "20231002", "20231003"]),
        (SortBy.URGENCY, ["20231002", "20231003", "20231001"]),
        (SortBy.DATE, ["20231003", "20231002", "20231001"]),
        (SortBy.MISSING, ["20231003", "20231002", "20231001"]),
    ],
)
def test_sessions_are_sorted_by_what_is_asked_for(by: SortBy, order: list[str]) -> None:
    kinds = {"20231001": (Category.OK, 0), "20231002": (Category.TODO, 1), "20231003": (Category.HAS_INVALID, 2)}
    known = [
        a_row(directory("hg1", "id10", date), [("c", f"{n}", Status.UNREGISTERED) for n in range(missing)], category)
        for date, (category, missing) in kinds.items()
    ]
    assert [path.rpartition("/")[2] for path in sessions(sorted_tree(known, by))] == order


def test_a_group_stands_where_the_first_of_its_sessions_would() -> None:
    known = [
        a_row(directory("hg1", "id10", DAYS[0]), category=Category.OK),
        a_row(directory("hg2", "id10", DAYS[0]), category=Category.OK),
        a_row(directory("hg2", "id10", DAYS[1]), category=Category.TODO),
    ]
    tree = sorted_tree(known, SortBy.URGENCY)
    assert [path.split("/")[-3] for path in sessions(tree)] == ["hg2", "hg2", "hg1"]


def test_the_cursor_stays_on_what_it_is_on_when_the_tree_is_sorted() -> None:
    known = [a_row(directory("hg1", "id10", date), category=Category.OK) for date in DAYS]
    tree = sorted_tree(known, SortBy.PATH)
    tree.move_to(2)
    under = cast("str", tree.node and tree.node.session)
    tree.sort(SortBy.DATE)
    assert tree.node
    assert tree.node.session == under


def test_by_the_last_change_the_newest_data_come_first() -> None:
    one, other = (a_row(directory("hg1", "id10", date), category=Category.OK) for date in DAYS[:2])
    newer = structs.replace(other, changed_at=one.seen_at)
    assert sessions(sorted_tree([one, newer], SortBy.CHANGE)) == [newer.directory.path, one.directory.path]
