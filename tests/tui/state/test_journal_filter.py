"""The filter of the journal."""

from datetime import date, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.journal.sendings import MessageState
from icat_tui.tui.state.filter_words import FilterError
from icat_tui.tui.state.journal_filter import parse_journal_filter
from tests.support.journal_rows import THEN, a_message

ZONE = timezone(timedelta(hours=1))
TODAY = date(2026, 11, 16)

MESSAGES = {
    "planned": a_message("1"),
    "seen": a_message("2", state=MessageState.SEEN, user="opid21", session="ma1/id21/20240101"),
    "unknown": a_message("3", state=MessageState.UNKNOWN, words="The connection was lost"),
    "intended": a_message("4", state=MessageState.INTENDED, time=THEN - timedelta(days=30)),
    "rejected": a_message("5", state=MessageState.REJECTED, time=THEN + timedelta(hours=13, minutes=30)),
    "lost": a_message("6", state=MessageState.LOST),
    "accepted": a_message("7", state=MessageState.ACCEPTED),
    "skipped": a_message("8", state=MessageState.SKIPPED),
}
ALL = set(MESSAGES)


def kept(text: str) -> set[str]:
    wanted = parse_journal_filter(text, ZONE, TODAY, me="opid21")
    return {name for name, message in MESSAGES.items() if wanted.matches(message)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ALL),
        ("user:opid21", {"seen"}),
        ("user:me", {"seen"}),
        ("-user:me", ALL - {"seen"}),
        ("USER:OPID21", {"seen"}),
        ("state:planned", {"planned"}),
        ("state:planned,in_icat", {"planned", "seen"}),
        ("state:in-icat", {"seen"}),
        ("state:unk", {"unknown", "intended"}),
        ("state:pending", {"accepted"}),
        ("state:failed", {"rejected", "unknown", "intended"}),
        ("state:settled", {"lost"}),
        ("state:~,x", {"accepted", "rejected"}),
        ("~", {"accepted"}),
        ("-=", ALL - {"seen"}),
        ("-", ALL),
        ("date:2026-11-14", ALL - {"intended", "rejected"}),
        ("date:20261115", {"rejected"}),
        ("date:2026-10", {"intended"}),
        ("date:2026", ALL),
        ("date:yesterday", {"rejected"}),
        ("date:2d", ALL - {"intended", "rejected"}),
        ("before:2026-11-14", {"intended"}),
        ("after:2026-11-15", {"rejected"}),
        ("after:2026-11 before:2026-11-15", ALL - {"intended", "rejected"}),
        ("-after:2026-11", {"intended"}),
        ("proposal:ma1", {"seen"}),
        ("beamline:id21", {"seen"}),
        ("session:20240101", {"seen"}),
        ("connection lost", {"unknown"}),
        ("-connection state:unknown", {"intended"}),
        ("colA_5", {"rejected"}),
        ("user:", ALL),
        ('"the connection"', {"unknown"}),
        ("date:2026-10..2026-11-14", ALL - {"rejected"}),
        ("-user:", ALL),
        ("state:planned state:in_icat", {"planned", "seen"}),
        ("date:2026-11-15..", {"rejected"}),
        ('"connection was"', {"unknown"}),
        ("/data/visitor/ma1", {"seen"}),
    ],
)
def test_it_lets_through_what_it_says(text: str, wanted: set[str]) -> None:
    assert kept(text) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("usr:me", "no field usr: do you mean user:"),
        ("zzz:1", "no field zzz: there are user, state"),
        ("state:nothing", "no state 'nothing'"),
        ("date:soon", "'soon' is no date"),
        ("before:2026-13", "is no date"),
        ("after:2026-02-30", "is no date"),
        ("date:99999d", ""),
    ],
)
def test_what_is_not_understood_is_an_error_that_says_what_would_be_right(text: str, says: str) -> None:
    if not says:
        parse_journal_filter(text, ZONE, TODAY)
        return
    with pytest.raises(FilterError, match=says):
        parse_journal_filter(text, ZONE, TODAY)


@given(st.text())
def test_whatever_is_typed_is_a_filter_or_an_error(text: str) -> None:
    try:
        wanted = parse_journal_filter(text, ZONE, TODAY)
    except FilterError:
        return
    for message in MESSAGES.values():
        wanted.matches(message)
