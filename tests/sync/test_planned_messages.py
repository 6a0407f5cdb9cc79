"""What a user planned, and nobody is sending."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from icat_tui.domain.facility import Facility
from icat_tui.journal.directory import user_name
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.records import SendOutcome
from icat_tui.sync import planned_messages
from icat_tui.sync.planned_messages import PlannedByUser, PlannedMessages, has_plans
from icat_tui.sync.session_lock import locked
from tests.support.journal_entries import own_journal, records_in, shards_in, shared_journal
from tests.support.journal_states import OTHER, journal_of, message_in, write_all_states

ME = user_name()


def test_only_what_the_user_planned_counts_and_the_oldest_is_named(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    write_all_states(directory)
    planned = PlannedMessages(directory, Facility())
    oldest = min(record.time for record in records_in(directory) if record.user == ME)
    assert planned.of(ME) == PlannedByUser(2, oldest)
    assert planned.of(OTHER).number == 1
    assert planned.of("nobody") == PlannedByUser()
    assert planned.of(ME, lambda: {"m1"}).number == 1


def test_an_order_of_which_a_session_is_locked_is_being_sent(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    write_all_states(directory)
    planned = PlannedMessages(directory, Facility())
    session = "/data/visitor/hg333/id10/20231020"
    with locked(directory.path, session, Facility(), timedelta()):
        assert planned.of(ME) == PlannedByUser()
        assert planned.of(OTHER).number == 1
    assert planned.of(ME).number == 2


def test_without_a_journal_there_is_nothing(tmp_path: Path) -> None:
    assert PlannedMessages(own_journal(tmp_path / "state"), Facility()).of(ME) == PlannedByUser()


def test_what_becomes_of_it_is_seen_at_the_next_look(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    journal, message = journal_of(directory), message_in("hg333/id10/20231019", 1)
    journal.record_plans([message])
    planned = PlannedMessages(directory, Facility())
    assert planned.of(ME).number == 1
    journal.record_intents([message])
    assert planned.of(ME).number == 0
    journal.record_outcomes([(message, SendOutcome.UNKNOWN, "")])
    journal.record_plans([message_in("hg333/id10/20231019", 2)])
    assert planned.of(ME).number == 1


def test_shards_without_plans_are_not_read_in_full_and_unchanged_ones_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = shared_journal(tmp_path / "state")
    journal, message = journal_of(directory), message_in("hg333/id10/20231019", 1)
    journal.record_plans([message])
    journal.record_intents([message])
    (shard,) = shards_in(directory)
    assert not has_plans(shard)
    planned = PlannedMessages(directory, Facility())
    monkeypatch.setattr(JournalReader, "read_once", lambda *_: pytest.fail("it was read in full"))
    assert planned.of(ME).number == 0
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was looked at again"))
    assert planned.of(ME).number == 0


def test_a_shard_that_is_gone_or_can_not_be_read_has_no_plans(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    write_all_states(directory)
    shards_in(directory)[0].unlink()
    assert PlannedMessages(directory, Facility()).of(ME).number == 0


def test_of_a_large_journal_what_was_written_last_is_read_first_and_the_rest_at_the_next_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned_messages, "MOST_AT_ONCE", 1)
    directory = shared_journal(tmp_path / "state")
    for number, name in enumerate(("aa1", "bb2", "cc3")):
        journal_of(directory).record_plans([message_in(f"{name}/id10/20231019", number)])
        os.utime(directory.shard(name), (1_000_000 - number, 1_000_000 - number))
    planned = PlannedMessages(directory, Facility())
    assert [planned.of(ME).number for _ in range(4)] == [1, 2, 3, 3]


def test_what_is_not_clear_is_read_in_full(tmp_path: Path) -> None:
    shard = tmp_path / "shard"
    shard.write_bytes(b'{"id": "x", "record": "plan"}\n')
    assert has_plans(shard)
    assert not has_plans(tmp_path / "none")
