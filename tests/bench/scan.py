"""Time a scan by ours and by the programs before us, in turn, on one machine and in one run.

    python -m tests.bench.scan [--rows cold,cached] [--runs 5] [--programs ours,pyicat-plus-0.5.0] [--trees DIR]

Every run is a process of its own in which the tree is /data. A peer's time is that of its call of `sync_raw`, without
its imports; ours begins after `import icat_tui` alone. The system's file cache is warm for all. The ratio is that of
the medians, theirs by ours. Ends with 1 if a goal was missed. Needs what `python -m tests.peers.install` installs.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

from tests.bench.memory import PeakMemory
from tests.fieldkit.facility import Options, make_tree, serving_kit
from tests.peers.install import interpreter
from tests.peers.namespace import refusal, with_data
from tests.peers.programs import PEER_SCRIPT, our_environment

OURS = "ours"
FS_SYNC = "icat-fs-sync-1.0.0"
LAST_OLD = "pyicat-plus-2.2.0"
FASTEST_OLD = "pyicat-plus-0.5.0"
PROGRAMS = (OURS, FS_SYNC, FASTEST_OLD, LAST_OLD)

USUAL = {"sessions": 60, "collections": 4, "datasets": 10, "scans": 20}
TREES: dict[str, Options] = {"usual": USUAL, "long": USUAL | {"scans": 200}, "settled": USUAL | {"clean": True}}
LATENCY = {"latency_ms": 20}


@dataclass(frozen=True)
class Row:
    """One line of the table for each program."""

    about: str
    tree: str
    goals: Mapping[str, float]
    """By peer: how many times as much as ours it should take; 0: only shown."""
    cached: bool = False
    """Whether a run before it has filled the cache."""
    figure: str = "seconds"
    """`seconds`, or one of those of `Megabytes`."""


ROWS = {
    "cold": Row("first run in s", "usual", {FASTEST_OLD: 8, FS_SYNC: 12}),
    "long": Row("first run in s, 200 scans a file", "long", {FASTEST_OLD: 40, FS_SYNC: 40}),
    "settled": Row("second run in s, all settled", "settled", {FASTEST_OLD: 8}, cached=True),
    "cached": Row("second run in s", "usual", {FASTEST_OLD: 2}, cached=True),
    "memory": Row("peak memory in MB, summed", "usual", {FS_SYNC: 1}, figure="summed"),
    "memory-once": Row("the same, shared pages once", "usual", {FS_SYNC: 0}, figure="shared_once"),
}


@dataclass
class Bench:
    """Where the trees are and where the runs may write."""

    trees: Path
    scratch: Path
    numbers: Iterator[int] = field(default_factory=count)

    def fresh(self) -> Path:
        """Return a new directory."""
        directory = self.scratch / str(next(self.numbers))
        directory.mkdir()
        return directory

    def tree(self, name: str) -> Path:
        """Return a tree with everything in it read once; it is made where it is not there yet."""
        tree = self.trees / name
        if not (tree / "truth.json").exists():
            say(f"Making the tree {name} in {tree}")
            tree.mkdir(parents=True, exist_ok=True)
            make_tree(tree, TREES[name], with_data(tree, self.fresh()), called="/data")
        for file in tree.rglob("*.h5"):
            file.read_bytes()
        return tree

    def measure(self, row: Row, programs: list[str], runs: int) -> dict[str, list[float]]:
        """Run the programs in turn; return the seconds or megabytes of each run by program."""
        tree = self.tree(row.tree)
        figures: dict[str, list[float]] = {program: [] for program in programs}
        with serving_kit(tree / "icat.json", LATENCY) as url:
            kept = {program: self.fresh() for program in programs}
            if row.cached:
                for program in programs:
                    self.run(program, tree, url, kept[program], row.figure)
            for number in range(runs):
                for program in programs:
                    place = kept[program] if row.cached else self.fresh()
                    figures[program].append(self.run(program, tree, url, place, row.figure))
                    say(f"{row.about}, run {number + 1}: {program} {figures[program][-1]:.3f}")
        return figures

    def run(self, program: str, tree: Path, url: str, place: Path, figure: str) -> float:
        """Run a program once, with its cache and overview in `place`; return its seconds or megabytes.

        Memory is watched in runs of its own: watching takes time.
        """
        result, log = place / "result.json", place / "log"
        command = [*with_data(tree, self.fresh()), *command_of(program, url, place, result)]
        environment = our_environment(place) | {"ICAT_TUI_FINGERPRINT_AGE": "0s"} if program == OURS else None
        with (
            log.open("wb") as output,
            subprocess.Popen(command, stdout=output, stderr=output, env=environment) as process,
        ):
            memory = PeakMemory(process) if figure != "seconds" else None
            process.wait()
            megabytes = memory.stop() if memory else None
        if process.returncode:
            raise SystemExit(f"{program} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        figures = json.loads(result.read_text()) | (asdict(megabytes) if megabytes else {})
        return float(figures[figure])


def command_of(program: str, url: str, place: Path, result: Path) -> list[str]:
    """Return the command that runs a program on /data/visitor and writes its time to `result`."""
    places = ["--icatplus", url, "--cache-dir", str(place / "cache"), "--save-dir", str(place / "overview")]
    if program == OURS:
        start = [sys.executable, "-m", "tests.bench.run_ours", str(result), "sync", "--no-print"]
        return [*start, "--data-root", "/data/visitor", *places]
    return [str(interpreter(program)), str(PEER_SCRIPT), *places, "--result", str(result)]


def say(text: str) -> None:
    """Tell how it goes."""
    print(text, file=sys.stderr, flush=True)


def report(row: Row, figures: Mapping[str, list[float]]) -> bool:
    """Print the lines of a row; return whether its goals were reached."""
    reached = True
    for program, values in figures.items():
        line = f"{row.about:32}{program:20}" + "".join(
            f"{value:10.3f}" for value in (min(values), statistics.median(values), max(values))
        )
        if OURS in figures and program != OURS:
            ratio = statistics.median(values) / statistics.median(figures[OURS])
            goal = row.goals.get(program, 0)
            reached = reached and ratio >= goal
            line += f"{ratio:9.1f} x" + (
                f"   goal {goal:g} x: {'reached' if ratio >= goal else 'MISSED'}" if goal else ""
            )
        print(line, flush=True)
    return reached


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", default=",".join(ROWS), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--programs", help=f"of {', '.join(PROGRAMS)}; without it ours, and those a row has a goal for")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--trees", type=Path, help="keep the trees here, and use those that are here")
    arguments = parser.parse_args()
    if reason := refusal():
        parser.error(reason)
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, load before: {load}; {arguments.runs} runs each"
    )
    print(f"{'':32}{'':20}{'min':>10}{'median':>10}{'max':>10}{'ratio':>11}")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(trees=(arguments.trees or Path(scratch, "trees")).absolute(), scratch=Path(scratch))
        reached = True
        for name in arguments.rows.split(","):
            row = ROWS[name]
            programs = arguments.programs.split(",") if arguments.programs else [OURS, *row.goals]
            reached = report(row, bench.measure(row, programs, arguments.runs)) and reached
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
