"""The directory of the journal: its mark, its list of shards, and whether it is there."""

import errno
import grp
import json
import os
import pwd
from pathlib import Path

import pytest

from icat_tui.domain.errors import UsageError
from icat_tui.journal.directory import (
    MARK,
    SHARDS,
    JournalDirectory,
    JournalNotThereError,
    check_for_sending,
    fingerprint,
    make_journal,
    mark_of,
    named_shards,
    new_mark,
    user_name,
    writers_of,
)
from icat_tui.journal.records import JournalError, line
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import message, own_journal, shared_journal


def test_a_shared_journal_is_marked_and_has_no_shards_at_first(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path)
    mark = mark_of(directory)
    assert mark
    assert named_shards(directory, mark) == frozenset()
    assert json.loads((tmp_path / MARK).read_bytes())["made_by"] == mark.made_by
    assert {path.name for path in tmp_path.iterdir()} == {MARK, SHARDS, "journal", "locks"}
    check_for_sending(directory)
    Journal(directory).record_plans([message(1)])
    assert named_shards(directory, mark) == {"hg333"}


def test_the_users_own_is_made_when_it_is_needed(tmp_path: Path) -> None:
    directory = own_journal(tmp_path / "new" / "state")
    assert mark_of(directory) is None
    check_for_sending(directory)
    Journal(directory).record_plans([message(1)])
    assert mark_of(directory)


@pytest.mark.parametrize("own", [False, True])
def test_a_journal_that_lost_its_mark_is_not_there(tmp_path: Path, own: bool) -> None:
    Journal(shared_journal(tmp_path)).record_plans([message(1)])
    (tmp_path / MARK).unlink()
    directory = JournalDirectory(tmp_path, own=own)
    with pytest.raises(JournalNotThereError, match=r"there is no icat-tui-journal\.json"):
        mark_of(directory)
    with pytest.raises(UsageError, match="Nothing is sent without it"):
        check_for_sending(directory)
    with pytest.raises(JournalNotThereError):
        Journal(directory).record_plans([message(1)])


def test_a_journal_that_lost_its_list_is_not_there(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path)
    (tmp_path / SHARDS).unlink()
    with pytest.raises(JournalNotThereError, match="its list of proposals"):
        named_shards(directory, mark_of(directory))
    with pytest.raises(UsageError):
        check_for_sending(directory)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"schema": 1}', b"null", b"[" * 60_000])
def test_a_mark_that_is_damaged_is_an_error(tmp_path: Path, content: bytes) -> None:
    directory = shared_journal(tmp_path)
    (tmp_path / MARK).write_bytes(content)
    with pytest.raises(JournalError, match="is no mark of a journal"):
        mark_of(directory)


def test_a_mark_of_a_newer_version_is_an_error(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path)
    mark = json.loads((tmp_path / MARK).read_bytes())
    (tmp_path / MARK).write_text(json.dumps(mark | {"schema": 2}))
    with pytest.raises(JournalError, match="newer version"):
        mark_of(directory)


def test_a_damaged_list_of_shards_is_an_error(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path)
    Journal(directory).record_plans([message(1)])
    path = tmp_path / SHARDS
    path.write_bytes(path.read_bytes().replace(b"hg333", b"hg334"))
    with pytest.raises(JournalError, match="is damaged"):
        named_shards(directory, mark_of(directory))


@pytest.mark.parametrize("wrong", [{"shard": 5}, {}, {"shard": "\ud800"}])
def test_a_list_with_a_line_that_names_no_shard_is_damaged(tmp_path: Path, wrong: dict[str, object]) -> None:
    directory = shared_journal(tmp_path)
    (tmp_path / SHARDS).write_bytes(line(wrong))
    with pytest.raises(JournalError, match="is damaged"):
        named_shards(directory, mark_of(directory))


@pytest.mark.parametrize("name", [MARK, SHARDS])
def test_what_can_not_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    directory = shared_journal(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(JournalError, match="no regular file"):
        named_shards(directory, mark_of(directory))
    with pytest.raises(UsageError, match="no regular file"):
        check_for_sending(directory)


@pytest.mark.parametrize("place", ["state", "cache-state"])
def test_a_journal_of_the_first_version_is_taken_in_before_anything_is_sent(tmp_path: Path, place: str) -> None:
    older = tmp_path / place / "journal.jsonl"
    older.parent.mkdir()
    older.write_text("{}\n")
    directory = JournalDirectory(tmp_path / "state", own=True, older=(tmp_path / "cache-state" / "journal.jsonl",))
    with pytest.raises(UsageError, match=f"--import {older}"):
        check_for_sending(directory)
    (tmp_path / "state").mkdir(exist_ok=True)
    make_journal(tmp_path / "state", new_mark((fingerprint(older),)))
    check_for_sending(directory)
    older.write_text("{}\n{}\n")
    with pytest.raises(UsageError, match="first version"):
        check_for_sending(directory)


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_below_a_file_there_is_no_journal_yet(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    assert mark_of(own_journal(tmp_path / path)) is None


def test_a_directory_whose_records_can_not_be_listed_is_not_taken_for_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(JournalError, match="can't be read: Permission denied"):
        mark_of(own_journal(tmp_path))


def test_a_user_without_a_name_is_known_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_name() == pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: 3999999999)
    assert user_name() == "3999999999"


@pytest.mark.parametrize(
    ("mode", "words"), [(0o700, "nobody else"), (0o755, "nobody else"), (0o2770, "the group "), (0o777, "everybody")]
)
def test_who_can_write_it_is_told(tmp_path: Path, mode: int, words: str) -> None:
    tmp_path.chmod(mode)
    assert writers_of(tmp_path).startswith(words)


def test_a_group_without_a_name_is_told_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o2770)
    assert writers_of(tmp_path) == f"the group {grp.getgrgid(tmp_path.stat().st_gid).gr_name}"

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(grp, "getgrgid", unknown)
    assert writers_of(tmp_path) == f"the group {tmp_path.stat().st_gid}"
    assert writers_of(tmp_path / "nowhere") == "nobody"
