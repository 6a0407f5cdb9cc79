"""The server's side of a conversation with Beacon, as a test writes it."""

import socket
import struct
import threading
from collections.abc import Callable

Behaviour = Callable[["Conversation"], None]


Serve = Callable[[Behaviour], int]


class Conversation:
    """The server's side of one connection."""

    def __init__(self, connection: socket.socket, over: threading.Event) -> None:
        self.connection = connection
        self.over = over
        """Set when the test has ended."""

    def request(self) -> tuple[int, bytes, bytes]:
        kind, length = struct.unpack("<ii", self._exactly(8))
        key, _, path = self._exactly(length).partition(b"|")
        return kind, key, path

    def _exactly(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            packet = self.connection.recv(size - len(received))
            assert packet, "the client went away before its request was complete"
            received += packet
        return received
