"""The journal as a file that many write to at once."""

import fcntl
import json
import multiprocessing
import os
from datetime import datetime
from pathlib import Path

import pytest

from icat_tui.journal.directory import JournalDirectory, mark_of, named_shards
from icat_tui.journal.records import JournalError, SendOutcome
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import (
    SHARD,
    lines_in,
    message,
    messages,
    own_journal,
    records,
    records_in,
    shared_journal,
)
from tests.support.users import GROUP, become

FORKS = multiprocessing.get_context("forkserver")


def shard_of(journal: Journal) -> Path:
    return journal.directory.shard(SHARD)


# -- the file ----------------------------------------------------------------------------------------------------------


def test_every_record_is_a_json_object_on_a_line_with_who_when_and_what(journal: Journal) -> None:
    plan = messages(2)
    journal.record_plans(plan)
    journal.record_intents(plan)
    journal.record_outcomes([(plan[0], SendOutcome.ACCEPTED, ""), (plan[1], SendOutcome.REJECTED, "too large")])
    journal.record_seen([(plan[0], 11)])
    header, *lines = [json.loads(line) for line in shard_of(journal).read_bytes().splitlines()]
    assert (header["record"], header["shard"]) == ("shard", SHARD)
    assert [line["record"] for line in lines] == ["plan"] * 2 + ["intent"] * 2 + ["outcome"] * 2 + ["seen"]
    for line in lines:
        who, what = (
            {"id", "order", "time", "user", "host", "crc"},
            {"action", "dataset", "location", "proposal", "digest"},
        )
        assert who | what | {"beamline", "icat_id", "investigation", "destination", "schema"} <= set(line)
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None
    assert lines[5]["words"] == "too large"


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o660), (0o022, 0o644), (0o077, 0o600)])
def test_its_mode_is_by_umask(journal: Journal, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        journal.record_plans([message(1)])
    finally:
        os.umask(before)
    assert shard_of(journal).stat().st_mode & 0o777 == mode


def test_a_plan_is_synced_once_and_intents_are_synced_together(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(
        "icat_tui.journal.writer.os.fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size)
    )
    journal.record_plans(messages(100))
    assert synced[-1] == shard_of(journal).stat().st_size
    synced.clear()
    journal.record_plans(messages(100))
    journal.record_intents(messages(16))
    assert len(synced) == 2
    assert synced[-1] == shard_of(journal).stat().st_size


def test_a_message_is_not_intended_when_the_disk_does_not_take_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    journal.record_plans([message(1)])
    monkeypatch.setattr("icat_tui.journal.writer.os.fsync", broken)
    with pytest.raises(JournalError, match="Input/output error"):
        journal.record_intents([message(1)])


def _append(directory: JournalDirectory, number: int, count: int) -> None:
    journal = Journal(directory)
    for place in range(count):
        mine = message(place, id=f"{number}-{place}", body=b"x" * 3000)
        journal.record_plans([mine])
        journal.record_outcomes([(mine, SendOutcome.ACCEPTED, "")])


def test_many_processes_write_at_once_and_nothing_is_lost(journal: Journal) -> None:
    writers = [FORKS.Process(target=_append, args=(journal.directory, number, 20)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert len(list(lines_in(journal.directory))) == 1 + 4 * 20 * 2
    assert len({(record.id, record.record) for record in records(journal)}) == 160


def _append_as(user: int, umask: int, directory: JournalDirectory) -> None:
    become(user)
    os.umask(umask)
    _append(directory, user, 5)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming two users takes root")
@pytest.mark.parametrize("umask", [0o002, 0o077])
def test_two_users_of_a_group_share_it_whatever_their_umask(shared_directory: Path, umask: int) -> None:
    os.chown(shared_directory, -1, GROUP)
    shared_directory.chmod(0o2775)
    directory = shared_journal(shared_directory)
    for path in (directory.records, directory.path / "locks"):
        assert path.stat().st_mode & 0o7777 == 0o2770
    for user in (12001, 12002, 12001):
        writer = FORKS.Process(target=_append_as, args=(user, umask, directory))
        writer.start()
        writer.join(30)
        assert writer.exitcode == 0
    assert directory.shard(SHARD).stat().st_mode & 0o777 == 0o660
    assert len(records_in(directory)) == 30
    assert {record.user for record in records_in(directory)} == {"12001", "12002"}


def test_a_journal_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(own_journal(tmp_path / "file" / "state"))
    with pytest.raises(JournalError, match="can't be written: Not a directory"):
        journal.check_writable()
    with pytest.raises(JournalError, match="can't be written: Not a directory"):
        journal.record_plans([message(1)])


def test_what_is_no_file_of_its_own_is_not_written(journal: Journal, tmp_path: Path) -> None:
    journal.check_writable()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    place = shard_of(journal)
    for plant in (place.symlink_to, place.hardlink_to):
        plant(victim)
        with pytest.raises(JournalError):
            journal.record_plans([message(1)])
        place.unlink()
    os.mkfifo(place)
    with pytest.raises(JournalError, match="no regular file"):
        journal.record_plans([message(1)])
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("place", [".", "journal"])
def test_a_directory_that_takes_no_file_is_an_error_of_the_check(
    journal: Journal, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.check_writable()
    refused = journal.directory.path / place
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != refused)
    with pytest.raises(JournalError, match=f"{refused} can't be written: Permission denied"):
        journal.check_writable()


def test_checking_writes_nothing(journal: Journal) -> None:
    journal.check_writable()
    assert list(lines_in(journal.directory)) == []


@pytest.mark.parametrize("lock", [fcntl.LOCK_EX, fcntl.LOCK_SH])
def test_a_lock_that_is_never_released_is_an_error_in_time(tmp_path: Path, lock: int) -> None:
    journal = Journal(own_journal(tmp_path), lock_timeout=0.05)
    journal.record_plans([message(2)])
    with shard_of(journal).open() as other:
        fcntl.flock(other, lock)
        with pytest.raises(JournalError, match="locked"):
            journal.record_plans([message(1)])
    journal.record_plans([message(1)])
    assert len(records(journal)) == 2


def test_each_proposal_has_a_file_by_where_its_data_lie(journal: Journal) -> None:
    elsewhere = message(2, location="/data/visitor/HC_1/id99/20231019/RAW_DATA/colA/colA_0001", proposal="hg333")
    journal.record_plans([message(1), elsewhere, message(3, dataset="/data/other/place")])
    assert {path.stem for path in journal.directory.records.iterdir()} == {"hg333", "hc%5f1", "_"}
    assert len((journal.directory.path / "shards.jsonl").read_bytes().splitlines()) == 3


def test_a_shard_is_never_begun_anew(journal: Journal) -> None:
    journal.record_plans([message(1)])
    for spoil in (Path.unlink, lambda path: path.write_bytes(b"")):
        spoil(shard_of(journal))
        with pytest.raises(JournalError, match="is gone or empty"):
            journal.record_plans([message(2)])


def test_a_shard_whose_maker_died_before_its_header_is_begun(journal: Journal) -> None:
    journal.check_writable()
    for torn in (b"", b'{"record": "sh'):
        shard_of(journal).write_bytes(torn)
        (journal.directory.path / "shards.jsonl").write_bytes(b"")
        Journal(journal.directory).record_plans([message(1)])
        header, plan = shard_of(journal).read_bytes().splitlines()
        assert json.loads(header)["record"] == "shard"
        assert json.loads(plan)["record"] == "plan"


@pytest.mark.parametrize("length", [1, 4094, 4095, 4096, 9000])
def test_a_line_that_was_left_incomplete_is_recorded_as_torn_however_long(journal: Journal, length: int) -> None:
    journal.record_plans([message(1)])
    with shard_of(journal).open("ab") as file:
        whole = file.tell()
        file.write(b"x" * length)
    journal.record_plans([message(2)])
    *_, torn, _ = (json.loads(text) for text in shard_of(journal).read_bytes().splitlines() if text[:1] == b"{")
    assert (torn["record"], torn["offset"], torn["length"]) == ("torn", whole, length)
    assert len(records(journal)) == 2


def test_a_list_of_shards_that_was_cut_off_goes_on(journal: Journal) -> None:
    journal.record_plans([message(1)])
    with (journal.directory.path / "shards.jsonl").open("ab") as file:
        file.write(b'{"record": "na')
    elsewhere = message(2, dataset="/data/other/place")
    Journal(journal.directory).record_plans([elsewhere])
    Journal(journal.directory).record_plans([message(3, dataset="/data/visitor/hg1/id99/20231019/RAW_DATA/a/a_1")])
    assert len(records(journal)) == 3
    assert named_shards(journal.directory, mark_of(journal.directory)) == {SHARD, "_", "hg1"}
