"""The journal as a file that many write to at once."""

import fcntl
import json
import multiprocessing
import os
from datetime import datetime
from pathlib import Path

import pytest

from icat_tui.journal.records import JournalError, SendOutcome, read_journal
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import message, messages, records
from tests.support.users import GROUP, become

FORKS = multiprocessing.get_context("forkserver")


# -- the file ----------------------------------------------------------------------------------------------------------


def test_every_record_is_a_json_object_on_a_line_with_who_when_and_what(journal: Journal) -> None:
    plan = messages(2)
    journal.record_plans(plan)
    journal.record_intents(plan)
    journal.record_outcomes([(plan[0], SendOutcome.ACCEPTED, ""), (plan[1], SendOutcome.REJECTED, "too large")])
    journal.record_seen(plan[:1])
    lines = [json.loads(line) for line in journal.path.read_bytes().splitlines()]
    assert [line["record"] for line in lines] == ["plan"] * 2 + ["intent"] * 2 + ["outcome"] * 2 + ["seen"]
    for line in lines:
        assert {"id", "time", "user", "host", "action", "dataset", "investigation", "destination", "digest"} <= set(
            line
        )
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None
    assert lines[5]["words"] == "too large"


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_its_mode_is_by_umask(journal: Journal, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        journal.record_plans([message(1)])
    finally:
        os.umask(before)
    assert journal.path.stat().st_mode & 0o777 == mode


def test_a_plan_is_synced_once_and_intents_are_synced_together(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(
        "icat_tui.journal.writer.os.fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size)
    )
    journal.record_plans(messages(100))
    in_all = journal.path.stat().st_size
    assert synced[0] == in_all
    assert len(synced) == 2  # the directory too: the file is new
    journal.record_intents(messages(16))
    assert synced[2:] == [journal.path.stat().st_size]


def test_a_message_is_not_intended_when_the_disk_does_not_take_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    journal.record_plans([message(1)])
    monkeypatch.setattr("icat_tui.journal.writer.os.fsync", broken)
    with pytest.raises(JournalError, match="Input/output error"):
        journal.record_intents([message(1)])


def _append(path: Path, number: int, count: int) -> None:
    journal = Journal(path)
    for place in range(count):
        mine = message(place, id=f"{number}-{place}", body=b"x" * 3000)
        journal.record_plans([mine])
        journal.record_outcomes([(mine, SendOutcome.ACCEPTED, "")])


def test_many_processes_write_at_once_and_nothing_is_lost(journal: Journal) -> None:
    writers = [FORKS.Process(target=_append, args=(journal.path, number, 20)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert [writer.exitcode for writer in writers] == [0] * 4
    lines = list(read_journal(journal.path))
    assert len(lines) == 4 * 20 * 2
    assert all(line.record for line in lines)
    assert len({(line.record.id, line.record.record) for line in lines if line.record}) == 160


def _append_as(user: int, path: Path) -> None:
    become(user)
    os.umask(0o002)
    _append(path, user, 5)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming two users takes root")
def test_two_users_of_a_group_share_it(shared_directory: Path) -> None:
    os.chown(shared_directory, -1, GROUP)
    shared_directory.chmod(0o2775)
    for user in (12001, 12002, 12001):
        writer = FORKS.Process(target=_append_as, args=(user, shared_directory / "journal.jsonl"))
        writer.start()
        writer.join(30)
        assert writer.exitcode == 0
    lines = list(read_journal(shared_directory / "journal.jsonl"))
    assert len(lines) == 30
    assert {line.record.user for line in lines if line.record} == {"12001", "12002"}


@pytest.mark.parametrize("name", ["file/journal.jsonl", "directory"])
def test_a_journal_that_cannot_be_written_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    with pytest.raises(JournalError, match="can't be written"):
        Journal(tmp_path / name).check_writable()
    with pytest.raises(JournalError, match="can't be written"):
        Journal(tmp_path / name).record_plans([message(1)])


def test_checking_writes_nothing(journal: Journal) -> None:
    journal.check_writable()
    assert journal.path.read_bytes() == b""


@pytest.mark.parametrize("lock", [fcntl.LOCK_EX, fcntl.LOCK_SH])
def test_a_lock_that_is_never_released_is_an_error_in_time(tmp_path: Path, lock: int) -> None:
    journal = Journal(tmp_path / "journal.jsonl", lock_timeout=0.05)
    journal.check_writable()
    with journal.path.open() as other:
        fcntl.flock(other, lock)
        with pytest.raises(JournalError, match="locked"):
            journal.record_plans([message(1)])
    journal.record_plans([message(1)])
    assert len(records(journal)) == 1
