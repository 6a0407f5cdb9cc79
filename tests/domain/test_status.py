"""Tests of statuses and categories against interface.md, "Status of a dataset", "Category of a session"."""

import msgspec
import pytest

from icat_tui.domain.status import ACTIONABLE, ATTENTION, Category, Marked, Status

TABLE = """
    1 registered               = green
    2 unregistered             ! magenta
    3 not_uploaded             ^ yellow
    4 registered_without_files o cyan
    5 invalid                  x red
    6 in_progress              * blue
    7 pending                  ~ blue
    8 missing_on_disk          _ grey
    9 unknown                  ? reverse
"""
CATEGORIES = {
    "ok": "=",
    "todo": "!",
    "todo_ongoing": "*",
    "has_invalid": "x",
    "not_in_icat": "-",
    "unknown": "?",
    "empty": "·",
}


def test_keys_names_glyphs_and_colours_of_statuses_are_those_of_the_contract() -> None:
    rows = [line.split() for line in TABLE.strip().splitlines()]
    assert [[status.key, status.value, status.glyph, status.colour] for status in Status] == rows


def test_glyphs_of_categories_are_those_of_the_contract() -> None:
    assert {category.value: category.glyph for category in Category} == CATEGORIES


@pytest.mark.parametrize("kind", [Status, Category])
def test_a_glyph_tells_which_one_it_is_without_its_colour(kind: type[Marked]) -> None:
    glyphs = [member.glyph for member in kind]
    assert len(set(glyphs)) == len(glyphs)
    assert all(len(glyph) == 1 for glyph in glyphs)


@pytest.mark.parametrize("kind", [Status, Category])
def test_words_are_words(kind: type[Marked]) -> None:
    assert all(member.word.replace(" ", "_") == member.value and "_" not in member.word for member in kind)


def test_a_status_in_a_file_is_its_key() -> None:
    assert msgspec.json.encode([Status.IN_PROGRESS, Category.OK]) == b'["in_progress","ok"]'
    assert msgspec.json.decode(b'"in_progress"', type=Status) is Status.IN_PROGRESS
    assert msgspec.json.decode(b'"todo_ongoing"', type=Category) is Category.TODO_ONGOING


def test_actions_come_in_the_order_of_sending() -> None:
    assert [status.value for status in ACTIONABLE] == ["not_uploaded", "unregistered", "registered_without_files"]


def test_a_session_that_is_not_over_wants_no_attention() -> None:
    assert {category.value for category in ATTENTION} == {"todo", "has_invalid", "not_in_icat", "unknown"}
