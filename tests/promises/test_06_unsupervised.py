"""Promise 6, by the installed program: without a person only what is safe is sent, and nothing unasked."""

import os

import pytest

from tests.support.beamtime import END, START, Beamtime
from tests.support.program import run_program


def settings_of(actionable: Beamtime) -> dict[str, str]:
    return os.environ | actionable.environment | {"ICAT_TUI_VERIFY_WAIT": "0s"}


@pytest.mark.parametrize(
    "words",
    [
        ("sync",),
        ("sync", "--exit-code"),
        ("check",),
        ("sync", "--register"),  # nobody answers
        ("journal", "--verify"),
        ("journal", "--resume", "--yes"),
        ("sync", "--auto-register", "--read-only"),
    ],
)
def test_nothing_is_sent_that_nobody_asked_for(actionable: Beamtime, words: tuple[str, ...]) -> None:
    paths = [] if words[0] == "journal" else [str(actionable.session)]
    run_program(*words, *paths, env=settings_of(actionable))
    assert actionable.broker.connections == 0


def test_on_its_own_it_asks_for_files_and_for_nothing_else(actionable: Beamtime) -> None:
    ran = run_program("sync", "--auto-register", str(actionable.session), env=settings_of(actionable))
    assert ran.code == 0
    (body,) = actionable.bodies
    assert b"datasetId" in body


def test_on_its_own_it_does_not_touch_what_was_sent_before(actionable: Beamtime) -> None:
    late = settings_of(actionable) | {"ICAT_TUI_PENDING_TIMEOUT": "0s"}
    for _ in range(2):
        run_program("sync", "--auto-register", str(actionable.session), env=late)
    assert len(actionable.bodies) == 1


def test_where_a_person_has_to_choose_nothing_but_files_is_sent(actionable: Beamtime) -> None:
    actionable.state.add_investigation(8, "HG-333", "id99", START, END)
    ran = run_program("sync", "--auto-register", str(actionable.session), env=settings_of(actionable))
    assert ran.code == 0
    assert [b"datasetId" in body for body in actionable.bodies] == [True]
