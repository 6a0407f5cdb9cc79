"""What the broker of the sandbox has taken, and what it answers on the wire."""

import socket

from icat_tui.domain.broker_address import BrokerAddress

TIMEOUT = 20


class Taken:
    """What a broker has taken, and where it is."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.address = BrokerAddress("", 1)

    def take(self, queue: str, body: bytes) -> None:
        self.messages.append((queue, body))

    def connect(self) -> socket.socket:
        return socket.create_connection((self.address.host, self.address.port), timeout=TIMEOUT)

    def say(self, *parts: bytes) -> bytes:
        """Send this, and return all that the broker answers until it hangs up."""
        with self.connect() as client:
            for part in parts:
                client.sendall(part)
            client.shutdown(socket.SHUT_WR)
            return everything(client)


def everything(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(4096), b""))
