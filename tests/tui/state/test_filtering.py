from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from icat_tui.domain.status import ATTENTION, Category, Status
from icat_tui.domain.summary import STATUSES, SessionRow, entries
from icat_tui.tui.state.filter_words import FilterError
from icat_tui.tui.state.filtering import EXAMPLES, FIELDS, Filter, FilterMatch, parse_filter
from tests.support.samples import NOW, a_directory
from tests.support.tree_rows import a_row, found
from tests.support.tree_strategies import FILTERS, PLACES, ROWS, WORDS

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


@given(FILTERS, ROWS | PLACES.map(found))
def test_a_session_matches_by_its_datasets_exactly_when_one_is_shown(to: Filter, row: SessionRow) -> None:
    shown = to.kept(row)
    match to.match(row):
        case FilterMatch.DATASETS:
            assert shown
        case FilterMatch.WHOLE:
            assert shown == entries(row)
        case FilterMatch.NOT:
            assert to.active
            assert not shown
    numbers = Counter(entry.status for entry in shown)
    assert (to.counts(row) or (0,) * len(STATUSES)) == tuple(numbers[status] for status in STATUSES)
    if to.attention and row.category not in ATTENTION:
        assert to.match(row) == FilterMatch.NOT
    if to.match(row) == FilterMatch.DATASETS:
        assert not to.hidden.intersection(entry.status for entry in shown)


@given(WORDS, ROWS)
def test_a_word_and_its_negation_share_all_datasets_between_them(word: str, row: SessionRow) -> None:
    fitting, others = (parse_filter(text, NOW).kept(row) for text in (word, f"-{word}"))
    assert sorted([*fitting, *others]) == sorted(entries(row))


@given(WORDS, PLACES.map(found) | st.builds(a_row, PLACES, category=st.sampled_from(Category)))
def test_a_session_without_datasets_fits_a_word_or_its_negation(word: str, row: SessionRow) -> None:
    assert {parse_filter(text, NOW).match(row) for text in (word, f"-{word}")} == {FilterMatch.NOT, FilterMatch.WHOLE}


@given(st.text() | st.lists(st.sampled_from([*FIELDS, *':-",. <>=!?~*', "2026", "..", "3d", "foo"])).map("".join))
def test_anything_typed_is_a_filter_or_an_error_that_says_why(text: str) -> None:
    try:
        to = parse_filter(text, NOW)
    except FilterError as error:
        assert str(error)  # noqa: PT017 - there may be none
    else:
        to.match(ROW)
        assert not any(map(str.isspace, "".join(name for name in to.names if '"' not in text)))


def dated(text: str, row: SessionRow = ROW) -> bool:
    return parse_filter(text, NOW).match(row) != FilterMatch.NOT


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-lab6", ALL[2:]),
        ("-hg333", None),
        ("-/data/visitor", None),
        ("-nowhere", ALL),
        ("-", ALL),
        ("!", ALL[:1]),
        ("!=", ALL[:2]),
        ("-!", ALL[1:]),
        ("status:x", ALL[2:]),
        ("x", None),
        ('"="', None),
        ("status:-", None),
        ("-status:x,=", ALL[:1]),
        ("-status:x -status:=", ALL[:1]),
        ("status:x,", ALL[2:]),
        ("-sample:powder", None),
        ('sample:"powder"', ALL),
        ("proposal:hg si", ALL[2:]),
        ("proposal:ma,hg3", ALL),
        ("proposal:ma proposal:hg3", ALL),
        ("-proposal:hg3", None),
        ('"LaB6_0001"', ALL[:1]),
        ('"LaB6_0001', ALL[:1]),
        ("date:2023", ALL),
        ("date:2024", None),
        ("date:2022..2023", ALL),
        ("age:", ALL),
        ("before: status: proposal:", ALL),
    ],
)
def test_words_glyphs_and_negation(text: str, shown: list[str] | None) -> None:
    assert kept(text) == shown


def test_ages_are_counted_from_when_icat_was_asked() -> None:
    def asked(age: timedelta) -> SessionRow:
        return structs.replace(ROW, seen_at=NOW - age)

    old, young, never = asked(timedelta(days=2, hours=1)), asked(timedelta(minutes=5)), found(a_directory())
    for text, rows in {"age:>2d": [old], "age:2d": [old], "age:<10min": [young], "-age:<2d": [old, never]}.items():
        assert [row for row in (old, young, never) if dated(text, row)] == rows
    assert dated("age:<10min", asked(timedelta(minutes=-5))), "asked after the filter was typed"
    assert not dated("age:>1h age:<1d", old)


DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@given(DAYS, DAYS)
def test_each_day_is_before_or_after_another(day: date, other: date) -> None:
    row = a_row(a_directory(date=f"{day:%Y%m%d}"))
    assert dated(f"before:{other}", row) == (day < other) != dated(f"after:{other}", row)
    assert dated(f"date:{other:%Y-%m}", row) == (f"{day:%Y%m}" == f"{other:%Y%m}")
    assert dated(f"date:{other}..", row) == dated(f"after:{other}", row)
    if day != other:
        first, last = sorted((day, other))
        assert dated(f"date:{first:%Y%m%d}..{last:%Y%m%d}", row)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("foo:bar", "There is no field foo: there are status, proposal.*as a name: in quotes"),
        ("propsal:hg", "do you mean proposal:"),
        ("-stat:x", "There is no field stat"),
        ("date:2026-13", "'2026-13' is no date"),
        ("date:20260230", "is no date"),
        ("date:0000", "is no date"),
        ("before:2025..2026", "A range is for date"),
        ("date:2026..2025", "ends before it begins"),
        ("age:3", "'3' is no age"),
        ("age:>3y", "is no age"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(FilterError, match=says):
        parse_filter(text, NOW)


@pytest.mark.parametrize("text", EXAMPLES)
def test_what_the_help_shows_is_a_filter(text: str) -> None:
    assert parse_filter(text, NOW).active


def test_a_colon_in_quotes_or_after_digits_is_part_of_a_name() -> None:
    assert parse_filter('"foo:bar" 12:30 "two words"').names == ("foo:bar", "12:30", "two words")
