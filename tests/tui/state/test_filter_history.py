"""Filters that were kept before, and their file."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from icat_tui.tui.state.filter_history import KEPT, LONGEST, FilterHistory, keep_filter, read_filters


def test_what_was_typed_comes_back_after_the_newest() -> None:
    history = FilterHistory(["a", "b"])
    assert history.newer("dra") == "dra"
    assert [history.older("dra"), history.older("b"), history.older("a")] == ["b", "a", "a"]
    assert [history.newer("a"), history.newer("b"), history.newer("dra")] == ["b", "dra", "dra"]


def test_a_filter_that_is_kept_again_is_the_newest() -> None:
    history = FilterHistory(["a", "b"])
    history.add(" a ")
    history.add("")
    assert history.filters == ("b", "a")
    assert FilterHistory().older("typed") == "typed"


@given(st.lists(st.sampled_from(["older", "newer", "add a", "add b", "leave"])))
def test_any_way_through_it_shows_what_is_in_it_or_was_typed(steps: list[str]) -> None:
    history, shown = FilterHistory(["x"]), "typed"
    for step in steps:
        match step.split():
            case ["add", text]:
                history.add(text)
            case ["leave"]:
                history.leave()
            case [way]:
                shown = history.older(shown) if way == "older" else history.newer(shown)
                assert shown in {*history.filters, "typed"}


def test_the_file_keeps_the_last_and_what_another_run_has_added(tmp_path: Path) -> None:
    file = tmp_path / "state" / "filters.txt"
    for number in range(KEPT + 5):
        keep_filter(file, f"f{number}")
    assert read_filters(file) == [f"f{number}" for number in range(5, KEPT + 5)]
    assert file.stat().st_mode & 0o077 == 0
    assert os.listdir(file.parent) == [file.name]


def test_a_file_of_anything_is_read_and_nothing_of_it_reaches_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "filters.txt"
    file.write_bytes(b"\x1b[2Jred\n\xff\n\n" + b"x" * (LONGEST + 1) + b"\n" + "a\u202eb\n".encode() + b"\0" * 1_000_000)
    assert all(text.isprintable() for text in read_filters(file))
    assert read_filters(file)[0] == "\\x1b[2Jred"
    keep_filter(file, "new")
    assert read_filters(file)[-1] == "new"


def test_where_it_cannot_be_kept_nobody_is_kept_from_working(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_filters(tmp_path / "pipe") == read_filters(tmp_path) == read_filters(tmp_path / "none") == []
    (tmp_path / "file").write_text("")
    keep_filter(tmp_path / "file" / "below", "text")
