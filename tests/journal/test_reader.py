"""Reading of the journal, shard by shard, while others write it."""

import errno
import os
import re
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from icat_tui.domain.facility import Facility
from icat_tui.journal.reader import JournalReader, ShardReader
from icat_tui.journal.records import JournalError, JournalLine, SendOutcome
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import SHARD, journal_index, last_messages, message, own_journal

ONE = message(1)
ELSEWHERE = message(2, dataset="/data/other/place")


def reader_of(journal: Journal) -> JournalReader:
    reader = JournalReader(journal.directory, Facility())
    reader.refresh()
    return reader


def planned(shard: ShardReader) -> list[str]:
    return [sending.id for sending in shard.index.planned()]


def test_reading_on_is_the_same_as_reading_it_all(journal: Journal) -> None:
    reader = reader_of(journal)
    acts: tuple[Callable[[], None], ...] = (
        lambda: journal.record_plans([ONE]),
        lambda: journal.record_intents([ONE]),
        lambda: journal.record_outcomes([(ONE, SendOutcome.ACCEPTED, "")]),
        lambda: journal.record_seen([(ONE, 1)]),
    )
    for act in acts:
        act()
        reader.refresh()
        reader.refresh()
        assert reader.shard(SHARD).index.dataset(ONE.dataset) == last_messages(journal, ONE)


def test_only_what_was_asked_for_is_read(journal: Journal) -> None:
    journal.record_plans([ONE, ELSEWHERE])
    reader = reader_of(journal)
    assert reader.loaded() == []
    (shard,) = reader.shards_of((ONE.dataset, ONE.dataset + "/more"))
    assert planned(shard) == ["m0001"]
    assert [each.path.stem for each in reader.loaded()] == [SHARD]
    assert [each.path.stem for each in reader.all_shards()] == ["_", SHARD]
    assert sorted(name for each in reader.all_shards() for name in planned(each)) == ["m0001", "m0002"]


def test_a_shard_that_is_made_later_is_read_then(journal: Journal) -> None:
    reader = reader_of(journal)
    assert not reader.shard(SHARD).trouble
    journal.record_plans([ONE])
    reader.refresh()
    assert planned(reader.shard(SHARD)) == ["m0001"]


def test_a_shard_that_is_listed_and_gone_is_listed_with_its_trouble(journal: Journal) -> None:
    journal.record_plans([ONE, ELSEWHERE])
    journal.directory.shard(SHARD).unlink()
    (other, gone) = reader_of(journal).all_shards()
    assert not other.trouble
    assert "is gone, emptied or cut off" in gone.trouble


def test_a_shard_that_goes_while_it_is_read_is_trouble(journal: Journal) -> None:
    journal.record_plans([ONE])
    reader = reader_of(journal)
    path = journal.directory.shard(SHARD)
    shard, content = reader.shard(SHARD), path.read_bytes()
    path.unlink()
    reader.refresh()
    assert shard.trouble
    path.write_bytes(content)
    reader.refresh()
    assert not shard.trouble
    assert planned(shard) == ["m0001"]


def test_a_shard_that_was_replaced_by_a_shorter_one_is_read_anew(journal: Journal) -> None:
    journal.record_plans([ONE])
    path, before = journal.directory.shard(SHARD), journal.directory.shard(SHARD).read_bytes()
    journal.record_plans([message(3)])
    reader = reader_of(journal)
    assert planned(reader.shard(SHARD)) == ["m0001", "m0003"]
    path.write_bytes(before)
    reader.refresh()
    assert planned(reader.shard(SHARD)) == ["m0001"]


def test_a_shard_that_was_replaced_by_a_longer_one_is_read_anew(journal: Journal, tmp_path: Path) -> None:
    journal.check_writable()
    shutil.copytree(journal.directory.path, tmp_path / "copy")
    other = Journal(own_journal(tmp_path / "copy"))
    journal.record_plans([ONE])
    other.record_plans([message(2), message(3)])
    reader = reader_of(journal)
    assert planned(reader.shard(SHARD)) == ["m0001"]
    other.directory.shard(SHARD).rename(journal.directory.shard(SHARD))
    reader.refresh()
    assert planned(reader.shard(SHARD)) == ["m0002", "m0003"]


def test_a_shard_that_is_not_listed_and_has_no_header_yet_is_no_trouble(journal: Journal) -> None:
    journal.record_plans([ELSEWHERE])
    reader = reader_of(journal)
    journal.directory.shard(SHARD).write_bytes(b"")
    assert not reader.shard(SHARD).trouble
    reader.refresh()
    assert not reader.shard(SHARD).trouble
    assert [shard.path.stem for shard in reader.all_shards()] == ["_", SHARD]


def test_only_the_files_of_shards_are_read(journal: Journal) -> None:
    journal.record_plans([ONE])
    (journal.directory.records / "hg333.jsonl.orig").write_text("")
    assert [shard.path.stem for shard in reader_of(journal).all_shards()] == [SHARD]


def test_a_planned_message_comes_back(journal: Journal) -> None:
    journal.record_plans([ONE, ELSEWHERE])
    reader = reader_of(journal)
    for shard in reader.all_shards():
        (sending,) = shard.index.planned()
        found = reader.message(sending)
        assert (found.id, found.body) in [(each.id, each.body) for each in (ONE, ELSEWHERE)]
        shard.path.write_bytes(b"")
        with pytest.raises(JournalError, match="has no plan"):
            reader.message(sending)


def test_shards_that_can_not_be_listed_are_an_error(journal: Journal) -> None:
    journal.record_plans([ONE])
    reader = reader_of(journal)
    journal.directory.shard(SHARD).unlink()
    journal.directory.records.rmdir()
    journal.directory.records.write_text("")
    with pytest.raises(JournalError, match="can't be read"):
        reader.all_shards()


def test_of_no_journal_there_are_no_shards(tmp_path: Path) -> None:
    reader = JournalReader(own_journal(tmp_path / "none"), Facility())
    reader.refresh()
    assert list(reader.all_shards()) == []


@pytest.mark.slow
def test_a_large_journal_is_not_held_in_memory(journal: Journal) -> None:
    body = b"x" * 20_000
    for start in range(0, 5_000, 500):
        plan = [message(number, body=body) for number in range(start, start + 500)]
        journal.record_plans(plan)
        journal.record_intents(plan)
        journal.record_outcomes([(one, SendOutcome.ACCEPTED, "") for one in plan])
    assert journal.directory.shard(SHARD).stat().st_size > 100_000_000
    tracemalloc.start()
    found = journal_index(journal)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(list(found.pending())) == 5_000
    assert peak < 20_000_000


@pytest.mark.parametrize("place", ["pipe", "directory"])
def test_a_shard_that_can_not_be_read_is_trouble_of_its_own(journal: Journal, place: str) -> None:
    journal.record_plans([ONE, ELSEWHERE])
    path = journal.directory.shard(SHARD)
    path.unlink()
    if place == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    (other, unreadable) = reader_of(journal).all_shards()
    assert not other.trouble
    assert re.search("can't be read: .*(no regular file|Is a directory)", unreadable.trouble)


def test_a_disk_that_fails_while_a_shard_is_read_is_trouble(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_file: object, _start: int) -> Iterator[JournalLine]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
        yield

    journal.record_plans([ONE])
    reader = reader_of(journal)
    monkeypatch.setattr("icat_tui.journal.reader.read_lines", failing)
    assert "can't be read: Input/output error" in reader.shard(SHARD).trouble


def test_reading_one_shard_again_finds_what_was_added(journal: Journal) -> None:
    journal.record_plans([ONE])
    shard = reader_of(journal).shard(SHARD)
    journal.record_plans([message(2)])
    shard.reread()
    assert planned(shard) == ["m0001", "m0002"]
    assert not shard.trouble
    journal.directory.shard(SHARD).unlink()
    shard.reread()
    assert "is gone" in shard.trouble


def test_an_own_journal_that_was_not_made_is_empty_also_where_it_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in ("none", "file/below"):
        reader = JournalReader(own_journal(tmp_path / place), Facility())
        reader.refresh()
        assert list(reader.all_shards()) == []
        shard = reader.shard(SHARD)
        assert (shard.trouble, planned(shard)) == ("", [])
