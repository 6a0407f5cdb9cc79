"""Setting aside of damaged lines."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.facility import Facility
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.records import RecordKind, SendOutcome, line
from icat_tui.journal.repair import datasets_named, set_aside_damage
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import SHARD, index_of, message, shared_journal


def journal_with(tmp_path: Path, *damaged: bytes) -> Journal:
    """Return a journal with an accepted message, and after it these lines."""
    journal = Journal(shared_journal(tmp_path))
    journal.record_plans([message(1)])
    journal.record_intents([message(1)])
    journal.record_outcomes([(message(1), SendOutcome.ACCEPTED, "")])
    with journal.directory.shard(SHARD).open("ab") as shard:
        shard.writelines(damaged)
    return journal


def repaired(journal: Journal) -> list[bytes]:
    """Set damaged lines aside, and return them."""
    reader = JournalReader(journal.directory, Facility())
    reader.refresh()
    return [damaged.damage.content for damaged in set_aside_damage(journal, reader.shard(SHARD))]


DAMAGED = b'{"record": "intent", "dataset": "%s", "time": "2\xff26\n' % message(2).dataset.encode()


def test_a_damaged_line_is_set_aside_and_no_byte_is_changed(tmp_path: Path) -> None:
    journal = journal_with(tmp_path, DAMAGED, b"{}\n")
    before = journal.directory.shard(SHARD).read_bytes()
    assert index_of(journal.directory).damage_about(message(2).dataset)
    assert repaired(journal) == [DAMAGED.rstrip(), b"{}"]
    assert journal.directory.shard(SHARD).read_bytes().startswith(before)
    assert not index_of(journal.directory).damaged
    assert repaired(journal) == []


def test_what_it_may_have_been_about_takes_a_confirmation_of_its_own(tmp_path: Path) -> None:
    journal = journal_with(tmp_path, DAMAGED)
    repaired(journal)
    index = index_of(journal.directory)
    assert index.set_aside_about(message(2).dataset)
    assert not index.set_aside_about(message(3).dataset)


def test_damage_that_names_nothing_may_have_been_about_anything(tmp_path: Path) -> None:
    journal = journal_with(tmp_path, b"\x00\n")
    repaired(journal)
    assert index_of(journal.directory).set_aside_about(message(3).dataset)


def test_what_a_newer_version_wrote_stays_as_it_is(tmp_path: Path) -> None:
    newer = line({"record": RecordKind.INTENT.value, "schema": 99, "location": message(2).dataset})
    journal = journal_with(tmp_path, newer, DAMAGED)
    assert repaired(journal) == [DAMAGED.rstrip()]
    (left,) = index_of(journal.directory).damaged.values()
    assert left.damage.newer


def test_a_line_that_was_changed_since_is_damaged_again(tmp_path: Path) -> None:
    journal = journal_with(tmp_path, DAMAGED)
    repaired(journal)
    shard = journal.directory.shard(SHARD)
    shard.write_bytes(shard.read_bytes().replace(DAMAGED, DAMAGED.replace(b"intent", b"intenx")))
    assert index_of(journal.directory).damage_about(message(2).dataset)
    assert repaired(journal) == [DAMAGED.rstrip().replace(b"intent", b"intenx")]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b'{"dataset": "/b", "location": "/a", "da', ["/a", "/b"]),
        (b'{"dataset": "", "location": ""}', []),
        (b'{"proposal": "/p", "dataset": "/a', []),
        (b'"dataset": "/a\\u00e9\\"b"', ['/aé"b']),
        (b'"dataset": "/a\\x", "location": "/b"', ["/b"]),
    ],
)
def test_what_a_damaged_line_names_is_read_from_it(text: bytes, named: list[str]) -> None:
    assert datasets_named(text) == named


@given(st.binary(max_size=100))
def test_damage_of_any_kind_is_looked_at_without_an_error(text: bytes) -> None:
    assert datasets_named(text) == sorted(set(datasets_named(text)))
