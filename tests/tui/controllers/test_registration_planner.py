"""Which dataset `r` leads to the form of, where nothing but invalid ones are to be registered."""

from collections.abc import Iterable

import pytest

from icat_tui.domain.status import Status
from icat_tui.sync.plan import Plan
from icat_tui.tui.controllers.registration_planner import first_invalid
from icat_tui.tui.state.targets import Selected
from tests.support.ui_dialogs import plan_of

REGISTERED, INVALID, UNREGISTERED = Status.REGISTERED, Status.INVALID, Status.UNREGISTERED


def found(*of_sessions: Iterable[Status], meant: tuple[int, ...] = ()) -> tuple[int, int] | None:
    """Return the places of session and dataset; `meant` are the datasets that are marked in the first session."""
    plans: list[Plan] = [plan_of(*statuses, date=f"202310{day:02}") for day, statuses in enumerate(of_sessions, 10)]
    paths = [plan.session.directory.path for plan in plans]
    marked: Selected = {paths[0]: frozenset(plans[0].session.datasets[place].path for place in meant)} if meant else {}
    if (first := first_invalid(plans, marked)) is None:
        return None
    session, path = first
    return paths.index(session.directory.path), [dataset.path for dataset in session.datasets].index(path)


@pytest.mark.parametrize(
    ("of_sessions", "meant", "first"),
    [
        ([[INVALID]], (), (0, 0)),
        ([[REGISTERED, INVALID, INVALID]], (), (0, 1)),
        ([[REGISTERED], [REGISTERED, INVALID]], (), (1, 1)),
        ([[Status.PENDING, Status.UNKNOWN, Status.IN_PROGRESS, INVALID]], (), (0, 3)),
        ([[REGISTERED, INVALID, INVALID]], (2,), (0, 2)),
        ([[UNREGISTERED, INVALID]], (1,), (0, 1)),
        ([[UNREGISTERED, INVALID]], (), None),
        ([[INVALID], [UNREGISTERED]], (), None),
        ([[INVALID, REGISTERED]], (1,), None),
        ([[REGISTERED]], (), None),
    ],
)
def test_it_is_the_first_invalid_one_where_nothing_can_be_sent(
    of_sessions: list[list[Status]], meant: tuple[int, ...], first: tuple[int, int] | None
) -> None:
    assert found(*of_sessions, meant=meant) == first
