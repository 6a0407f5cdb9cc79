"""The thread that reads the journal for the screen: parts first, changes as they come, faults as what they are."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import pytest

from icat_tui.domain.facility import Facility
from icat_tui.journal.directory import MARK, JournalDirectory
from icat_tui.journal.reader import ShardReader
from icat_tui.journal.watch import JournalWatch
from icat_tui.tui.controllers import journal_feed
from icat_tui.tui.controllers.journal_feed import JournalFeed
from icat_tui.tui.state.journal_entries import JournalShown
from icat_tui.tui.state.journal_filter import parse_journal_filter
from tests.support.journal_entries import shared_journal
from tests.support.journal_rows import THEN
from tests.support.journal_states import OTHER, journal_of, message_in, write_all_states
from tests.support.waiting import wait_for

Told = list[JournalShown]


@contextmanager
def feeding(directory: JournalDirectory) -> Iterator[tuple[JournalFeed, Told]]:
    """Give a feed of a journal that has read all of it, and what it told so far."""
    told: Told = []
    feed = JournalFeed(JournalWatch(directory, Facility()), UTC)
    feed.start(told.append)
    try:
        wait_for(lambda: told and not told[-1].reading)
        yield feed, told
    finally:
        feed.stop()


def test_what_was_written_last_is_told_while_the_rest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_feed, "FIRST_PART", 0)
    monkeypatch.setattr(journal_feed, "LATER_PARTS", 0)
    directory = shared_journal(tmp_path / "state")
    for number, name in enumerate(("aa1", "bb2", "cc3")):
        journal_of(directory).record_plans([message_in(f"{name}/id10/20231019", number)])
        os.utime(directory.shard(name), (1_000_000 + number, 1_000_000 + number))
    with feeding(directory) as (_, told):
        first, last = told[0], told[-1]
        assert first.reading
        assert [each.dataset for order in first.orders for each in order.messages] == [
            message_in("cc3/id10/20231019", 2).dataset
        ]
        assert last.messages == 3


def test_a_filter_is_applied_in_the_thread_and_to_what_comes_later(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    write_all_states(directory)
    with feeding(directory) as (feed, told):
        feed.narrow(parse_journal_filter(f"user:{OTHER} state:planned", UTC, THEN.date()))
        wait_for(lambda: told[-1].tally.total == 1)
        journal_of(directory, OTHER).record_plans([message_in("zz9/id10/20231019", number) for number in (1, 2)])
        feed.look()
        wait_for(lambda: told[-1].tally.total == 3)
        assert told[-1].messages == 12


def test_where_nothing_changes_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_feed, "PAUSE", 0.001)
    directory = shared_journal(tmp_path / "state")
    write_all_states(directory)
    looks = 0
    changed = JournalWatch.changed

    def counting(watch: JournalWatch) -> Iterator[ShardReader]:
        nonlocal looks
        looks += 1
        return changed(watch)

    monkeypatch.setattr(JournalWatch, "changed", counting)
    with feeding(directory) as (_, told):
        number = len(told)
        wait_for(lambda: looks > 20)
        assert len(told) == number


def test_a_journal_that_goes_away_says_so_and_is_shown_again_once_it_is_back(tmp_path: Path) -> None:
    directory = shared_journal(tmp_path / "state")
    write_all_states(directory)
    with feeding(directory) as (feed, told):
        mark = directory.path / MARK
        content = mark.read_bytes()
        mark.unlink()
        feed.look()
        wait_for(lambda: told[-1].broken)
        assert "there is no icat-tui-journal.json" in told[-1].broken
        mark.write_bytes(content)
        feed.look()
        wait_for(lambda: not told[-1].broken)
        assert told[-1].messages == 10


def test_a_mistake_of_ours_is_told_and_does_not_end_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = shared_journal(tmp_path / "state")

    def broken(_: JournalWatch) -> Iterator[object]:
        raise ZeroDivisionError("oh")

    with feeding(directory) as (feed, told), monkeypatch.context() as patched:
        patched.setattr(JournalWatch, "changed", broken)
        feed.look()
        wait_for(lambda: "ZeroDivisionError" in told[-1].broken)
