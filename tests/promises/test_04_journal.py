"""Promise 4, by the installed program: no message is lost or sent twice unnoticed (see `tests.support.doubling`)."""

import pytest

from tests.support import doubling
from tests.support.doubling import Figures


@pytest.mark.parametrize("point", [33, pytest.param(17, marks=pytest.mark.slow)])
def test_planned_twice_is_sent_once(figures: Figures, point: int) -> None:
    doubling.planned_twice(figures, point)
    assert figures == Figures(tries=figures.tries)


def test_under_another_name_it_is_the_same(figures: Figures) -> None:
    doubling.by_another_path(figures, 40)
    assert figures == Figures(tries=figures.tries)


@pytest.mark.parametrize("seed", [0, 7, *(pytest.param(each, marks=pytest.mark.slow) for each in range(1, 7))])
def test_a_damaged_journal_makes_nothing_be_sent_again(figures: Figures, seed: int) -> None:
    doubling.damaged(figures, seed)
    assert figures == Figures(tries=figures.tries)


@pytest.mark.slow
@pytest.mark.parametrize("point", range(8, 56, 8))
def test_a_run_that_is_killed_loses_and_doubles_nothing(figures: Figures, point: int) -> None:
    doubling.killed(figures, point, ingests=point % 16 == 0)
    assert figures == Figures(tries=figures.tries)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1500, 5000])
def test_a_full_disk_is_said_and_doubles_nothing(figures: Figures, size: int) -> None:
    doubling.on_a_full_disk(figures, size)
    assert figures == Figures(tries=figures.tries)


@pytest.mark.skipif(not doubling.may_become_others(), reason="other users can't run this interpreter")
def test_what_one_user_has_sent_another_does_not_send_again(figures: Figures) -> None:
    doubling.two_users(figures)
    assert figures == Figures(tries=figures.tries)
