"""The journal's knowledge of a dataset, as the rules ask for it."""

import os
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import NO_HISTORY, LastListed, MessageHistory
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.records import JournalError, RecordKind, SendOutcome, line
from icat_tui.journal.view import CLOCKS_DIFFER, SET_ASIDE, JournalView
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import SHARD, index_of, message, own_journal, records

DATASET = message(1)
FILES = message(1, id="files", action=Action.ADD_FILES, icat_id=11, body=b"{}")


def view(journal: Journal) -> JournalView:
    return JournalView(journal.directory, Facility())


def registration(found: JournalView, path: str = DATASET.dataset) -> MessageHistory:
    return found.registration(path, path)


def files(found: JournalView) -> MessageHistory:
    return found.files(11, DATASET.dataset, DATASET.dataset)


def sent(journal: Journal, one: Message, outcome: SendOutcome | None = None, words: str = "") -> None:
    journal.record_plans([one])
    journal.record_intents([one])
    if outcome:
        journal.record_outcomes([(one, outcome, words)])


def test_without_a_journal_of_the_user_nothing_was_sent(journal: Journal) -> None:
    found = view(journal)
    assert registration(found) == files(found) == NO_HISTORY
    assert not journal.directory.path.exists()


def test_what_was_only_planned_was_not_sent(journal: Journal) -> None:
    journal.record_plans([DATASET, FILES])
    assert registration(view(journal)) == files(view(journal)) == NO_HISTORY


@pytest.mark.parametrize("outcome", [None, SendOutcome.UNKNOWN, SendOutcome.ACCEPTED])
def test_what_went_out_is_out_until_it_is_seen(journal: Journal, outcome: SendOutcome | None) -> None:
    sent(journal, DATASET, outcome, "no receipt in time")
    found = view(journal)
    known = registration(found, f"/gpfs/easy{DATASET.dataset}").pending
    assert known is not None
    assert ("no receipt" in known.reason) == (outcome is not SendOutcome.ACCEPTED)
    assert files(found) == NO_HISTORY
    journal.record_seen([(DATASET, 17)])
    assert registration(found).pending, "as it was at the last refresh"
    found.refresh()
    assert registration(found) == MessageHistory(seen=LastListed(17, records(journal)[-1].time))


def test_a_dataset_is_looked_up_by_its_spelling_and_by_where_it_lies(journal: Journal) -> None:
    linked = "/data/visitor/hc1/id99/20240101/RAW_DATA/colA/colA_0001"
    sent(journal, message(1, dataset=linked, location=DATASET.dataset))
    found = view(journal)
    assert found.registration("/data/elsewhere", DATASET.dataset).pending
    assert found.registration(DATASET.dataset, "/data/elsewhere").pending
    assert not found.registration(linked, "/data/elsewhere").pending  # the link leads elsewhere now
    assert found.registration(linked, DATASET.dataset).pending


def test_files_and_registrations_are_kept_apart(journal: Journal) -> None:
    sent(journal, FILES, SendOutcome.REJECTED, "no such queue")
    found = view(journal)
    assert registration(found) == NO_HISTORY
    assert "no such queue" in files(found).rejection
    sent(journal, DATASET, SendOutcome.REJECTED, "too long")
    found.refresh()
    assert "too long" in registration(found).rejection
    sent(journal, message(1, id="again"), SendOutcome.ACCEPTED)
    found.refresh()
    assert not registration(found).rejection
    assert registration(found).pending


def test_the_last_request_for_files_is_found_in_any_proposal(journal: Journal) -> None:
    elsewhere = message(2, id="later", action=Action.ADD_FILES, icat_id=11, dataset="/data/other/place", body=b"{}")
    others = message(3, action=Action.ADD_FILES, icat_id=12, body=b"{}")
    assert view(journal).last_request_for_files(11) is None
    journal.record_plans([message(4, icat_id=11), others])
    assert view(journal).last_request_for_files(11) is None
    journal.record_plans([elsewhere])
    journal.record_plans([FILES])
    for last in (FILES, elsewhere):
        journal.record_intents([last])
        found = view(journal).last_request_for_files(11)
        assert found
        assert found.id == last.id


def test_a_plan_is_the_latest_until_another_or_the_message_goes_out(journal: Journal) -> None:
    journal.record_plans([DATASET, message(2)])
    first, other = index_of(journal.directory).planned()
    found = view(journal)
    assert found.is_planned(first)
    assert found.is_planned(other)
    journal.record_plans([message(1, id="newer")])
    found.refresh()
    assert not found.is_planned(first)
    journal.record_intents([message(2)])
    found.refresh()
    assert not found.is_planned(other)


def test_a_message_from_the_future_counts_from_when_it_was_written(journal: Journal) -> None:
    sent(journal, DATASET, SendOutcome.ACCEPTED)
    path = journal.directory.shard(SHARD)
    ahead = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    header, *_ = path.read_bytes().splitlines(keepends=True)
    record = journal._record(RecordKind.INTENT, DATASET) | {"time": ahead}
    path.write_bytes(header + line(record))
    written = time.time() - 3600
    os.utime(path, (written, written))
    found = registration(view(journal)).pending
    assert found
    assert found.at == datetime.fromtimestamp(written, UTC)
    assert "whose clock was ahead" in found.reason


@pytest.mark.parametrize(("beyond", "ahead"), [(timedelta(0), False), (timedelta(microseconds=1), True)])
def test_clocks_may_differ_a_little(journal: Journal, beyond: timedelta, ahead: bool) -> None:
    sent(journal, DATASET, SendOutcome.ACCEPTED)
    path = journal.directory.shard(SHARD)
    (intent,) = [each for each in records(journal) if each.record is RecordKind.INTENT]
    written = intent.time - CLOCKS_DIFFER - beyond
    nanoseconds = (written - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1000
    os.utime(path, ns=(nanoseconds, nanoseconds))
    found = registration(view(journal)).pending
    assert found
    assert found.at == (written if ahead else intent.time)


# -- what is not known -------------------------------------------------------------------------------------------------


def test_a_journal_that_is_not_there_is_an_error_and_not_empty(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"there is no icat-tui-journal\.json"):
        JournalView(JournalDirectory(tmp_path), Facility())


@pytest.mark.parametrize("spoil", ["unlink", "empty", "header", "directory", "foreign", "moved"])
def test_a_shard_that_was_there_is_never_taken_for_an_empty_one(journal: Journal, tmp_path: Path, spoil: str) -> None:
    sent(journal, DATASET, SendOutcome.ACCEPTED)
    elsewhere = message(2, dataset="/data/visitor/hc1/id99/20231019/RAW_DATA/colA/colA_0002")
    sent(journal, elsewhere)
    path = journal.directory.shard(SHARD)
    match spoil:
        case "unlink":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "header":
            path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
        case "directory":
            path.unlink()
            path.mkdir()
        case "foreign":
            other = Journal(own_journal(tmp_path / "other"))
            other.record_plans([DATASET])
            path.write_bytes(other.directory.shard(SHARD).read_bytes())
        case "moved":
            path.write_bytes(journal.directory.shard("hc1").read_bytes())
    found = view(journal)
    assert registration(found).trouble
    assert registration(found, elsewhere.dataset).pending
    assert not registration(found, elsewhere.dataset).trouble
    assert found.troubles()


def test_damage_is_of_its_dataset_or_of_the_whole_proposal(journal: Journal) -> None:
    sent(journal, DATASET)
    path = journal.directory.shard(SHARD)
    other = message(2).dataset
    newer = line({**journal._record(RecordKind.OUTCOME, DATASET), "record": "forgotten"})
    path.write_bytes(path.read_bytes() + newer)
    assert "written by a newer version" in registration(view(journal)).trouble
    assert not registration(view(journal), other).trouble
    path.write_bytes(path.read_bytes() + b"garbage\n")
    assert "the journal is damaged here" in registration(view(journal), other).trouble
    assert registration(view(journal)).pending
    assert len(view(journal).troubles()) == 0, "none of its shards was read yet"


def test_what_a_line_was_about_that_is_set_aside_takes_a_confirmation_of_its_own(journal: Journal) -> None:
    sent(journal, DATASET, SendOutcome.REJECTED, "no")
    path, other = journal.directory.shard(SHARD), message(2).dataset
    for datasets, doubted in (([DATASET.dataset], ""), ([], SET_ASIDE)):
        place = path.stat().st_size
        path.write_bytes(path.read_bytes() + b"garbage\n")
        aside = {"offset": place, "length": 7, "digest": sha256(b"garbage").hexdigest(), "datasets": datasets}
        journal.set_aside(SHARD, aside)
        found = view(journal)
        assert registration(found).doubt == SET_ASIDE
        assert registration(found, other).doubt == doubted
        assert not registration(found).trouble
    sent(journal, message(3, dataset=other), SendOutcome.REJECTED, "no")
    assert registration(view(journal), other).doubt == ""
    assert registration(view(journal)).doubt == SET_ASIDE
