"""Tests of texts for people: names are escaped before a person or a terminal gets them (promises.md 9)."""

import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.text import ago_text, duration_text, moment_text, slot_text, visible
from tests.support.names import HOSTILE_NAMES, HOSTILE_TEXTS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sample [b]LaB6[/b] \\n é 日本", "sample [b]LaB6[/b] \\n é 日本"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x1b[31m\x00\x7f", "\\x1b[31m\\x00\\x7f"),
        ("\u202egnp.exe\u2066\u200f", "\\u202egnp.exe\\u2066\\u200f"),
        ("\u2028\u0085\u00a0\ufeff", "\\u2028\\u0085\\u00a0\\ufeff"),
        ("\U000e0041", "\\U000e0041"),
        (os.fsdecode(b"caf\xe9\xff"), "caf\\xe9\\xff"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_does_not_print_is_written_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_what_comes_out_prints_on_any_terminal_and_goes_through_once_only(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert visible(shown) == shown


@pytest.mark.parametrize("text", [*HOSTILE_NAMES, *HOSTILE_TEXTS])
def test_hostile_names_are_harmless_when_shown(text: str) -> None:
    assert visible(text).isprintable()


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_letters_digits_and_signs_of_every_script_stay_as_they_are(text: str) -> None:
    assert visible(text) == text


@given(st.binary())
def test_every_byte_that_is_no_text_is_told_from_the_character_of_its_number(name: bytes) -> None:
    undecodable = [character for character in os.fsdecode(name) if "\udc80" <= character <= "\udcff"]
    assert visible("".join(undecodable)) == "".join(f"\\x{ord(character) - 0xDC00:02x}" for character in undecodable)


# -- times -----------------------------------------------------------------------------------------------------------

ZONE = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (NOW - timedelta(days=2), "14 Nov 2026, 2 days ago"),
        (NOW - timedelta(hours=3), "07:00, 3 hours ago"),
        (NOW - timedelta(hours=30), "15 Nov 2026, 1 day ago"),
        (NOW - timedelta(seconds=59), "09:59, just now"),
        (NOW - timedelta(days=800), "7 Sep 2024, 2 years ago"),
        (NOW + timedelta(hours=2), "12:00, in 2 hours"),
    ],
)
def test_a_moment_is_told_in_one_form_in_the_zone_of_the_facility(moment: datetime, told: str) -> None:
    assert moment_text(moment, NOW, ZONE) == told


def test_a_slot_names_the_year_of_its_end_only_where_it_is_another() -> None:
    start = datetime(2026, 8, 17, 6, 0, tzinfo=UTC)
    assert slot_text(start, start + timedelta(days=4), ZONE) == "17 Aug 2026, 08:00 to 21 Aug 08:00"
    assert slot_text(start, start + timedelta(days=200), ZONE) == "17 Aug 2026, 08:00 to 5 Mar 2027 07:00"
    assert slot_text(start, None, ZONE) == "17 Aug 2026, 08:00, open-ended"


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=40_000)), st.timedeltas(timedelta(), timedelta(1)))
def test_a_longer_time_is_never_told_as_a_shorter_one(length: timedelta, more: timedelta) -> None:
    sizes = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 30 * 86400, "year": 365 * 86400}

    def seconds(text: str) -> int:
        number, unit = text.split(" ")
        return int(number.replace(",", "")) * sizes[unit.removesuffix("s")]

    assert seconds(duration_text(length)) <= length.total_seconds()
    assert seconds(duration_text(length)) <= seconds(duration_text(length + more))


def test_a_clock_that_is_ahead_is_told_as_it_is() -> None:
    assert ago_text(NOW + timedelta(days=1, minutes=1), NOW) == "in 1 day"
