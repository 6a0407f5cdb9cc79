"""The watch over a journal: every shard once, then what others write, and nothing where nothing happens."""

import os
from pathlib import Path

import pytest

from icat_tui.domain.facility import Facility
from icat_tui.journal import watch as watch_module
from icat_tui.journal.directory import JournalDirectory, JournalNotThereError
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.records import JournalError
from icat_tui.journal.watch import JournalWatch
from tests.support.journal_entries import own_journal, shards_in, shared_journal, spoil
from tests.support.journal_states import journal_of, message_in


def changed(watch: JournalWatch) -> dict[str, list[str]]:
    return {shard.path.stem: [each.id for each in shard.index.sendings()] for shard in watch.changed()}


def put(directory: JournalDirectory, session: str, number: int) -> None:
    journal_of(directory).record_plans([message_in(session, number)])


def test_every_shard_comes_once_those_written_last_first(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    for number, session in enumerate(("aa1/id10/20231019", "bb2/id10/20231019", "cc3/id10/20231019")):
        put(directory, session, number)
        os.utime(directory.shard(session[:3]), (1_000_000 + number, 1_000_000 + number))
    watch = JournalWatch(directory, Facility())
    assert list(changed(watch)) == ["cc3", "bb2", "aa1"]
    assert changed(watch) == {}


def test_what_others_write_comes_with_all_of_its_shard_and_new_shards_come_too(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    put(directory, "aa1/id10/20231019", 1)
    watch = JournalWatch(directory, Facility())
    changed(watch)
    put(directory, "aa1/id10/20231019", 2)
    assert changed(watch) == {"aa1": ["m1", "m2"]}
    put(directory, "aa1/id10/20231019", 3)
    put(directory, "bb2/id10/20231019", 4)
    assert changed(watch) == {"aa1": ["m1", "m2", "m3"], "bb2": ["m4"]}
    assert changed(watch) == {}


def test_where_nothing_happens_no_file_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = shared_journal(tmp_path / "state")
    put(directory, "aa1/id10/20231019", 1)
    watch = JournalWatch(directory, Facility())
    changed(watch)
    monkeypatch.setattr(JournalReader, "refresh", lambda _: pytest.fail("it was read"))
    assert changed(watch) == {}


def test_of_many_shards_that_nobody_writes_a_few_are_looked_at_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "FEW", 2)
    directory = shared_journal(tmp_path / "state")
    sessions = [f"p{number}/id10/20231019" for number in range(6)]
    for number, session in enumerate(sessions):
        put(directory, session, number)
        os.utime(directory.shard(session[:2]), (1_000_000, 1_000_000))
    watch = JournalWatch(directory, Facility())
    assert len(changed(watch)) == 6
    looked_at: list[str] = []
    stamp = watch_module._stamp

    def noted(path: Path) -> watch_module.Stamp | None:
        looked_at.append(path.stem)
        return stamp(path)

    monkeypatch.setattr(watch_module, "_stamp", noted)
    changed(watch)
    assert len([name for name in looked_at if name.startswith("p")]) == 2
    put(directory, sessions[5], 99)
    found = [name for _ in range(3) for name in changed(watch)]
    assert found == ["p5"]


def test_one_that_was_stopped_in_between_reads_the_rest_later(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    put(directory, "aa1/id10/20231019", 1)
    put(directory, "bb2/id10/20231019", 2)
    watch = JournalWatch(directory, Facility())
    first = next(watch.changed()).path.stem
    assert set(changed(watch)) | {first} == {"aa1", "bb2"}


def test_a_journal_that_was_not_made_yet_is_empty_until_it_is(tmp_path: Path) -> None:
    directory = own_journal(tmp_path / "state")
    watch = JournalWatch(directory, Facility())
    assert changed(watch) == {}
    put(directory, "aa1/id10/20231019", 1)
    assert changed(watch) == {"aa1": ["m1"]}


def test_a_journal_that_goes_away_is_an_error_each_time_until_it_is_back(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    put(directory, "aa1/id10/20231019", 1)
    watch = JournalWatch(directory, Facility())
    changed(watch)
    away = tmp_path / "away"
    directory.path.rename(away)
    for _ in range(2):
        with pytest.raises(JournalNotThereError):
            changed(watch)
    away.rename(directory.path)
    assert changed(watch) == {}


def test_a_shard_that_goes_away_says_so(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    put(directory, "aa1/id10/20231019", 1)
    watch = JournalWatch(directory, Facility())
    changed(watch)
    shards_in(directory)[0].unlink()
    (shard,) = watch.changed()
    assert "is gone" in shard.trouble


def test_one_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    spoil(directory)
    with pytest.raises(JournalError, match="can't be read"):
        changed(JournalWatch(directory, Facility()))
