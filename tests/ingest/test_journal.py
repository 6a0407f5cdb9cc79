"""The journal as a file: many writers, torn lines, hostile names; and what its records mean."""

import fcntl
import json
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action, Message
from icat_tui.ingest.journal import Journal
from icat_tui.ingest.records import JournalError, Kind, Record, SendOutcome, planned_message, read
from icat_tui.ingest.standing import JournalReader, Latest, Standing, Standings
from tests.ingest.conftest import message, messages
from tests.names import HOSTILE_NAMES

FORKS = multiprocessing.get_context("forkserver")


def records(journal: Journal) -> list[Record]:
    return [line.record for line in read(journal.path) if line.record]


def standings(journal: Journal) -> Standings:
    found = Standings(Facility())
    found.add(read(journal.path))
    return found


def standing(journal: Journal, of: Message) -> Standing:
    return standings(journal).dataset(of.dataset)


# -- the file ----------------------------------------------------------------------------------------------------------


def test_every_record_is_a_json_object_on_a_line_with_who_when_and_what(journal: Journal) -> None:
    plan = messages(2)
    journal.plan(plan)
    journal.intend(plan)
    journal.conclude([(plan[0], SendOutcome.ACCEPTED, ""), (plan[1], SendOutcome.REJECTED, "too large")])
    journal.seen(plan[:1])
    lines = [json.loads(line) for line in journal.path.read_bytes().splitlines()]
    assert [line["record"] for line in lines] == ["plan"] * 2 + ["intent"] * 2 + ["outcome"] * 2 + ["seen"]
    for line in lines:
        assert {"id", "time", "user", "host", "action", "dataset", "investigation", "destination", "digest"} <= set(
            line
        )
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None
    assert lines[5]["words"] == "too large"


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_jq_reads_it(journal: Journal, name: str) -> None:
    journal.plan([message(1, dataset=f"/data/{name}")])
    done = subprocess.run(["jq", "-r", ".id", journal.path], capture_output=True, check=True)
    assert done.stdout == b"m0001\n"


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_come_back_the_same(journal: Journal, name: str) -> None:
    planned = message(1, dataset=f"/data/visitor/hg333/id99/20231019/RAW_DATA/{name}/{name}_1")
    journal.plan([planned])
    assert journal.path.read_bytes().isascii()
    assert journal.path.read_bytes().count(b"\n") == 1
    (sending,) = standings(journal).planned()
    assert sending.plan is not None
    assert sending.dataset == planned.dataset
    assert planned_message(journal.path, sending.plan) == planned


@settings(deadline=None)
@given(body=st.binary(min_size=1).filter(lambda body: b"\0" not in body), number=st.integers(0, 3))
def test_a_planned_body_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, number: int
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "journal.jsonl")
    plan = [message(place, body=body + bytes([place + 1])) for place in range(4)]
    journal.plan(plan)
    sending = list(standings(journal).planned())[number]
    assert planned_message(journal.path, sending.plan or 0) == plan[number]


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_its_mode_is_by_umask(journal: Journal, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        journal.plan([message(1)])
    finally:
        os.umask(before)
    assert journal.path.stat().st_mode & 0o777 == mode


def test_a_plan_is_synced_once_and_intents_are_synced_together(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(
        "icat_tui.ingest.journal.os.fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size)
    )
    journal.plan(messages(100))
    in_all = journal.path.stat().st_size
    assert synced[0] == in_all
    assert len(synced) == 2  # the directory too: the file is new
    journal.intend(messages(16))
    assert synced[2:] == [journal.path.stat().st_size]


def test_a_message_is_not_intended_when_the_disk_does_not_take_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    journal.plan([message(1)])
    monkeypatch.setattr("icat_tui.ingest.journal.os.fsync", broken)
    with pytest.raises(JournalError, match="Input/output error"):
        journal.intend([message(1)])


def _append(path: Path, number: int, count: int) -> None:
    journal = Journal(path)
    for place in range(count):
        mine = message(place, id=f"{number}-{place}", body=b"x" * 3000)
        journal.plan([mine])
        journal.conclude([(mine, SendOutcome.ACCEPTED, "")])


def test_many_processes_write_at_once_and_nothing_is_lost(journal: Journal) -> None:
    writers = [FORKS.Process(target=_append, args=(journal.path, number, 20)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert [writer.exitcode for writer in writers] == [0] * 4
    lines = list(read(journal.path))
    assert len(lines) == 4 * 20 * 2
    assert all(line.record for line in lines)
    assert len({(line.record.id, line.record.record) for line in lines if line.record}) == 160


def _append_as(user: int, path: Path) -> None:
    os.setgroups([])
    os.setgid(4711)
    os.setuid(user)
    os.umask(0o002)
    _append(path, user, 5)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that others can reach: every run of pytest closes `tmp_path` to them."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming two users takes root")
def test_two_users_of_a_group_share_it(shared: Path) -> None:
    os.chown(shared, -1, 4711)
    shared.chmod(0o2775)
    for user in (12001, 12002, 12001):
        writer = FORKS.Process(target=_append_as, args=(user, shared / "journal.jsonl"))
        writer.start()
        writer.join(30)
        assert writer.exitcode == 0
    lines = list(read(shared / "journal.jsonl"))
    assert len(lines) == 30
    assert {line.record.user for line in lines if line.record} == {"12001", "12002"}


def test_a_line_torn_anywhere_is_never_joined_with_the_next(journal: Journal) -> None:
    journal.plan([message(1)])
    first = journal.path.read_bytes()
    journal.intend([message(1)])
    whole = journal.path.read_bytes()
    for length in range(len(first), len(whole) + 1):
        journal.path.write_bytes(whole[:length])
        journal.plan([message(2)])
        assert journal.path.read_bytes().startswith(whole[:length])
        found = [(record.record, record.id) for record in records(journal)]
        assert found[0] == (Kind.PLAN, "m0001")
        assert found[-1] == (Kind.PLAN, "m0002")
        complete = length >= len(whole) - 1
        assert ((Kind.INTENT, "m0001") in found) == complete
        torn = len(first) < length < len(whole) - 1
        assert standings(journal).unreadable == ([len(first)] if torn else [])


def test_a_last_line_that_is_still_being_written_is_read_when_it_is_whole(journal: Journal) -> None:
    journal.plan([message(1)])
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:50])
    reader = JournalReader(journal.path, Facility())
    assert not reader.refresh()
    assert reader.standings.unreadable == []
    journal.path.write_bytes(whole)
    assert reader.refresh()
    assert [sending.id for sending in reader.standings.planned()] == ["m0001"]


@pytest.mark.parametrize(
    "line", [b"garbage\n", b"{}\n", b"[1]\n", b'{"record": "new kind", "id": "x"}\n', b"\xff\xfe\n", b'"\\ud800"\n']
)
def test_a_foreign_line_is_reported_and_spoils_no_other(journal: Journal, line: bytes) -> None:
    journal.plan([message(1)])
    place = journal.path.stat().st_size
    with journal.path.open("ab") as file:
        file.write(line)
    journal.plan([message(2)])
    found = standings(journal)
    assert found.unreadable == [place]
    assert [sending.id for sending in found.planned()] == ["m0001", "m0002"]


def test_no_journal_is_an_empty_one(journal: Journal) -> None:
    assert list(read(journal.path)) == []
    assert not JournalReader(journal.path, Facility()).refresh()


def test_a_journal_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="can't be read"):
        list(read(tmp_path))


@pytest.mark.parametrize("name", ["file/journal.jsonl", "directory"])
def test_a_journal_that_cannot_be_written_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    with pytest.raises(JournalError, match="can't be written"):
        Journal(tmp_path / name).check()
    with pytest.raises(JournalError, match="can't be written"):
        Journal(tmp_path / name).plan([message(1)])


def test_checking_writes_nothing(journal: Journal) -> None:
    journal.check()
    assert journal.path.read_bytes() == b""


@pytest.mark.parametrize("lock", [fcntl.LOCK_EX, fcntl.LOCK_SH])
def test_a_lock_that_is_never_released_is_an_error_in_time(tmp_path: Path, lock: int) -> None:
    journal = Journal(tmp_path / "journal.jsonl", lock_timeout=0.05)
    journal.check()
    with journal.path.open() as other:
        fcntl.flock(other, lock)
        with pytest.raises(JournalError, match="locked"):
            journal.plan([message(1)])
    journal.plan([message(1)])
    assert len(records(journal)) == 1


# -- what it means -----------------------------------------------------------------------------------------------------

ONE = message(1)


def planned(journal: Journal) -> None:
    journal.plan([ONE])


def intended(journal: Journal) -> None:
    planned(journal)
    journal.intend([ONE])


def concluded(outcome: SendOutcome, words: str = "") -> Callable[[Journal], None]:
    def act(journal: Journal) -> None:
        intended(journal)
        journal.conclude([(ONE, outcome, words)])

    return act


def seen(journal: Journal) -> None:
    concluded(SendOutcome.ACCEPTED)(journal)
    journal.seen([ONE])


@pytest.mark.parametrize(
    ("history", "out", "rejected", "resumable", "reason"),
    [
        (planned, None, None, True, ""),
        (intended, Latest.INTENDED, None, False, "no receipt"),
        (concluded(SendOutcome.UNKNOWN, "cut"), Latest.UNKNOWN, None, False, "no receipt"),
        (concluded(SendOutcome.ACCEPTED), Latest.ACCEPTED, None, False, "sent "),
        (concluded(SendOutcome.REJECTED, "too large"), None, "too large", False, ""),
        (seen, None, None, False, ""),
    ],
)
def test_the_latest_record_says_where_a_dataset_stands(
    journal: Journal, *, history: Callable[[Journal], None], out: Latest, rejected: str, resumable: bool, reason: str
) -> None:
    history(journal)
    found = standing(journal, ONE)
    assert (found.out and found.out.latest) == out
    assert (found.rejected and found.rejected.words) == rejected
    assert bool(found.planned) == resumable
    assert [sending.id for sending in standings(journal).planned()] == (["m0001"] if resumable else [])
    assert (found.out.reason if found.out else "").startswith(reason)
    last = records(journal)[-1]
    if found.out:
        assert f"by {last.user} on {last.host}" in found.out.reason


def test_an_intent_that_was_taken_back_can_be_resumed(journal: Journal) -> None:
    intended(journal)
    planned(journal)
    assert standing(journal, ONE).out is None
    assert standing(journal, ONE).planned


def test_what_went_out_before_stands_whatever_is_planned_or_rejected_after_it(journal: Journal) -> None:
    concluded(SendOutcome.ACCEPTED)(journal)
    again = message(2, dataset=ONE.dataset)
    journal.plan([again])
    assert standing(journal, ONE).out
    journal.intend([again])
    journal.conclude([(again, SendOutcome.REJECTED, "no")])
    found = standing(journal, ONE)
    assert found.out
    assert found.out.id == "m0001"
    assert found.rejected
    assert found.rejected.id == "m0002"


def test_seeing_a_dataset_settles_everything_that_was_sent_for_it(journal: Journal) -> None:
    concluded(SendOutcome.UNKNOWN)(journal)
    again = message(2, dataset=ONE.dataset)
    journal.plan([again, message(3, dataset=ONE.dataset)])
    journal.intend([again])
    journal.seen([again])
    assert standing(journal, ONE) == Standing()
    assert not list(standings(journal).pending())
    assert not list(standings(journal).planned())


def test_a_receipt_after_it_was_seen_does_not_make_it_pending(journal: Journal) -> None:
    intended(journal)
    journal.seen([ONE])
    journal.conclude([(ONE, SendOutcome.ACCEPTED, "")])
    assert standing(journal, ONE) == Standing()


def test_an_older_plan_is_given_up_when_a_newer_one_goes_out(journal: Journal) -> None:
    planned(journal)
    again = message(2, dataset=ONE.dataset)
    journal.plan([again])
    journal.intend([again])
    assert not list(standings(journal).planned())


def test_a_dataset_is_the_same_below_another_mount_point(journal: Journal) -> None:
    concluded(SendOutcome.ACCEPTED)(journal)
    assert standings(journal).dataset(f"/gpfs/easy{ONE.dataset}").out
    assert standings(journal).dataset(ONE.dataset.replace("id99", "ID99")).out
    assert not standings(journal).dataset(ONE.dataset + "x").out


def test_adding_files_and_registering_are_two_things(journal: Journal) -> None:
    files = message(5, action=Action.ADD_FILES, icat_id=77, dataset=ONE.dataset)
    journal.plan([files])
    journal.intend([files])
    assert standing(journal, ONE) == Standing()
    assert standings(journal).files(77).out
    assert standings(journal).files(78) == Standing()


@pytest.mark.parametrize("outcome", SendOutcome)
def test_a_body_that_went_out_before_is_known_by_its_digest(journal: Journal, outcome: SendOutcome) -> None:
    concluded(outcome)(journal)
    assert bool(standings(journal).sent_before(ONE.digest)) == (outcome is not SendOutcome.REJECTED)
    assert standings(journal).sent_before(message(2).digest) is None


def test_a_body_stays_known_after_it_was_seen_and_after_another_was_rejected(journal: Journal) -> None:
    seen(journal)
    again = message(2, body=ONE.body)
    journal.intend([again])
    journal.conclude([(again, SendOutcome.REJECTED, "no")])
    found = standings(journal).sent_before(ONE.digest)
    assert found
    assert found.id == "m0001"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["plan", "intend", "accept", "reject", "lose", "see"]), st.integers(0, 2))))
def test_whatever_happens_what_went_out_is_pending_until_it_is_rejected_or_seen(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int]]
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "journal.jsonl")
    out: set[int] = set()
    gone: set[int] = set()
    for act, number in history:
        one = message(number, dataset=ONE.dataset)
        match act:
            case "plan" if number not in out | gone:
                journal.plan([one])
            case "intend" if number not in out | gone:
                journal.intend([one])
                out.add(number)
            case "accept" | "lose" if number in out:
                outcome = SendOutcome.ACCEPTED if act == "accept" else SendOutcome.UNKNOWN
                journal.conclude([(one, outcome, "")])
            case "reject" if number in out:
                journal.conclude([(one, SendOutcome.REJECTED, "no")])
                out.discard(number)
                gone.add(number)
            case "see":
                journal.seen([one])
                gone |= out | {number}
                out.clear()
    assert bool(standing(journal, ONE).out) == bool(out)
    assert {sending.id for sending in standings(journal).pending()} == {f"m{number:04d}" for number in out}


# -- reading on --------------------------------------------------------------------------------------------------------


def test_reading_on_is_the_same_as_reading_it_all(journal: Journal) -> None:
    reader = JournalReader(journal.path, Facility())
    for act in (planned, intended, concluded(SendOutcome.ACCEPTED), seen):
        act(journal)
        assert reader.refresh()
        assert not reader.refresh()
        assert reader.standings.dataset(ONE.dataset) == standing(journal, ONE)


def test_a_journal_that_was_replaced_is_read_anew(journal: Journal) -> None:
    planned(journal)
    reader = JournalReader(journal.path, Facility())
    reader.refresh()
    journal.path.rename(journal.path.with_suffix(".old"))
    journal.plan([message(2)])
    assert reader.refresh()
    assert [sending.id for sending in reader.standings.planned()] == ["m0002"]
    journal.path.unlink()
    reader.refresh()
    assert not list(reader.standings.planned())


@pytest.mark.slow
def test_a_large_journal_is_not_held_in_memory(journal: Journal) -> None:
    body = b"x" * 20_000
    for start in range(0, 5_000, 500):
        plan = [message(number, body=body) for number in range(start, start + 500)]
        journal.plan(plan)
        journal.intend(plan)
        journal.conclude([(one, SendOutcome.ACCEPTED, "") for one in plan])
    assert journal.path.stat().st_size > 100_000_000
    tracemalloc.start()
    found = standings(journal)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(list(found.pending())) == 5_000
    assert peak < 20_000_000
