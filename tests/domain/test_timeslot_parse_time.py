"""Tests of reading times as ICAT+, BLISS and message files may write them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icat_tui.domain.timeslot import parse_time

PARIS = ZoneInfo("Europe/Paris")

unhurried = settings(deadline=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-10-19T08:00:00.123456+02:00", datetime(2023, 10, 19, 6, 0, 0, 123456, tzinfo=UTC)),
        ("2023-10-19T08:00:00.000+02:00", datetime(2023, 10, 19, 6, tzinfo=UTC)),
        ("2023-10-19T08:00:00+0200", datetime(2023, 10, 19, 6, tzinfo=UTC)),
        ("2023-10-19T08:00:00.5-11:30", datetime(2023, 10, 19, 19, 30, 0, 500000, tzinfo=UTC)),
        ("2023-10-19 08:00:00Z", datetime(2023, 10, 19, 8, tzinfo=UTC)),
        ("2023-10-19T08:00:00.123456789Z", datetime(2023, 10, 19, 8, 0, 0, 123456, tzinfo=UTC)),
        ("2023-10-19T08:00:00", datetime(2023, 10, 19, 6, tzinfo=UTC)),
        ("2023-12-19 08:00", datetime(2023, 12, 19, 7, tzinfo=UTC)),
        ("20231019T080000Z", datetime(2023, 10, 19, 8, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_they_are_written(machine_zone: str, text: str, expected: datetime) -> None:
    assert parse_time(text, PARIS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "2023-10-19",
        "20231019",
        "08:00:00",
        "2023-10-19x08:00:00",
        "2023-10-19\n08:00:00",
        "2023-02-30T08:00:00",
        "2023-10-19T25:00:00",
        "2023-10-19T08:00:00+25:00",
        "2023-10-19T08:00:00 Europe/Paris",
        "19/10/2023 08:00:00",
        "1697695200",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59Z",
        "\udcff\x1b[31m",
    ],
)
def test_what_is_no_time_is_named_in_the_error(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_time(text, PARIS)


@unhurried
@given(st.text(max_size=40) | st.text("0123456789-:.+TZW ", max_size=30))
def test_any_text_is_a_time_with_a_fixed_offset_or_a_value_error(text: str) -> None:
    try:
        moment = parse_time(text, PARIS)
    except ValueError:
        return
    assert isinstance(moment.tzinfo, timezone)
    assert moment.astimezone(UTC) == moment


@unhurried
@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001  # naive, as asked for
    st.sampled_from(["", "Z", "+02:00", "-0330", "+00:00"]),
    st.sampled_from("T "),
    st.integers(0, 9),
)
def test_digits_of_a_second_are_kept_up_to_the_sixth(
    moment: datetime, offset: str, separator: str, digits: int
) -> None:
    nanoseconds = f"{moment.microsecond:06}789"[:digits]
    text = f"{moment:%Y-%m-%d}{separator}{moment:%H:%M:%S}{'.' * bool(digits)}{nanoseconds}{offset}"
    parsed = parse_time(text, PARIS)
    kept = moment.replace(microsecond=int(nanoseconds[:6].ljust(6, "0")))
    assert parsed.replace(tzinfo=None) == kept
    expected = kept.replace(tzinfo=PARIS).utcoffset() if not offset else parse_time(f"2000-01-01T00:00{offset}", PARIS)
    assert parsed.utcoffset() == (expected.utcoffset() if isinstance(expected, datetime) else expected)


def test_a_time_that_clocks_show_twice_or_never_is_a_moment_all_the_same() -> None:
    assert parse_time("2023-10-29T02:30:00", PARIS) == datetime(2023, 10, 29, 0, 30, tzinfo=UTC)
    assert parse_time("2023-03-26T02:30:00", PARIS) == datetime(2023, 3, 26, 1, 30, tzinfo=UTC)


def test_an_offset_of_odd_seconds_survives_being_written() -> None:
    old = parse_time("1900-01-01T00:00:00", PARIS)
    assert parse_time(old.isoformat(), PARIS) == old
    assert old.utcoffset() == timedelta(minutes=9)
