"""Tests of exit codes against the tables of interface.md, "Exit codes"."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icat_tui.domain.errors import ExitCode, IcatTuiError, SaveError, UsageError, exit_code, unexpected

PRECEDENCE = [2, 6, 5, 4, 3, 1, 0]
"""Codes in the order of interface.md, "Which code wins", without signals, which are handled elsewhere."""


def test_numbers_are_those_of_the_contract() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "TODO": 1,
        "USAGE": 2,
        "PARTIAL": 3,
        "NOTHING": 4,
        "LOCKED": 5,
        "STOPPED": 6,
    }


@pytest.mark.parametrize(("first", "second"), list(combinations(PRECEDENCE, 2)))
def test_of_two_that_happened_the_graver_one_is_said(first: int, second: int) -> None:
    assert exit_code([ExitCode(second), ExitCode(first)]) == first


@settings(deadline=None)
@given(st.sets(st.sampled_from(ExitCode)))
def test_the_first_that_holds_is_said_whatever_else_happened(happened: set[ExitCode]) -> None:
    assert exit_code(happened) == min(happened, key=PRECEDENCE.index, default=ExitCode.DONE)


def test_a_run_in_which_nothing_happened_is_done() -> None:
    assert exit_code([]) is ExitCode.DONE


def test_an_error_knows_its_exit_code_and_its_text_is_the_line_for_a_person() -> None:
    assert (IcatTuiError.code, UsageError.code, SaveError.code) == (3, 2, 3)
    assert isinstance(UsageError(), IcatTuiError)
    assert str(UsageError("--since 2025-13-01: not a date")) == "--since 2025-13-01: not a date"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(13, "Permission denied", "/x"), "the system refused: Permission denied (/x)"),
        (OSError(28, "No space left on device"), "the system refused: No space left on device"),
        (OSError("odd"), "the system refused: odd"),
        (MemoryError(), "there is not enough memory"),
        (ImportError(), "a part of the installation can't be loaded (): install icat-tui once more"),
        (
            ImportError("\nlibhdf5\nadvice"),
            "a part of the installation can't be loaded (libhdf5): install icat-tui once more",
        ),
        (ImportError("libhdf5"), "a part of the installation can't be loaded (libhdf5): install icat-tui once more"),
        (RuntimeError("boom"), "a mistake of ours (RuntimeError: boom): please report it"),
        (
            ValueError("can't start new thread"),
            "a mistake of ours (ValueError: can't start new thread): please report it",
        ),
    ],
)
def test_what_the_system_refuses_is_told_from_our_mistakes(error: Exception, words: str) -> None:
    assert unexpected(error) == words


def test_python_says_the_same_of_threads_as_we_expect() -> None:
    assert unexpected(RuntimeError("can't start new thread")).startswith("the system starts no more threads")
