"""`icat-tui` that kills itself at the n-th point of its work: `python -m tests.support.killed_program N WORDS…`.

The points are before and after every write, sync, rename and send to a socket. With N of 0 none of them is the last.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any


class _Points:
    def __init__(self, last: int) -> None:
        self.last, self.passed = last, 0

    def here(self) -> None:
        self.passed += 1
        if self.passed == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*arguments: Any, **options: Any) -> Any:
            self.here()
            result = act(*arguments, **options)
            self.here()
            return result

        return acting


class _Socket(socket.socket):
    points: _Points

    def sendall(self, *arguments: Any) -> None:
        self.points.here()
        super().sendall(*arguments)
        self.points.here()

    def send(self, *arguments: Any) -> int:
        self.points.here()
        sent = super().send(*arguments)
        self.points.here()
        return sent


def main() -> int:
    """Run the program with the points in place."""
    points = _Socket.points = _Points(int(sys.argv[1]))
    for name in ("write", "fsync", "replace"):
        setattr(os, name, points.around(getattr(os, name)))
    socket.socket = _Socket  # type: ignore[misc]
    from icat_tui.cli.main import main as program  # noqa: PLC0415 - with all of it in place

    return program(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
