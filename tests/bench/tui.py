"""Measure how the terminal UI answers, on a pseudo terminal of 80x24 that reads, beside a large cache.

    python -m tests.bench.tui [--place DIR] [--sessions 20000] [--datasets 1000000] [--parts start,rest,...]

The rows are those of the table "Numbers" of what the UI must be like. DIR keeps the cache and the directories of its
sessions for the next time. Everything is as somebody at a terminal has it: a key is written, bytes are read. The turns
of the event loop alone are measured from within, in a run of their own (`watched`). Ends with 1 if a goal was missed.
Other work on the machine counts against us: the load is printed.
"""

import argparse
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.memory import family, kilobytes
from tests.bench.prepared_cache import make_cache, make_tree, place
from tests.bench.terminal import QUIET, Terminal, opened, seconds_of
from tests.support.icatplus import HANG, FaultyIcatPlus, serving_icatplus

ROW = re.compile(rb"(?:hg|ma|ch|ev|blc)\d{4}")
LATENCY = 0.02
"""Seconds that ICAT+ takes for an answer."""
MOVES = 100
DOWN, UP, PAGE_DOWN, ESCAPE = b"j", b"k", b"\x1b[6~", b"\x1b"


@dataclass
class Figure:
    """A number that was measured, and what it should at most be."""

    what: str
    goal: float
    unit: str
    measured: float | None = None

    def line(self) -> str:
        """Return a line of the table."""
        said = "not measured" if self.measured is None else f"{self.measured:,.3g} {self.unit}"
        if self.measured is not None and self.measured >= 1000:
            said = f"{self.measured:,.0f} {self.unit}"
        return f"{self.what:<58} {self.goal:>7,g} {self.unit:<4} {said:>14}{'  missed' if self.missed else ''}"

    @property
    def missed(self) -> bool:
        """Whether it is more than it should be."""
        return self.measured is not None and self.measured > self.goal


FIGURES = {
    "first": Figure("first frame with rows", 1, "s"),
    "memory": Figure("memory of all processes, shared pages once, at rest", 200, "MB"),
    "memory-scan": Figure("the same, the most in all of this", 200, "MB"),
    "rest-50": Figure("key to first byte, at rest, p50", 20, "ms"),
    "rest-99": Figure("key to first byte, at rest, p99", 100, "ms"),
    "scan-50": Figure("key to first byte, during a scan, p50", 30, "ms"),
    "scan-99": Figure("key to first byte, during a scan, p99", 100, "ms"),
    "esc": Figure("esc to first byte, p99", 150, "ms"),
    "turn": Figure("longest turn of the event loop", 100, "ms"),
    "turn-work": Figure("the same, at work in it", 100, "ms"),
    "move": Figure("bytes for a cursor move, median", 600, "B"),
    "scroll": Figure("bytes for a scroll, most", 8_000, "B"),
    "detail": Figure("bytes for the detail, median", 3_500, "B"),
    "detail-most": Figure("bytes for the detail, most", 3_500, "B"),
    "bytes-rest": Figure("bytes at rest, in 10 s", 0, "B"),
    "bytes-scan": Figure("bytes while scanning, most in a second", 8_000, "B"),
    "open": Figure("open a session of 5,000 datasets", 100, "ms"),
    "filter": Figure("filter, first hits", 100, "ms"),
    "cancel": Figure("cancel acknowledged", 200, "ms"),
    "quit": Figure("quit during a scan, ICAT+ hanging", 1, "s"),
    "version": Figure("--version above bare Python", 80, "ms"),
    "help": Figure("--help above bare Python", 120, "ms"),
}


@dataclass
class Bench:
    """Where the cache is, and what has been measured."""

    directory: Path
    icatplus: FaultyIcatPlus
    figures: dict[str, Figure] = field(default_factory=lambda: FIGURES)
    largest: float = 0.0
    """Megabytes, at any time that was looked at."""

    def take(self, name: str, measured: float) -> None:
        """Keep a figure, the worst where it is measured again."""
        figure = self.figures[name]
        figure.measured = measured if figure.measured is None else max(figure.measured, measured)

    def memory(self, ui: Terminal) -> float:
        """Return how many megabytes the UI takes now, in all of its processes."""
        megabytes = sum(kilobytes(pid, "smaps_rollup", "Pss:") for pid in family(ui.process.pid)) / 1024
        self.largest = max(self.largest, megabytes)
        return megabytes

    @contextmanager
    def ui(self, *program: str) -> Iterator[Terminal]:
        """Open the UI on a cache of its own, which may be written to."""
        with tempfile.TemporaryDirectory(dir=self.directory) as own:
            shutil.copytree(self.directory / "cache", f"{own}/cache", copy_function=os.link)
            settings = {
                "data_root": str(self.directory / "data"),
                "cache_dir": f"{own}/cache",
                "icatplus": self.icatplus.url,
                "api_key": "key",
            }
            with opened(program or ("-m", "icat_tui"), settings, Path(own)) as terminal:
                yield terminal


# -- what is measured ------------------------------------------------------------------------------------------------


def start(bench: Bench) -> None:
    """Open it twice: the second time everything is warm."""
    for _ in range(2):
        with bench.ui() as ui:
            shown = ui.wait_for(ROW.search) - ui.began
            ui.settle()
            memory = bench.memory(ui)
    bench.take("first", shown)
    bench.take("memory", memory)


def rest(bench: Bench) -> None:
    """Press keys when nothing else is going on."""
    with bench.ui() as ui:
        ui.wait_for(ROW.search)
        ui.settle()
        bench.take("bytes-rest", len(ui.read_for(10)))
        moves = [ui.press(DOWN if number % 20 < 15 else UP) for number in range(MOVES)]
        times = [move.seconds * 1000 for move in moves]
        bench.take("rest-50", statistics.median(times))
        bench.take("rest-99", percentile(times))
        bench.take("move", statistics.median(move.size for move in moves))
        bench.take("scroll", max(ui.press(PAGE_DOWN).size for _ in range(20)))
        details(bench, ui)
        bench.take("esc", percentile([escape(ui) * 1000 for _ in range(20)]))


def details(bench: Bench, ui: Terminal) -> None:
    """Move and wait, again and again: the detail comes once the cursor has rested."""
    sizes = []
    for _ in range(10):
        ui.press(DOWN)
        sizes.append(len(ui.read_for(1)))
    bench.take("detail", statistics.median(sizes))
    bench.take("detail-most", max(sizes))


def escape(ui: Terminal) -> float:
    """Begin a filter and leave it; return how long that took to show."""
    ui.press(b"/")
    ui.read_for(0.3)
    seconds = ui.press(ESCAPE).seconds
    ui.read_for(0.3)
    return seconds


def open_and_filter(bench: Bench) -> None:
    """Open the largest session, look at its datasets, and filter all there is."""
    with bench.ui() as ui:
        ui.wait_for(ROW.search)
        ui.settle()
        go_to_largest(ui, bench.directory / "data")
        bench.take("open", ui.until(b"\r", rb"(LaB6|CeO2_standard)_\d\d") * 1000)
        ui.read_for(1)
        ui.press(DOWN)
        ui.press(b"\r")
        details(bench, ui)
        bench.memory(ui)
        for text in (b"MOUSE_BRAIN_03_02", b"BATTERY_CELL_B_04", b"FOSSIL_LEFT_HALF_06"):
            ui.press(b"/")
            ui.read_for(0.3)
            pasted = b"\x1b[200~" + text + b"\x1b[201~"
            bench.take("filter", ui.until(pasted, ROW.pattern) * 1000)
            ui.read_for(1)
            bench.memory(ui)
            ui.press(ESCAPE)
            ui.read_for(0.5)


def go_to_largest(ui: Terminal, root: Path) -> None:
    """Put the cursor on the session that is there to be opened."""
    directory = place(root, 0)
    ui.press(b"/")
    ui.type(f"{directory.proposal}\r".encode())
    ui.read_for(1)
    ui.type(b"g")
    ui.read_for(0.5)
    ui.type(ESCAPE)
    ui.read_for(0.5)
    for _ in range(12):
        ui.type(b"l")  # opens, or goes down
        ui.read_for(0.4)
        if b"5,000 datasets" in ui.read_for(0.4) or b"5,000 datasets" in ui.said[-6000:]:
            return
        ui.type(DOWN)
        if b"5,000 datasets" in ui.read_for(0.6):
            return
    raise SystemExit("the largest session was not found: is the cache that of `prepared_cache`?")


def during_a_scan(bench: Bench) -> None:
    """Scan all there is, move meanwhile, and stop it."""
    with bench.ui() as ui:
        scan_all(ui)
        bench.take("bytes-scan", max(len(ui.read_for(1)) for _ in range(6)))
        times = []
        for number in range(MOVES):
            ui.read_for(0.05)
            times.append(ui.press(DOWN if number % 20 < 15 else UP).seconds * 1000)
            if number % 10 == 0:
                bench.memory(ui)
        bench.take("scan-50", statistics.median(times))
        bench.take("scan-99", percentile(times))
        bench.take("cancel", ui.until(ESCAPE, rb"being stopped") * 1000)


def scan_all(ui: Terminal) -> None:
    """Have all sessions scanned."""
    ui.wait_for(ROW.search)
    ui.settle()
    ui.until(b"S", rb"without the cache")
    ui.read_for(0.5)
    ui.until(b"y", rb"scanning")
    ui.read_for(1)


def quit_while_hanging(bench: Bench) -> None:
    """Quit while ICAT+ does not answer."""
    bench.icatplus.fault = lambda _: HANG
    with bench.ui() as ui:
        scan_all(ui)
        if not bench.icatplus.hung.wait(30):
            raise SystemExit("nothing was asked of ICAT+")
        began = time.monotonic()
        ui.type(b"q")
        bench.take("quit", ui.ended() - began)
    bench.icatplus.fault = slowly


def turns(bench: Bench) -> None:
    """Do all of it once more, with somebody within who looks at the clock."""
    noted = bench.directory / "turns.txt"
    with bench.ui("-m", "tests.bench.watched", str(noted)) as ui:
        ui.wait_for(ROW.search)
        ui.settle()
        go_to_largest(ui, bench.directory / "data")
        for key in (b"\r", DOWN, b"\r", DOWN, b"G", b"g", b"t", b"t", b"b", b"b", b"?", ESCAPE):
            ui.type(key)
            ui.read_for(0.5)
        ui.press(b"/")
        ui.type(b"mouse_brain_03_02")
        ui.read_for(2)
        ui.press(ESCAPE)
        ui.read_for(0.5)
        ui.until(b"S", rb"without the cache")
        ui.read_for(0.5)
        ui.until(b"y", rb"scanning")
        for _ in range(MOVES // 2):
            ui.type(DOWN)
            ui.read_for(0.1)
        ui.until(ESCAPE, rb"being stopped")
        ui.type(b"q")
        ui.ended()
    noted_turns = [tuple(map(float, line.split())) for line in noted.read_text().splitlines()]
    bench.take("turn", max(took for took, _ in noted_turns))
    bench.take("turn-work", max(at_work for _, at_work in noted_turns))


def words(bench: Bench) -> None:
    """Run what needs no terminal."""
    asked = ("version", "help")
    bare, *ours = seconds_of(("-c", "pass"), *(("-m", "icat_tui", f"--{word}") for word in asked))
    for word, seconds in zip(asked, ours, strict=True):
        bench.take(word, (seconds - bare) * 1000)


PARTS: dict[str, Callable[[Bench], None]] = {
    "start": start,
    "rest": rest,
    "open": open_and_filter,
    "scan": during_a_scan,
    "quit": quit_while_hanging,
    "turns": turns,
    "words": words,
}


# -- the table -------------------------------------------------------------------------------------------------------


def percentile(values: list[float]) -> float:
    """Return the value below which 99 of 100 are."""
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def slowly(_: str) -> None:
    """Let ICAT+ take its time."""
    time.sleep(LATENCY)


def prepare(directory: Path, sessions: int, datasets: int) -> None:
    """Make the cache and the directories of its sessions where they are not there yet."""
    if not (directory / "cache").exists():
        make_tree(directory / "data", sessions)
        make_cache(directory / "cache", directory / "data", sessions, datasets)


def main() -> None:
    """Do what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--place", type=Path, metavar="DIR", default=Path(tempfile.gettempdir(), "icat-tui-bench"))
    parser.add_argument("--sessions", type=int, default=20_000)
    parser.add_argument("--datasets", type=int, default=1_000_000)
    parser.add_argument("--parts", default=",".join(PARTS), help="of %(default)s")
    asked = parser.parse_args()
    prepare(asked.place, asked.sessions, asked.datasets)
    with serving_icatplus() as icatplus:
        icatplus.fault = slowly
        bench = Bench(asked.place, icatplus)
        for part in asked.parts.split(","):
            load = os.getloadavg()[0]
            began = time.monotonic()
            try:
                PARTS[part](bench)
            except (TimeoutError, SystemExit) as error:
                print(f"{part}: {error}", file=sys.stderr)
            print(f"{part}: {time.monotonic() - began:.0f} s, load {load:.1f}", file=sys.stderr)
        if bench.largest:
            bench.take("memory-scan", bench.largest)
    print(f"{'what':<58} {'at most':>12} {'measured':>14}")
    print("\n".join(figure.line() for figure in bench.figures.values()))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; a burst ends with {QUIET * 1000:.0f} ms of silence")
    sys.exit(any(figure.missed for figure in bench.figures.values()))


if __name__ == "__main__":
    main()
