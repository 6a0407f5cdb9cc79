"""Run `icat-tui` in this process, and note how long each turn of its event loop took.

    python -m tests.bench.watched FILE [what follows `icat-tui`]

FILE gets a line for each turn above a millisecond, and after it: the milliseconds it took, and those that its thread
was at work in it. The two differ by what the machine was doing else, and by threads that held the interpreter.
"""

import asyncio
import sys
import time

from icat_tui.cli.main import main

WORTH_NOTING = 0.001
TURNS: list[tuple[float, float]] = []
"""Seconds by the clock, and at work."""

_run = asyncio.Handle._run


def _timed(handle: asyncio.Handle) -> None:
    began, at_work = time.perf_counter(), time.thread_time()
    _run(handle)
    took = time.perf_counter() - began
    if took > WORTH_NOTING:
        TURNS.append((took, time.thread_time() - at_work))


if __name__ == "__main__":
    asyncio.Handle._run = _timed  # type: ignore[assignment, method-assign]  # there is no public way to be told of each turn
    try:
        code = main(sys.argv[2:])
    finally:
        with open(sys.argv[1], "w", encoding="ascii") as file:
            file.writelines(f"{took * 1000:.1f} {at_work * 1000:.1f}\n" for took, at_work in TURNS)
    sys.exit(code)
