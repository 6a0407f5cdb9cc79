import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.status import ATTENTION, Category, Status
from icat_tui.domain.summary import SessionRow, entries
from icat_tui.tui.state.filtering import Filter, FilterError, FilterMatch, parse_filter
from tests.support.samples import a_directory
from tests.support.tree_rows import a_row, found
from tests.support.tree_strategies import DATASETS, FILTERS, PLACES

ROW = a_row(
    a_directory("hg333", "id99"),
    [("LaB6", "0001", Status.UNREGISTERED), ("LaB6", "0002", Status.REGISTERED), ("Si", "0001", Status.INVALID)],
    Category.TODO,
    sample="powder",
)


def kept(text: str, row: SessionRow = ROW) -> list[str] | None:
    """Return the directories that a filter shows in a session, None where it shows none of it."""
    to = parse_filter(text)
    return None if to.match(row) == FilterMatch.NOT else [entry.directory for entry in to.kept(row)]


ALL = ["LaB6_0001", "LaB6_0002", "Si_0001"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ALL),
        ("lab6", ALL[:2]),
        ("LAB6 0001", ALL[:1]),
        ("hg333", ALL),
        ("hg333 si", ALL[2:]),
        ("hg333/id99/2023", ALL),
        ("/data/visitor/hg333", ALL),
        ("visitor", None),
        ("status:unregistered LaB6", ALL[:1]),
        ("status:registered", ALL[1:2]),
        ("status:reg", ALL[1:2]),
        ("status:invalid,registered", ALL[1:]),
        ("status:invalid status:registered", ALL[1:]),
        ("status:todo", ALL),
        ("status:todo si", ALL[2:]),
        ("status:has_invalid", None),
        ("status:pending", None),
        ("beamline:id99", ALL),
        ("beamline:ID9 lab6", ALL[:2]),
        ("beamline:bm01", None),
        ("sample:powder si", ALL[2:]),
        ("powder", ALL),
        ("sample:lab6", None),
        ("status:", ALL),
        ("RAW_DATA", None),
    ],
)
def test_a_filter_shows(text: str, shown: list[str] | None) -> None:
    assert kept(text) == shown


def test_a_status_that_there_is_not_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(FilterError, match="unregistered"):
        parse_filter("status:nonsense")


def test_what_no_name_can_hold_is_not_looked_for() -> None:
    assert parse_filter("a\x00b \x02").names == ("ab",)


def test_a_session_without_datasets_is_shown_for_what_it_is() -> None:
    nowhere = a_row(a_directory(), category=Category.NOT_IN_ICAT)
    assert parse_filter("status:not_in_icat").match(nowhere) == FilterMatch.WHOLE
    assert Filter(attention=True).match(nowhere) == FilterMatch.WHOLE
    assert Filter(attention=True).match(found(a_directory())) == FilterMatch.NOT
    assert Filter(hidden=frozenset({Status.REGISTERED})).match(found(a_directory())) == FilterMatch.WHOLE
    assert parse_filter("status:unknown").match(a_row(a_directory(), category=Category.UNKNOWN)) == FilterMatch.WHOLE


def test_hidden_statuses_hide_sessions_that_have_nothing_else() -> None:
    settled = a_row(a_directory(), [("c", "1", Status.REGISTERED)])
    hidden = Filter(hidden=frozenset({Status.REGISTERED}))
    assert hidden.match(settled) == FilterMatch.NOT
    assert [entry.status for entry in hidden.kept(ROW)] == [Status.UNREGISTERED, Status.INVALID]


@given(FILTERS, st.builds(a_row, PLACES, DATASETS, st.sampled_from(Category)))
def test_a_session_matches_by_its_datasets_exactly_when_one_is_shown(to: Filter, row: SessionRow) -> None:
    match to.match(row):
        case FilterMatch.DATASETS:
            assert to.kept(row)
        case FilterMatch.WHOLE:
            assert to.kept(row) == entries(row)
        case FilterMatch.NOT:
            restricted = to.names or to.hidden or to.statuses or to.categories or to.beamlines or to.attention
            assert restricted
    if to.attention and row.category not in ATTENTION:
        assert to.match(row) == FilterMatch.NOT
    if to.match(row) == FilterMatch.DATASETS:
        assert not to.hidden.intersection(entry.status for entry in to.kept(row))
