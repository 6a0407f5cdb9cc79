"""A registration that is stopped, by a signal or by force: what was sent is known (promises.md 4, 11)."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cli import main
from icat_tui.cli.signals import STOPPING
from icat_tui.ingest.broker import BrokerConnection
from icat_tui.journal.sendings import MessageState
from tests.support.icatplus import HANG
from tests.support.journal_entries import shards_in
from tests.support.live_facility import LiveFacility, dataset, serving_facility
from tests.support.program import PATIENCE, Ran, environment, run_program
from tests.support.scripted_broker import Client, Frame
from tests.support.sent_counts import sent_counts

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["stomp", "h5py", "requests", "icat_tui.cli.register_run", "icat_tui.cli.cmd_sync", __name__]
)


def started(facility: LiveFacility, *words: str, answers: str = "a\n", **settings: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "icat_tui", "sync", "--register", *words]
    env = environment(**facility.settings(**settings))
    pipe = subprocess.PIPE
    program = subprocess.Popen(command, env=env, text=True, stdin=pipe, stdout=pipe, stderr=pipe)
    assert program.stdin is not None
    program.stdin.write(answers)
    program.stdin.flush()
    return program


def ended(program: "subprocess.Popen[str]") -> Ran:
    out, err = program.communicate(timeout=PATIENCE)
    return Ran(program.returncode, out, err)


# -- signals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_stops_sending_and_the_journal_is_right(facility: LiveFacility, number: signal.Signals) -> None:
    path = facility.session(unregistered=20)

    def third(client: Client, frame: Frame) -> None:
        if len(facility.broker.sent) < 3:
            facility.ingester(client, frame)  # the third has no answer

    facility.broker.script = third
    with started(facility, "--json", rate="50") as program:
        facility.broker.wait_for(lambda: len(facility.broker.sent) == 3)
        program.send_signal(number)
        ran = ended(program)
    assert ran.code == -number
    sent = len(facility.broker.sent)
    assert ran.summary["sent"] == sent_counts(pending=2, unknown=sent - 2, not_sent=20 - sent)
    assert f"2 sent, {20 - sent} not sent, {sent - 2} unknown" in ran.err
    states = Counter(sending.state for sending in facility.pending)
    assert states == {MessageState.ACCEPTED: 2, MessageState.UNKNOWN: sent - 2}
    assert sum(facility.told(dataset(path, "unregistered", f"{n:04}")) == ["plan"] for n in range(1, 21)) == 20 - sent


def test_a_signal_while_a_person_thinks_sends_nothing(facility: LiveFacility) -> None:
    facility.session(unregistered=1)
    with started(facility, answers="?\n") as program:
        assert program.stderr is not None
        said = ""
        while "<tns:dataset" not in said:
            said += program.stderr.readline()
        program.send_signal(signal.SIGINT)
        ran = ended(program)
    assert ran.code == -signal.SIGINT
    assert ran.err.endswith("\nicat-tui: stopped by SIGINT\n")
    assert facility.broker.connections == 0
    assert not facility.records


def test_a_signal_ends_the_wait_for_icat_too(facility: LiveFacility) -> None:
    facility.session(unregistered=1)
    facility.ingester.drops = True

    def then_hang(client: Client, frame: Frame) -> None:
        facility.place.icatplus.fault = lambda _: HANG
        facility.ingester(client, frame)

    facility.broker.script = then_hang
    with started(facility, "--json", verify_wait="10m") as program:
        assert facility.place.icatplus.hung.wait(PATIENCE)
        program.send_signal(signal.SIGTERM)
        ran = ended(program)
    assert (ran.code, ran.summary["sent"]["accepted"]) == (-signal.SIGTERM, 1)
    assert "1 sent, 0 not sent, 0 unknown" in ran.err


# -- kill -9 ---------------------------------------------------------------------------------------------------------


class Points:
    """Counts the points of a run, and kills it at one of them."""

    def __init__(self, last: int) -> None:
        self.last, self.passed = last, 0

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*arguments: Any, **more: Any) -> Any:
            self.here()
            result = act(*arguments, **more)
            self.here()
            return result

        return acting

    def here(self) -> None:
        self.passed += 1
        if self.passed == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def register_until(point: int, env: dict[str, str], words: list[str], answers: str, count: Any) -> None:
    """Run `sync --register`, to be killed at a point; says how many points there were if it got through."""
    os.environ.clear()
    os.environ.update(env)
    reading, writing = os.pipe()
    os.write(writing, answers.encode())
    os.close(writing)
    sys.stdin = os.fdopen(reading)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end
    points = Points(point)
    os.write, os.fsync = points.around(os.write), points.around(os.fsync)
    BrokerConnection.send = points.around(BrokerConnection.send)  # type: ignore[method-assign] # this process ends here
    SessionCache.drop = points.around(SessionCache.drop)  # type: ignore[method-assign]
    main.main(["sync", "--register", *words])
    count.value = points.passed


def run_until(facility: LiveFacility, point: int, words: list[str], answers: str = "a\n", **settings: str) -> int:
    count = FORKS.Value("i", 0)
    env = environment(**facility.settings(**settings))
    run = FORKS.Process(target=register_until, args=(point, env, words, answers, count))
    run.start()
    run.join(60)
    assert run.exitcode in (0, -signal.SIGKILL)
    facility.broker.wait_for(lambda: facility.broker.open == 0)
    return int(count.value)


def check_all_known(facility: LiveFacility, expected: set[str]) -> None:
    """Whatever the ingester has, it has once, and what it has not is pending, or still to be done."""
    pending = {sending.dataset for sending in facility.pending}
    planned = {record.dataset for record in facility.records} if shards_in(facility.journal) else set()
    received = Counter(facility.ingester.locations)
    assert all(count == 1 for count in received.values()), "sent twice"
    assert pending <= planned
    assert set(received) <= expected


FAR = 100_000


@pytest.mark.slow
def test_wherever_a_run_is_killed_the_next_ones_finish_it_and_send_nothing_twice_unseen(tmp_path: Path) -> None:
    points, point, tried = FAR, 0, 0
    while point <= points:
        directory = tmp_path / str(point)
        with serving_facility(directory) as facility:
            count = survive(facility, point or FAR, ["--cache-dir", str(directory / "cache")])
        if point == 0:
            points = count
            assert points > 20
        else:
            tried += 1
        point += 1
    print(f"{tried} points")


def survive(facility: LiveFacility, point: int, words: list[str]) -> int:
    """Kill a run at a point, run again, and once more for what nobody had a receipt of; return how many points."""
    path = facility.session(unregistered=2, not_uploaded=1, without_files=1)
    lacking = {dataset(path, *one) for one in (("unregistered",), ("unregistered", "0002"), ("uploaded",))}
    everything = lacking | {dataset(path, "files")}
    count = run_until(facility, point, words)
    check_all_known(facility, everything)
    before = Counter(frame.body for frame in facility.broker.sent)
    run_until(facility, FAR, words)  # what is pending is not offered: nothing is sent that had gone out
    check_all_known(facility, everything)
    assert all(Counter(frame.body for frame in facility.broker.sent)[body] == 1 for body in before), "sent twice"
    lost = {sending.dataset for sending in facility.pending}
    assert set(facility.ingester.locations) | lost == everything, "lost unseen"
    run_until(facility, FAR, words, answers="y\n" * 9, pending_timeout="0s")
    assert set(facility.ingester.locations) == everything, "lost"
    assert set(facility.ingester.locations.values()) == {1}, "sent twice"
    if facility.pending:  # it was killed before it could look, and the next run had no reason to
        assert run_program("journal", "--verify", env=environment(**facility.settings())).code == 0
    assert not facility.pending
    assert max(Counter(frame.body for frame in facility.broker.sent).values()) == 1
    return count
