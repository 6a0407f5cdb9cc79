"""`icat-tui journal` tells what was sent and what became of it, and takes up nothing but plans."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from icat_tui.domain.errors import ExitCode
from icat_tui.journal.sendings import MessageState
from tests.support.beamtime import INVESTIGATION, START, Beamtime
from tests.support.bliss import ENDED, write_bliss
from tests.support.journal_entries import shards_in
from tests.support.names import HOSTILE_NAMES
from tests.support.program import Runner
from tests.support.scripted_broker import Client, Frame, Hangup, reject

NOWHERE = ("--queue", "127.0.0.1:9")


Store = Callable[..., Path]


def hang_up(_: Client, __: Frame) -> None:
    raise Hangup


# -- listing ---------------------------------------------------------------------------------------------------------


def test_without_a_journal_there_is_nothing_to_tell(beamtime: Beamtime, run: Runner) -> None:
    ran = run("journal")
    assert (ran.code, ran.out) == (ExitCode.DONE, "")
    assert not shards_in(beamtime.journal), "telling writes nothing"


def test_every_message_is_told_the_newest_last(beamtime: Beamtime, run: Runner, store_raw: Store) -> None:
    first = store_raw("0001")
    beamtime.broker.script = reject
    second = store_raw("0002")
    third = store_raw("0003", *NOWHERE)
    beamtime.broker.script = hang_up
    fourth = store_raw("0004")
    lines = run("journal").out.splitlines()
    assert [line.split()[3:6] for line in lines] == [
        ["accepted", "register", str(first)],
        ["rejected", "register", str(second)],
        ["planned", "register", str(third)],
        ["unknown", "register", str(fourth)],
    ]
    assert "no room left" in lines[1]
    pending = run("journal", "--pending").out.splitlines()
    assert [line.split()[5] for line in pending] == [str(first), str(fourth)]


def test_programs_get_a_record_for_each_and_a_summary(beamtime: Beamtime, run: Runner, store_raw: Store) -> None:
    path = store_raw()
    sending, summary = (json.loads(line) for line in run("journal", "--json").out.splitlines())
    assert (sending["type"], sending["state"], sending["dataset"]) == ("sending", "accepted", str(path))
    assert summary["type"] == "summary"


def test_what_can_not_be_read_is_said(beamtime: Beamtime, run: Runner, store_raw: Store) -> None:
    store_raw()
    (shard,) = shards_in(beamtime.journal)
    with shard.open("a") as journal:
        journal.write("no record\n")
    ran = run("journal")
    assert ran.code == ExitCode.PARTIAL
    assert f"the journal is damaged: {shard}, byte" in ran.err
    assert len(ran.out.splitlines()) == 1


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if len(name) < 100])
def test_hostile_names_are_shown_harmless(beamtime: Beamtime, run: Runner, name: str) -> None:
    path = beamtime.raw / name / f"{name}_0001"
    path.mkdir(parents=True)
    run(
        *("store-raw", "--beamline=id99", "--proposal=hg333", "--dataset=x", f"--sample={name}", f"--path={path}"),
        *("-p", "startDate=2023-10-20T00:00:00", "-p", "endDate=2023-10-20T01:00:00"),
    )
    ran = run("journal")
    assert all(line.isprintable() for line in ran.out.splitlines())
    assert len(ran.out.splitlines()) == len(beamtime.bodies)


# -- asking ICAT -----------------------------------------------------------------------------------------------------


def test_what_icat_has_is_seen_from_then_on(beamtime: Beamtime, run: Runner, store_raw: Store) -> None:
    path = store_raw("0001")
    beamtime.ingest()
    other = store_raw("0002")
    ran = run("journal", "--verify")
    assert ran.code == ExitCode.DONE
    assert f"seen: {path} (in investigation {INVESTIGATION})" in ran.out
    assert f"pending: {other} (" in ran.out
    assert beamtime.standing() == [("colA_0001", MessageState.SEEN), ("colA_0002", MessageState.ACCEPTED)]
    assert len(beamtime.bodies) == 2, "asking sends nothing"


def test_what_icat_filed_elsewhere_is_seen_too(beamtime: Beamtime, run: Runner, store_raw: Store) -> None:
    path = store_raw()
    beamtime.state.add_investigation(8, "hg333", "id99", START, None)
    beamtime.register(path, investigation=8)
    assert "in investigation 8" in run("journal", "--verify").out


def test_files_are_seen_once_icat_has_counted_them(beamtime: Beamtime, run: Runner) -> None:
    path = beamtime.dataset()
    known = beamtime.register(path, file_count=0)
    run("add-files", str(known), "--investigation", str(INVESTIGATION))
    assert "pending" in run("journal", "--verify").out
    beamtime.state.__init__()  # type: ignore[misc]
    beamtime.state.add_investigation(INVESTIGATION, "hg333", "id99", START, None)
    assert beamtime.register(path, file_count=2) == known
    assert "seen" in run("journal", "--verify").out


def test_where_icat_does_not_answer_everything_stays_pending(
    beamtime: Beamtime, run: Runner, store_raw: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_raw()
    beamtime.ingest()
    monkeypatch.setenv("ICAT_TUI_API_KEY", "another")
    ran = run("journal", "--verify")
    assert ran.code == ExitCode.NOTHING
    assert beamtime.standing() == [("colA_0001", MessageState.ACCEPTED)]
    assert "another" not in ran.err


# -- taking plans up -------------------------------------------------------------------------------------------------


def test_plans_are_sent_byte_for_byte_and_nothing_else(beamtime: Beamtime, run: Runner, store_raw: Store) -> None:
    store_raw("0001")
    beamtime.broker.script = hang_up
    store_raw("0002")
    path = store_raw("0003", *NOWHERE)
    beamtime.broker.script = lambda client, frame: client.receipt(frame)
    planned = [json.loads(line) for line in shards_in(beamtime.journal)[0].read_text().splitlines()][-1]
    before = len(beamtime.bodies)
    ran = run("journal", "--resume", "--yes")
    assert ran.code == ExitCode.DONE
    assert f"accepted: {path}" in ran.out
    assert [body.decode() for body in beamtime.bodies[before:]] == [planned["body"]]
    assert beamtime.standing()[-1] == ("colA_0003", MessageState.ACCEPTED)
    assert run("journal", "--resume", "--yes").code == ExitCode.DONE
    assert len(beamtime.bodies) == before + 1, "a second time there is nothing left"


def test_what_has_changed_since_is_skipped_and_said(beamtime: Beamtime, run: Runner, store_raw: Store) -> None:
    registered, gone, rewritten = (store_raw(f"{number:04d}", *NOWHERE) for number in (1, 2, 3))
    beamtime.register(registered)
    shutil.rmtree(gone)
    write_bliss(rewritten / f"{rewritten.name}.h5", {"1.1": {**ENDED, "sample/name": "another"}})
    beamtime.age()
    ran = run("journal", "--resume", "--yes")
    assert not beamtime.bodies
    assert f"skipped: {registered} (it is registered now" in ran.out
    assert f"skipped: {gone} (nothing is known of it on disk now)" in ran.out
    assert f"skipped: {rewritten} (its files say something else" in ran.out
    assert {state for _, state in beamtime.standing()} == {MessageState.SKIPPED}


def test_without_a_terminal_or_a_word_nothing_is_sent(beamtime: Beamtime, run: Runner, store_raw: Store) -> None:
    store_raw("0001", *NOWHERE)
    ran = run("journal", "--resume")
    assert ran.code == ExitCode.USAGE
    assert "--resume --yes" in ran.err
    assert run("journal", "--resume", "--yes", "--read-only").code == ExitCode.USAGE
    assert run("journal", "--yes").code == ExitCode.USAGE
    assert beamtime.broker.connections == 0


@pytest.mark.parametrize(("answer", "sent"), [(b"y\n", 1), (b"n\n", 0), (b"q\n", 0), (b"\x04", 0)])
def test_on_a_terminal_one_is_asked(beamtime: Beamtime, store_raw: Store, answer: bytes, sent: int) -> None:
    store_raw("0001", *NOWHERE)
    terminal, stdin = pty.openpty()
    program = [sys.executable, "-m", "icat_tui", "journal", "--resume"]
    with subprocess.Popen(program, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asked:
        assert asked.stderr
        said = b""
        while b"(y/[n])" not in said:
            assert select.select([asked.stderr], [], [], 30)[0]
            said += os.read(asked.stderr.fileno(), 4096)
        os.write(terminal, answer)
        assert asked.wait(30) == (ExitCode.STOPPED if answer in (b"\x04", b"q\n") else ExitCode.DONE)
    os.close(terminal)
    os.close(stdin)
    assert len(beamtime.bodies) == sent
