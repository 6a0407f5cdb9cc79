"""A sender that is killed at any point of its work, and one whose broker is: what the journal says is true.

The points are every write and sync of the journal, before, in the middle and after, and every frame, before and after.
"""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.facility import Facility
from icat_tui.ingest.broker import BrokerConnection
from icat_tui.ingest.sender import send
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.records import RecordKind
from icat_tui.journal.sendings import PENDING_STATES, MessageState
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import index_of, messages, own_journal, records_in
from tests.support.scripted_broker import ScriptedBroker, broker_at

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["stomp", "tests.ingest.test_kill"])
MESSAGES = 5
FAR = 10_000


class Points:
    """Counts the points of a sender's work, and kills it at one of them."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.passed = 0

    def reached(self) -> bool:
        self.passed += 1
        return self.passed == self.last

    def here(self) -> None:
        if self.reached():
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*arguments: Any) -> Any:
            self.here()
            result = act(*arguments)
            self.here()
            return result

        return acting

    def tearing(self, write: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
        def writing(descriptor: int, data: bytes) -> int:
            for length in (1, len(data) // 2, len(data) - 1):
                if self.reached():
                    write(descriptor, data[:length])
                    os.kill(os.getpid(), signal.SIGKILL)
            return write(descriptor, data)

        return writing


def send_until(point: int, path: Path, port: int, count: Any) -> None:
    """Plan and send, to be killed at a point; says how many points there were if it got through."""
    points = Points(point)
    os.write = points.around(points.tearing(os.write))
    os.fsync = points.around(os.fsync)
    BrokerConnection.send = points.around(BrokerConnection.send)  # type: ignore[method-assign] # this process ends here
    journal = Journal(own_journal(path))
    plan = messages(MESSAGES)
    journal.record_plans(plan)
    for _ in send(plan, broker_at(BrokerAddress("127.0.0.1", port), window=2), journal):
        pass
    count.value = points.passed


def killed_at(point: int, path: Path, fake: ScriptedBroker) -> int:
    count = FORKS.Value("i", 0)
    sender = FORKS.Process(target=send_until, args=(point, path, fake.port, count))
    sender.start()
    sender.join(30)
    assert sender.exitcode in (0, -signal.SIGKILL)
    return int(count.value)


def resume(path: Path, fake: ScriptedBroker) -> None:
    """Send what was planned and not sent, as `--resume` does, and nothing else."""
    reader = JournalReader(own_journal(path), Facility())
    plan = [reader.message(sending) for sending in index_of(own_journal(path)).planned()]
    for _ in send(plan, broker_at(fake.address), Journal(own_journal(path))):
        pass


def check(path: Path, fake: ScriptedBroker, confirmed: Counter[str]) -> None:
    """The journal says of everything that the broker got that it may have it, and of nothing else that it has."""
    fake.wait_for(lambda: fake.open == 0)
    found = index_of(own_journal(path))
    states = {sending.id: sending.state for sending in (*found.planned(), *found.pending())}
    for received in fake.ids:
        assert states.get(received) in PENDING_STATES, "sent, and the journal does not say so"
    for accepted in [one for one, state in states.items() if state is MessageState.ACCEPTED]:
        assert accepted in confirmed, "accepted in the journal, and the broker never said so"


@pytest.mark.slow
def test_wherever_a_sender_is_killed_nothing_is_lost_and_nothing_sent_twice(
    fake: ScriptedBroker, tmp_path: Path
) -> None:
    confirmed: Counter[str] = Counter()

    def accept(client: Any, frame: Any) -> None:
        confirmed[frame.headers["receipt"]] += 1
        client.receipt(frame)

    fake.script = accept
    points = killed_at(FAR, tmp_path / "whole", fake)
    assert points > 4 * MESSAGES
    reached: Counter[MessageState] = Counter()
    for point in range(1, points + 1):
        fake.frames.clear()
        confirmed.clear()
        path = tmp_path / f"{point}"
        killed_at(point, path, fake)
        check(path, fake, confirmed)
        planned = {record.id for record in records_in(own_journal(path)) if record.record is RecordKind.PLAN}
        assert len(planned) == MESSAGES or not fake.ids, "sent before the plan was whole"
        reached.update(
            sending.state
            for sending in (*index_of(own_journal(path)).planned(), *index_of(own_journal(path)).pending())
        )
        resume(path, fake)
        check(path, fake, confirmed)
        assert len(set(fake.ids)) == len(fake.ids), "sent twice"
        assert not list(index_of(own_journal(path)).planned()), "resumed, and still planned"
        assert {sending.id for sending in index_of(own_journal(path)).pending()} == planned, "lost"
    assert {MessageState.PLANNED, MessageState.INTENDED, MessageState.ACCEPTED} <= set(reached)
