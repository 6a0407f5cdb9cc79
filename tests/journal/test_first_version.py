"""Taking in of a journal of the first version."""

import json
from pathlib import Path

import pytest

from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.first_version import KINDS, NEEDED, lines_by_shard
from icat_tui.journal.records import JournalError
from icat_tui.journal.sendings import MessageState
from icat_tui.journal.shard import ELSEWHERE
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import SHARD, index_of, message, records_in, shared_journal


def line_of_old(number: int, record: str = "intent", **changes: object) -> dict[str, object]:
    """Return a line as the first version wrote it: without order, location and checksum."""
    about = message(number)
    old: dict[str, object] = {
        "record": record,
        "id": about.id,
        "time": "2026-01-31T08:00:00+00:00",
        "user": "ana",
        "host": "lid21",
        "action": "register",
        "dataset": about.dataset,
        "icat_id": None,
        "investigation": 7,
        "destination": "icatIngest",
        "digest": about.digest,
    }
    return old | ({"body": about.body.decode()} if record == "plan" else {}) | changes


def old_journal(directory: Path, *lines: dict[str, object] | str) -> Path:
    path = directory / "old.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def taken_in(directory: Path, path: Path) -> tuple[JournalDirectory, int]:
    """Return a new journal with the records of an old one, and how many lines of that could not be read."""
    new = shared_journal(directory / "new")
    shards, lost = lines_by_shard(path, str)
    for shard, lines in shards.items():
        Journal(new).take_in(shard, lines)
    return new, lost


def test_every_record_keeps_its_time_user_and_host(tmp_path: Path) -> None:
    old = [
        line_of_old(1, "plan"),
        line_of_old(1),
        line_of_old(1, "outcome", outcome="accepted"),
        line_of_old(2, "seen"),
    ]
    new, lost = taken_in(tmp_path, old_journal(tmp_path, *old))
    assert lost == 0
    records = records_in(new)
    assert [record.record.value for record in records] == [line["record"] for line in old]
    assert {(record.user, record.host, record.time.isoformat()) for record in records} == {
        ("ana", "lid21", "2026-01-31T08:00:00+00:00")
    }
    assert {record.location for record in records} == {message(1).dataset, message(2).dataset}
    assert {each.id: each.state for each in index_of(new).sendings()} == {
        "m0001": MessageState.ACCEPTED,
        "m0002": MessageState.SEEN,
    }


def test_a_dataset_is_filed_by_where_it_lies(tmp_path: Path) -> None:
    path = old_journal(tmp_path, line_of_old(1), line_of_old(2, dataset=""))
    shards, _ = lines_by_shard(path, lambda spelled: spelled.replace("hg333", "hg444"))
    assert set(shards) == {"hg444", ELSEWHERE}
    assert json.loads(shards["hg444"][0])["location"] == message(1).dataset.replace("hg333", "hg444")
    assert json.loads(shards[ELSEWHERE][0])["location"] == ""


def test_blank_lines_are_no_records(tmp_path: Path) -> None:
    shards, lost = lines_by_shard(old_journal(tmp_path, "", line_of_old(1), "  "), str)
    assert ([len(lines) for lines in shards.values()], lost) == ([1], 0)


@pytest.mark.parametrize(
    "unreadable",
    [
        '{"record": "intent", "dataset": "/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_0001", "id',
        json.dumps(line_of_old(1, record="other")),
        json.dumps(line_of_old(1, action="delete")),
        *(json.dumps(line_of_old(1) | {name: None}) for name in NEEDED if name != "dataset"),
    ],
)
def test_a_line_that_can_not_be_read_is_damage_in_the_proposals_that_it_names(tmp_path: Path, unreadable: str) -> None:
    elsewhere = line_of_old(2, dataset="/data/visitor/hg555/id99/20231019/RAW_DATA/a/a_1")
    new, lost = taken_in(tmp_path, old_journal(tmp_path, elsewhere, unreadable))
    assert lost == 1
    assert index_of(new).damage_about(message(1).dataset)
    assert new.shard(SHARD).read_bytes().splitlines()[-1] == unreadable.encode()
    assert unreadable.encode() not in new.shard("hg555").read_bytes()


def test_damage_that_names_nothing_may_be_about_any_proposal(tmp_path: Path) -> None:
    new, lost = taken_in(tmp_path, old_journal(tmp_path, line_of_old(1), "[]", '{"dataset": 5'))
    assert lost == 2
    assert index_of(new).damage_about(message(3).dataset)
    shards, _ = lines_by_shard(old_journal(tmp_path, "null"), str)
    assert shards == {ELSEWHERE: [b"null\n"]}


def test_all_kinds_of_the_first_version_are_known() -> None:
    assert {kind.value for kind in KINDS} == {"plan", "intent", "outcome", "seen"}


def test_a_journal_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="can't be read: it is no regular file"):
        lines_by_shard(tmp_path, str)
