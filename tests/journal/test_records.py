"""The journal as lines of a file: torn, foreign and hostile ones."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icat_tui.domain.facility import Facility
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.records import JournalError, RecordKind, planned_message, read_journal
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import journal_index, message, records
from tests.support.names import HOSTILE_NAMES


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_jq_reads_it(journal: Journal, name: str) -> None:
    journal.record_plans([message(1, dataset=f"/data/{name}")])
    done = subprocess.run(["jq", "-r", ".id", journal.path], capture_output=True, check=True)
    assert done.stdout == b"m0001\n"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_come_back_the_same(journal: Journal, name: str) -> None:
    planned = message(1, dataset=f"/data/visitor/hg333/id99/20231019/RAW_DATA/{name}/{name}_1")
    journal.record_plans([planned])
    assert journal.path.read_bytes().isascii()
    assert journal.path.read_bytes().count(b"\n") == 1
    (sending,) = journal_index(journal).planned()
    assert sending.plan is not None
    assert sending.dataset == planned.dataset
    assert planned_message(journal.path, sending.plan) == planned


@settings(deadline=None)
@given(body=st.binary(min_size=1).filter(lambda body: b"\0" not in body), number=st.integers(0, 3))
def test_a_planned_body_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, number: int
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "journal.jsonl")
    plan = [message(place, body=body + bytes([place + 1])) for place in range(4)]
    journal.record_plans(plan)
    sending = list(journal_index(journal).planned())[number]
    assert planned_message(journal.path, sending.plan or 0) == plan[number]


def test_a_line_torn_anywhere_is_never_joined_with_the_next(journal: Journal) -> None:
    journal.record_plans([message(1)])
    first = journal.path.read_bytes()
    journal.record_intents([message(1)])
    whole = journal.path.read_bytes()
    for length in range(len(first), len(whole) + 1):
        journal.path.write_bytes(whole[:length])
        journal.record_plans([message(2)])
        assert journal.path.read_bytes().startswith(whole[:length])
        found = [(record.record, record.id) for record in records(journal)]
        assert found[0] == (RecordKind.PLAN, "m0001")
        assert found[-1] == (RecordKind.PLAN, "m0002")
        complete = length >= len(whole) - 1
        assert ((RecordKind.INTENT, "m0001") in found) == complete
        torn = len(first) < length < len(whole) - 1
        assert journal_index(journal).unreadable == ([len(first)] if torn else [])


def test_a_last_line_that_is_still_being_written_is_read_when_it_is_whole(journal: Journal) -> None:
    journal.record_plans([message(1)])
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:50])
    reader = JournalReader(journal.path, Facility())
    assert not reader.refresh()
    assert reader.index.unreadable == []
    journal.path.write_bytes(whole)
    assert reader.refresh()
    assert [sending.id for sending in reader.index.planned()] == ["m0001"]


@pytest.mark.parametrize(
    "line", [b"garbage\n", b"{}\n", b"[1]\n", b'{"record": "new kind", "id": "x"}\n', b"\xff\xfe\n", b'"\\ud800"\n']
)
def test_a_foreign_line_is_reported_and_spoils_no_other(journal: Journal, line: bytes) -> None:
    journal.record_plans([message(1)])
    place = journal.path.stat().st_size
    with journal.path.open("ab") as file:
        file.write(line)
    journal.record_plans([message(2)])
    found = journal_index(journal)
    assert found.unreadable == [place]
    assert [sending.id for sending in found.planned()] == ["m0001", "m0002"]


def test_no_journal_is_an_empty_one(journal: Journal) -> None:
    assert list(read_journal(journal.path)) == []
    assert not JournalReader(journal.path, Facility()).refresh()


def test_a_journal_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="can't be read"):
        list(read_journal(tmp_path))
