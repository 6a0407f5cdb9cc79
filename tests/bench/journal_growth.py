"""Time the installed program beside a journal that has grown, and beside one that is empty, in turn and in one run.

    python -m tests.bench.journal_growth [--records 1000000] [--proposals 5000] [--runs 5]

The journal has as many records in each proposal: of each dataset a plan with its body, an intent, an outcome and a
sight, but for the last of each proposal, which is pending. One session of these proposals is checked; then all that is
pending is listed, after a first run that is not counted, so that the files are in the system's cache. Prints the
medians, and ends with 1 if a goal was missed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from icat_tui.domain.message import Action, Message
from icat_tui.ingest.dataset_xml import Identity, Origin, dataset_body
from icat_tui.journal.directory import SHARDS, JournalDirectory, mark_of
from icat_tui.journal.records import RecordKind, SendOutcome, line
from icat_tui.journal.shard import shard_of_proposal
from icat_tui.journal.writer import Journal
from tests.support.beamtime import Beamtime, serving_beamtime
from tests.support.journal_entries import shared_journal

CHECK_GOAL = 0.030
"""Seconds more than beside an empty journal."""
MEMORY_GOAL = 5.0
"""Megabytes more."""
PENDING_GOAL = 3.0
"""Seconds."""
RECORDS_OF_ONE = 4
EXAMPLE = b"/data/visitor/hg333"
BODY = dataset_body(
    Identity(beamline="id99", proposal="hg333", dataset="0001", path=EXAMPLE.decode()),
    {"Sample_name": "sA"},
    Origin(machine="lid99ctrl1", software="icat-tui", now=datetime.now(UTC)),
).content


def records(journal: Journal, proposal: str, count: int) -> Iterator[dict[str, object]]:
    """Yield the records of a proposal, as the program writes them."""
    datasets = max(1, count // RECORDS_OF_ONE)
    for number in range(datasets):
        path = f"/data/visitor/{proposal}/id99/20231012/RAW_DATA/colA/colA_{number:04d}"
        body = BODY.replace(EXAMPLE, path.encode())
        message = Message(action=Action.REGISTER, destination="icatIngest", body=body, dataset=path)
        yield journal._record(RecordKind.PLAN, message, body=body.decode())
        yield journal._record(RecordKind.INTENT, message)
        yield journal._record(RecordKind.OUTCOME, message, outcome=SendOutcome.ACCEPTED.value)
        if number < datasets - 1:
            yield journal._record(RecordKind.SEEN, message, icat_id=number)


def fill(directory: JournalDirectory, proposals: int, count: int) -> None:
    """Write a journal as it would be after years."""
    mark = mark_of(directory)
    assert mark
    journal = Journal(directory)
    with (directory.path / SHARDS).open("ab") as names:
        for number in range(proposals):
            proposal = f"hg{number}"
            shard = shard_of_proposal(proposal)
            names.write(line({"record": "name", "schema": 1, "shard": shard}))
            with directory.shard(shard).open("wb") as file:
                file.write(line({"record": "shard", "schema": 1, "journal": mark.id, "shard": shard}))
                file.writelines(map(line, records(journal, proposal, count // proposals)))


def run(beamtime: Beamtime, state: Path, *words: str) -> tuple[float, float]:
    """Run the program; return its seconds, and the megabytes at its peak."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [Path(sys.executable).with_name("icat-tui"), *words],
        env=os.environ | beamtime.environment | {"ICAT_TUI_STATE_DIR": str(state)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    words_of_error = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if (code := os.waitstatus_to_exitcode(status)) not in (0, 1):
        raise SystemExit(f"{words} ended with {code}: {words_of_error}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def medians(beamtime: Beamtime, states: list[Path], words: list[str], runs: int) -> list[tuple[float, float]]:
    """Run the program beside each journal, in turn; return the medians of seconds and megabytes of each."""
    taken: list[list[tuple[float, float]]] = [[] for _ in states]
    for turn in range(runs + 1):
        for place, state in enumerate(states):
            figures = run(beamtime, state, *words)
            if turn:
                taken[place].append(figures)
    return [(statistics.median(s for s, _ in each), statistics.median(m for _, m in each)) for each in taken]


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description="Time the program beside a journal that has grown")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--proposals", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serving_beamtime(Path(name) / "beamtime") as beamtime:
        beamtime.dataset()
        empty, grown = shared_journal(Path(name) / "empty"), shared_journal(Path(name) / "grown")
        fill(grown, options.proposals, options.records)
        size = sum(path.stat().st_size for path in grown.records.iterdir())
        print(f"{options.records} records in {options.proposals} proposals: {size / 1e6:.0f} MB")
        states = [empty.path, grown.path]
        (less, small), (more, large) = medians(beamtime, states, ["check", str(beamtime.session)], options.runs)
        print(f"check beside an empty journal: {less * 1000:.0f} ms, {small:.1f} MB")
        print(f"beside the other: {more * 1000:.0f} ms, {large:.1f} MB")
        goals = f"(goals: {CHECK_GOAL * 1000:.0f} ms, {MEMORY_GOAL:.0f} MB)"
        print(f"more: {(more - less) * 1000:.0f} ms, {large - small:.1f} MB {goals}")
        ((pending, _),) = medians(beamtime, [grown.path], ["journal", "--pending"], options.runs)
        print(f"journal --pending: {pending:.2f} s (goal: {PENDING_GOAL})")
    return int(more - less > CHECK_GOAL or large - small > MEMORY_GOAL or pending > PENDING_GOAL)


if __name__ == "__main__":
    sys.exit(main())
