"""The journal as lines of a file: torn, foreign and hostile ones."""

import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Message
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.records import SCHEMA, Damage, Record, RecordKind, line, parse, planned_message
from icat_tui.journal.sendings import Sending
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import journal_index, message, own_journal, records, shards_in
from tests.support.names import HOSTILE_NAMES

DEEP = b'{"schema": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def only_shard(journal: Journal) -> Path:
    (path,) = shards_in(journal.directory)
    return path


def message_of(journal: Journal, sending: Sending) -> Message:
    with only_shard(journal).open("rb") as shard:
        return planned_message(shard, sending.plan or 0)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_jq_reads_it(journal: Journal, name: str) -> None:
    journal.record_plans([message(1, dataset=f"/data/{name}")])
    done = subprocess.run(["jq", "-r", ".id", only_shard(journal)], capture_output=True, check=True)
    assert done.stdout == b"null\nm0001\n"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_come_back_the_same(journal: Journal, name: str) -> None:
    planned = message(1, dataset=f"/data/visitor/hg333/id99/20231019/RAW_DATA/{name}/{name}_1", location="/data/there")
    journal.record_plans([planned])
    assert only_shard(journal).read_bytes().isascii()
    assert only_shard(journal).read_bytes().count(b"\n") == 2
    (sending,) = journal_index(journal).planned()
    assert sending.plan is not None
    assert sending.dataset == planned.dataset
    assert message_of(journal, sending) == planned


@settings(deadline=None)
@given(body=st.binary(min_size=1).filter(lambda body: b"\0" not in body), number=st.integers(0, 3))
def test_a_planned_body_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, number: int
) -> None:
    journal = Journal(own_journal(tmp_path_factory.mktemp("journal")))
    plan = [message(place, body=body + bytes([place + 1])) for place in range(4)]
    journal.record_plans(plan)
    sending = list(journal_index(journal).planned())[number]
    assert message_of(journal, sending).body == plan[number].body


def test_a_line_torn_anywhere_is_never_joined_with_the_next_and_is_no_damage(journal: Journal) -> None:
    journal.record_plans([message(1)])
    path = only_shard(journal)
    first = path.read_bytes()
    journal.record_intents([message(1)])
    whole = path.read_bytes()
    for length in range(len(first), len(whole) + 1):
        path.write_bytes(whole[:length])
        journal.record_plans([message(2)])
        assert path.read_bytes().startswith(whole[:length])
        found = [(record.record, record.id) for record in records(journal)]
        assert found[0] == (RecordKind.PLAN, "m0001")
        assert found[-1] == (RecordKind.PLAN, "m0002")
        complete = length >= len(whole) - 1
        assert ((RecordKind.INTENT, "m0001") in found) == complete
        assert journal_index(journal).damaged == {}


def test_a_last_line_that_is_still_being_written_is_not_read_yet(journal: Journal) -> None:
    journal.record_plans([message(1)])
    path = only_shard(journal)
    path.write_bytes(path.read_bytes()[:-2])
    assert records(journal) == []
    assert journal_index(journal).damaged == {}


def test_a_last_line_that_lacks_its_newline_alone_is_read_whatever_follows(journal: Journal) -> None:
    journal.record_plans([message(1)])
    path = only_shard(journal)
    path.write_bytes(path.read_bytes()[:-1])
    reader = JournalReader(journal.directory, Facility())
    reader.refresh()
    shard = reader.shard(path.stem)
    assert [sending.id for sending in shard.index.planned()] == ["m0001"]
    journal.record_intents([message(1)])
    reader.refresh()
    assert [sending.state for sending in shard.index.sendings()] == ["intended"]
    assert shard.index.damaged == {}


@pytest.mark.parametrize(
    "text", [b"garbage", b"{}", b"[1]", b"", b'{"record": "plan", "id": "x"}', b"\xff\xfe", b'"\\ud800"']
)
def test_a_foreign_line_is_damage_and_spoils_no_other(journal: Journal, text: bytes) -> None:
    journal.record_plans([message(1)])
    path = only_shard(journal)
    place = path.stat().st_size
    with path.open("ab") as file:
        file.write(text + b"\n")
    journal.record_plans([message(2)])
    found = journal_index(journal)
    assert list(found.damaged) == [place]
    assert found.damaged[place].damage == Damage(text)
    assert [sending.id for sending in found.planned()] == ["m0001", "m0002"]


def test_no_change_of_a_line_goes_unnoticed(journal: Journal) -> None:
    journal.record_plans([message(1)])
    text = only_shard(journal).read_bytes().splitlines()[-1]
    assert isinstance(parse(text), Record)
    for place in range(len(text)):
        for bit in range(8):
            changed = bytearray(text)
            changed[place] ^= 1 << bit
            assert isinstance(parse(bytes(changed)), Damage), (place, bit)


@pytest.mark.parametrize(
    ("changes", "dataset"),
    [
        ({"record": "forgotten"}, "/data/x"),
        ({"schema": SCHEMA + 1}, "/data/x"),
        ({"record": "forgotten", "location": 7}, None),
        ({"record": "forgotten", "location": ""}, None),
        ({"outcome": "lost in space"}, "/data/x"),
        ({"schema": SCHEMA + 1, "location": "/data/\udcff"}, "/data/\udcff"),
    ],
)
def test_what_a_newer_version_wrote_is_damage_of_its_dataset(
    journal: Journal, changes: dict[str, object], dataset: str | None
) -> None:
    record = {**journal._record(RecordKind.OUTCOME, message(1, location="/data/x")), "outcome": "accepted"}
    text = line({**record, **changes})[:-1]
    assert parse(text) == Damage(text, dataset, newer=True)


@pytest.mark.parametrize("record", ["shard", "torn", "set_aside"])
def test_lines_about_the_shard_of_a_newer_version_are_damage_too(record: str) -> None:
    known = {"record": record, "journal": "j", "shard": "s", "offset": 1, "length": 2, "digest": "d"}
    assert not isinstance(parse(line({**known, "schema": SCHEMA})[:-1]), Damage)
    text = line({**known, "schema": SCHEMA + 1})[:-1]
    assert parse(text) == Damage(text, None, newer=True)


def test_a_plan_that_was_changed_since_is_not_sent(journal: Journal) -> None:
    journal.record_plans([message(1)])
    (sending,) = journal_index(journal).planned()
    path = only_shard(journal)
    path.write_bytes(path.read_bytes().replace(b"<dataset>1", b"<dataset>2"))
    with pytest.raises(ValueError, match="damaged"):
        message_of(journal, sending)


@pytest.mark.parametrize("content", [b"[1}", b'"text}', b"5}", b'{"record": "intent"}', b'{"\\ud800": 1}', DEEP])
def test_a_line_with_a_checksum_that_is_no_record_is_damage(content: bytes) -> None:
    text = content[:-1] + b', "crc": "%08x"}' % zlib.crc32(content)
    assert isinstance(parse(text), Damage)
