"""Tests of reading stored messages, which are untrusted files (icat.md, "Known faults", D30)."""

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.disk.stored_xml import LARGEST, REQUIRED, as_utf8, parse_stored, read_stored
from icat_tui.domain.model import StoredMessage
from tests.support.bliss import stored_message

ZONE = ZoneInfo("Europe/Paris")
LOCATION = "/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_0001"
GOOD = stored_message(LOCATION)


def parse(text: str | bytes) -> StoredMessage:
    return parse_stored("x.xml", text if isinstance(text, bytes) else text.encode(), ZONE)


def test_a_message_is_read() -> None:
    assert parse(GOOD) == StoredMessage(
        path="x.xml",
        location=LOCATION,
        name="0001",
        proposal="hg333",
        beamline="id99",
        sample="sA",
        start=datetime.fromisoformat("2023-10-20T01:00:00.123456+02:00"),
        end=datetime.fromisoformat("2023-10-20T05:00:00+02:00"),
    )


@given(st.permutations(["investigation", "instrument", "name", "location", "startDate", "endDate", "sample", "extra"]))
def test_the_order_of_elements_does_not_matter(order: list[str]) -> None:
    texts = {
        "investigation": "hg333",
        "instrument": "id99",
        "name": "0001",
        "location": LOCATION,
        "startDate": "2023-10-20T01:00:00.123456+02:00",
        "endDate": "2023-10-20T05:00:00+02:00",
        "sample": "<i:name>sA</i:name>",
        "extra": "<i:name>not this</i:name>",
    }
    children = "\n  ".join(f"<i:{name}>{texts[name]}</i:{name}>" for name in order)
    assert parse(f'<i:dataset xmlns:i="http://www.esrf.fr/icat">{children}</i:dataset>') == parse(GOOD)


def test_a_time_without_an_offset_is_one_of_the_facility() -> None:
    message = parse(GOOD.replace("05:00:00+02:00", "05:00:00"))
    assert message.end == datetime.fromisoformat("2023-10-20T05:00:00+02:00")
    assert message.end.utcoffset() is not None


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("replacement", ["", "<tns:{0}/>", "<tns:{0}>  </tns:{0}>", "<{0}>x</{0}>"])
def test_every_required_element_is_required(name: str, replacement: str) -> None:
    start, end = GOOD.index(f"<tns:{name}>"), GOOD.index(f"</tns:{name}>") + len(f"</tns:{name}>")
    with pytest.raises(ValueError, match=f"it has no {name}"):
        parse(GOOD[:start] + replacement.format(name) + GOOD[end:])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("2023-10-20T01:00:00.123456+02:00", "garbage", "startDate: 'garbage'"),
        ("2023-10-20T05:00:00+02:00", "2023-10-20", "endDate"),
        ("</tns:dataset>", "", "not well-formed"),
        ("http://www.esrf.fr/icat", "http://example.org", "not an ICAT dataset"),
        ("tns:dataset", "tns:investigation", "not an ICAT dataset"),
        ("UTF-8", "no-such-encoding", "unknown encoding"),
        ("hg333", "hg\x00333", "not well-formed"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(GOOD.replace(old, new))


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"<a>" * 100_000, b"\xff\xfe<\x00", b"{}", GOOD.encode()[:300]]
)
def test_garbage_is_no_message(content: bytes) -> None:
    with pytest.raises(ValueError, match="not well-formed"):
        parse(content)


def test_nothing_is_expanded_or_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    for declaration in (
        f'<!DOCTYPE d [<!ENTITY e0 "x">{bomb}]>',
        f'<!DOCTYPE d [<!ENTITY e11 SYSTEM "file://{secret}">]>',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/x.dtd">',
        '<!DOCTYPE d [<!ENTITY e11 "0001">]>',
        "<!DOCTYPE d>",
    ):
        text = GOOD.replace("?>", f"?>{declaration}", 1).replace("0001</tns:name>", "&e11;</tns:name>")
        with pytest.raises(ValueError, match="document type"):
            parse(text)


@given(st.binary(max_size=200))
def test_whatever_a_file_holds_only_a_value_error_comes_out(content: bytes) -> None:
    text = GOOD.encode()
    for damaged in (content, text[: len(content)] + content, text.replace(b"0001", content)):
        try:
            parse(damaged)
        except ValueError:
            continue


def test_a_pipe_is_not_waited_for_and_a_giant_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    with (tmp_path / "giant.xml").open("wb") as file:
        file.truncate(LARGEST + 1)
    (tmp_path / "good.xml").write_text(GOOD)
    stored = read_stored(str(tmp_path), ["giant.xml", "good.xml", "pipe.xml"], ZONE)
    assert list(stored.unusable) == ["giant", "pipe"]
    assert len(stored.messages) == 1
    assert stored.refused == {}
    assert None not in stored.stamps.values()


def test_a_file_that_vanishes_is_refused_not_unusable(tmp_path: Path) -> None:
    stored = read_stored(str(tmp_path), ["gone.xml"], ZONE)
    assert list(stored.refused) == [str(tmp_path / "gone.xml")]
    assert stored.stamps == {str(tmp_path / "gone.xml"): None}


# -- encodings -------------------------------------------------------------------------------------------------------

PLAIN = '<?xml version="1.0" encoding="UTF-8"?>' + stored_message("/data/pièce", sample="œuf").partition("?>")[2]


def in_encoding(encoding: str) -> bytes:
    return PLAIN.replace("UTF-8", encoding).encode(encoding, "xmlcharrefreplace")


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        b"\xff\xfe" + PLAIN.replace("UTF-8", "UTF-16").encode("utf-16-le"),
        PLAIN.replace("UTF-8", "utf-8").encode(),
    ],
)
def test_a_message_in_any_encoding_is_sent_as_plain_utf_8(content: bytes) -> None:
    plain = as_utf8(content)
    assert plain.lower() == PLAIN.encode().lower()
    assert as_utf8(plain) == plain
    assert (parse_stored("", content, ZONE).location, parse_stored("", content, ZONE).sample) == ("/data/pièce", "œuf")


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "iso-8859-15", "windows-1252", "us-ascii"])
def test_characters_of_a_smaller_encoding_come_through(encoding: str) -> None:
    plain = as_utf8(in_encoding(encoding))
    assert plain.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert parse_stored("", in_encoding(encoding), ZONE).location == "/data/pièce"
    assert parse_stored("", plain, ZONE) == parse_stored("", PLAIN.encode(), ZONE)


def test_without_a_declaration_it_is_utf_8() -> None:
    content = PLAIN.partition("?>")[2].encode()
    assert as_utf8(content) == content


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode("latin-1", "replace"),
        PLAIN.replace("UTF-8", "klingon").encode(),
        b"\xff\xfe" + PLAIN.encode(),
        PLAIN.replace("UTF-8", "us-ascii").encode(),
    ],
)
def test_what_is_not_in_the_encoding_that_it_declares_is_unusable(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"encoding|well-formed"):
        parse_stored("", content, ZONE)


@pytest.mark.parametrize("name", ["location", "startDate", "investigation"])
def test_an_element_that_is_there_twice_makes_it_unusable(name: str) -> None:
    twice = PLAIN.replace(f"<tns:{name}>", f"<tns:{name}>/elsewhere</tns:{name}><tns:{name}>", 1)
    with pytest.raises(ValueError, match=f"it has {name} more than once"):
        parse_stored("", twice.encode(), ZONE)
