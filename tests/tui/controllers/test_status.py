"""What the status line and `n` say of a tree, and how often the line is looked at."""

from collections.abc import Sequence
from typing import cast

import pytest

from icat_tui.domain.model import SessionDirectory
from icat_tui.tui.controllers.status import PassingTime, nothing_wants_attention
from icat_tui.tui.host import Activity, Host
from icat_tui.tui.state.tree_model import TreeModel
from tests.support.samples import a_directory
from tests.support.tree_rows import found


def a_tree(*directories: SessionDirectory) -> TreeModel:
    tree = TreeModel({each.path: found(each) for each in directories}, groups_open=True)
    tree.put([each.path for each in directories])
    return tree


def test_nothing_is_said_of_what_was_not_scanned() -> None:
    assert nothing_wants_attention(a_tree(a_directory("a"), a_directory("b")), 1, "n") == (
        "n has nothing scanned below: S scans"
    )


def test_without_anything_below_nothing_wants_attention() -> None:
    assert nothing_wants_attention(a_tree(), 1, "n") == "nothing further down wants attention"
    assert nothing_wants_attention(a_tree(a_directory("a")), -1, "N") == "nothing further up wants attention"


class Screen:
    is_open = True
    drawn = 0

    def show_state(self) -> None:
        self.drawn += 1


@pytest.mark.parametrize(("busy", "times"), [(False, 2), (True, 120)])
def test_at_rest_the_line_is_looked_at_once_a_minute(*, busy: bool, times: int) -> None:
    screen = Screen()
    going_on: Sequence[Activity] = [cast(Activity, object())] if busy else []
    clock = PassingTime(cast(Host, screen), lambda: going_on)
    for _ in range(120):
        clock.tick()
    assert screen.drawn == times
