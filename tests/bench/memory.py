"""Peak memory of a program and everything it starts, as the kernel counts it.

Each process has its own peak (`VmHWM` of /proc/<pid>/status). They are added up although they need not fall together,
and pages that processes share count in each: the sum is never less than what was really used.
"""

import subprocess
import threading
from pathlib import Path

PROC = Path("/proc")
INTERVAL = 0.01
"""Seconds between two looks: what a process takes in its last moments may be missed."""


class PeakMemory:
    """Watches a process until it has ended; `megabytes` is then the sum of all peaks."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Start watching."""
        self.peaks: dict[int, int] = {}
        self.ended = threading.Event()
        self.watcher = threading.Thread(target=self._watch, args=(process.pid,))
        self.watcher.start()

    def stop(self) -> float:
        """Stop watching; return the megabytes."""
        self.ended.set()
        self.watcher.join()
        return sum(self.peaks.values()) / 1024

    def _watch(self, pid: int) -> None:
        while not self.ended.wait(INTERVAL):
            for process in family(pid):
                self.peaks[process] = max(self.peaks.get(process, 0), peak(process))


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


def peak(pid: int) -> int:
    """Return the peak memory of a process in kB; 0 once it has ended."""
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
