"""Tests of texts for people: names are escaped before a person or a terminal gets them (promises.md 9)."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.text import visible
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
