"""What a terminal sends, made into events: any bytes, in any pieces."""

import random

import pytest
from textual import events
from textual.message import Message

from icat_tui.tui.driver import TypedInput


def _typed(*pieces: bytes) -> list[Message]:
    parser = TypedInput()
    return [message for piece in pieces for message in parser.feed(piece)]


def _keys(messages: list[Message]) -> list[str]:
    return [each.key for each in messages if isinstance(each, events.Key)]


@pytest.mark.parametrize("bad", [b"\xff", b"\xe2\x82", b"\xc3", b"\x80"])
def test_what_is_not_utf8_is_no_key_and_costs_none(bad: bytes) -> None:
    assert _keys(_typed(b"a" + bad + b"b")) == ["a", "b"]


def test_mouse_reports_of_old_terminals_are_no_keys() -> None:
    report = b"\x1b[M\x20\xa1q"
    whole = _typed(report + b"j")
    assert _keys(whole) == ["j"]
    assert [type(each) for each in whole[:-1]] == [events.MouseDown]
    for at in range(1, len(report)):
        assert _keys(_typed(report[:at], report[at:] + b"j")) == ["j"], at


@pytest.mark.parametrize(
    "text", [b"ryq", b"\x1b" + b"ry" * 40, b"\x1b[Mry", b"\x1b\x1bq", b"r\xffy", b"\x1b[99999999u"]
)
def test_what_is_pasted_is_one_paste_and_no_key(text: bytes) -> None:
    messages = _typed(b"\x1b[200~" + text + b"\x1b[201~j")
    assert _keys(messages) == ["j"]
    assert [type(each) for each in messages] == [events.Paste, events.Key]


@pytest.mark.parametrize("sequence", [b"\x1b[99999999u", b"\x1b[1114112u", b"\x1b[1;1;1114112u"])
def test_a_sequence_that_the_parser_fails_at_costs_no_key_after_it(sequence: bytes) -> None:
    assert _keys(_typed(sequence + b"j"))[-1:] == ["j"]


def test_any_bytes_are_taken() -> None:
    chance = random.Random(1)
    alphabet = [
        b"\x1b",
        b"[",
        b"<",
        b";",
        b"M",
        b"m",
        b"u",
        b"~",
        b"9",
        b"0",
        b"200~",
        b"48;",
        b"t",
        b"\xff",
        b"O",
        b"?",
    ]
    for _ in range(500):
        data = b"".join(chance.choice([*alphabet, chance.randbytes(1)]) for _ in range(200))
        parser = TypedInput()
        list(parser.feed(data))
        list(parser.rest())
        list(parser.feed(b"\x1b[201~"))
        assert _keys(list(parser.feed(b"j")))[-1:] == ["j"], data
