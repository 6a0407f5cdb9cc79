"""Time sending through a real ActiveMQ against bare stomp.py, in turn, on one machine and in one run.

    python -m tests.bench.send [--messages 1000] [--runs 5]

Bare is what nobody can do without: every message with a receipt, 16 under way, and two syncs a message of a journal in
which nothing is written. Ours is a plan and its sending, without a rate. Both keep their connection times out of the
messages' time as little as the other: they are in it. The ratio is that of the medians, ours by bare. Ends with 1 if
the goal was missed.
"""

import argparse
import importlib
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.message import Action, Message
from icat_tui.ingest.broker import WINDOW, Broker
from icat_tui.ingest.dataset_xml import Identity, Origin, dataset_body
from icat_tui.ingest.send_events import SendingFinished
from icat_tui.ingest.sender import send
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.writer import Journal
from tests.support.activemq import ActiveMQ
from tests.support.ports import free_port

GOAL = 1.5


def messages(count: int) -> list[Message]:
    """Return registrations as they are sent."""
    origin = Origin(machine="lid99ctrl1", software="icat-tui", now=datetime.now(UTC))
    plan = []
    for number in range(count):
        path = f"/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_{number:04d}"
        identity = Identity(beamline="id99", proposal="hg333", dataset=f"{number:04d}", path=path)
        body = dataset_body(identity, {"Sample_name": "sA"}, origin).content
        plan.append(Message(action=Action.REGISTER, destination="bench", body=body, dataset=path))
    return plan


def ours(plan: list[Message], address: BrokerAddress, directory: Path) -> None:
    """Plan and send."""
    journal = Journal(JournalDirectory(directory / f"{time.monotonic_ns()}", own=True))
    journal.record_plans(plan)
    end = list(send(plan, Broker(addresses=(address,), rate=0), journal))[-1]
    if not isinstance(end, SendingFinished) or end.accepted != len(plan):
        raise SystemExit(f"not everything was accepted: {end}")


class Receipts:
    """Counts them, and lets so many messages be under way."""

    def __init__(self) -> None:
        """Start with none under way."""
        self.room = threading.Semaphore(WINDOW)

    def on_receipt(self, _frame: Any) -> None:
        """Make room for the next."""
        self.room.release()

    def on_send(self, _frame: Any) -> None:
        """Do nothing."""


def bare(plan: list[Message], address: BrokerAddress, directory: Path) -> None:
    """Send with stomp.py alone, and sync an empty journal twice a message."""
    stomp = importlib.import_module("stomp")
    receipts = Receipts()
    connection = stomp.StompConnection11([(address.host, address.port)], auto_content_length=False)
    connection.set_listener("", receipts)
    connection.connect(wait=True)
    for one in plan:
        receipts.room.acquire()
        connection.send(f"/queue/{one.destination}", one.body, persistent="true", receipt=one.id)
    for _ in range(WINDOW):
        receipts.room.acquire()
    connection.disconnect(receipt="bye")
    with (directory / f"{time.monotonic_ns()}.empty").open("ab") as journal:
        for _ in range(2 * len(plan)):
            os.fsync(journal.fileno())


def timed(act: Callable[[], None]) -> float:
    """Return the seconds that it takes."""
    before = time.perf_counter()
    act()
    return time.perf_counter() - before


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description="Time sending against bare stomp.py")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    os.environ["STOMP_SKIP_HOSTNAME_SCAN"] = "1"
    seconds: dict[str, list[float]] = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        broker = ActiveMQ(directory / "activemq", free_port())
        broker.script("start")
        try:
            for turn in range(options.runs + 1):  # the first warms up the broker
                for program, act in (("bare", bare), ("ours", ours)):
                    plan = messages(options.messages)
                    taken = timed(lambda act=act, plan=plan: act(plan, broker.address, directory))  # type: ignore[misc]
                    if turn:
                        seconds[program].append(taken)
        finally:
            broker.script("stop")
    medians = {program: statistics.median(taken) for program, taken in seconds.items()}
    for program, median in medians.items():
        print(f"{program}: {median:.2f} s  ({', '.join(f'{one:.2f}' for one in seconds[program])})")
    ratio = medians["ours"] / medians["bare"]
    print(f"ratio: {ratio:.2f} (goal: at most {GOAL})")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
