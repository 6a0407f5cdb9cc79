"""Peak memory of a program and everything it starts, as the kernel counts it.

Two figures, for no single one is fair. `summed`: the peaks of all processes (`VmHWM` of /proc/<pid>/status) added up,
although they need not fall together, and pages that processes share count in each: never less than what was really
used. `shared_once`: the greatest sum of the proportional shares (`Pss` of smaps_rollup) at one moment: what a machine
must have.
"""

import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
INTERVAL = 0.01
"""Seconds between two looks: what a process takes in its last moments may be missed."""


@dataclass(frozen=True)
class Megabytes:
    """What a program took."""

    summed: float
    shared_once: float


class PeakMemory:
    """Watches a Python program, from the moment that it is one: what led up to it does not count."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Start watching."""
        self.peaks: dict[int, int] = {}
        self.shared_once = 0
        self.ended = threading.Event()
        self.watcher = threading.Thread(target=self._watch, args=(process.pid,))
        self.watcher.start()

    def stop(self) -> Megabytes:
        """Stop watching; return what it took."""
        self.ended.set()
        self.watcher.join()
        return Megabytes(sum(self.peaks.values()) / 1024, self.shared_once / 1024)

    def _watch(self, pid: int) -> None:
        while not self.ended.wait(INTERVAL):
            if not program(pid).startswith("python"):
                continue
            members = family(pid)
            self.shared_once = max(
                self.shared_once, sum(kilobytes(member, "smaps_rollup", "Pss:") for member in members)
            )
            for member in members:
                self.peaks[member] = max(self.peaks.get(member, 0), kilobytes(member, "status", "VmHWM:"))


def program(pid: int) -> str:
    """Return the name of the file that a process runs; empty once it has ended."""
    try:
        return (PROC / str(pid) / "exe").readlink().name
    except OSError:
        return ""


def family(pid: int) -> list[int]:
    """Return a process and all its descendants that are there now."""
    members = [pid]
    for member in members:
        for children in (PROC / str(member) / "task").glob("*/children"):
            try:
                members += map(int, children.read_text().split())
            except OSError:  # it has just ended
                continue
    return members


def kilobytes(pid: int, file: str, name: str) -> int:
    """Return a figure that the kernel keeps of a process; 0 once it has ended."""
    try:
        lines = (PROC / str(pid) / file).read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
