"""A server that keeps its clients waiting."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n["
KINDS = ("silent", "trickling", "deaf")
"""Never answers; answers a byte at a time; does not even accept."""


@contextmanager
def serving_slowly(kind: str) -> Iterator[tuple[str, threading.Event]]:
    """Serve in one of KINDS; give the URL and what is set once it is asked."""
    listening, end, reached = socket.create_server(("127.0.0.1", 0), backlog=0), threading.Event(), threading.Event()
    listening.settimeout(0.02)
    connections: list[socket.socket] = []

    def serve() -> None:
        while not end.wait(0.01):
            if kind == "deaf":
                reached.set()
                continue
            with suppress(OSError):  # no client has come, or the one that came has gone
                connections.append(listening.accept()[0])
                reached.set()
                connections[-1].sendall(b"" if kind == "silent" else HEAD)
            for connection in connections if kind == "trickling" else ():
                with suppress(OSError):
                    connection.send(b" ")

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", reached
    end.set()
    thread.join()
    for each in (*connections, listening):
        each.close()
