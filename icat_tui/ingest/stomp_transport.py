"""Connection of stomp.py whose socket is ours: made in time, read in whole frames, and at its end when the broker's is.

The only module of this package that imports stomp.py, and itself imported with the first connection only. What stomp.py
9 does otherwise: the first address of a name gets all the time there is; behind TLS it takes the end of the connection
for a pause, and reads on at full speed until no heart-beat came for long; `stomp_frames` has what it does to frames.
"""

import logging
import os
import selectors
import socket
import ssl
import time
from contextlib import suppress
from typing import Any

from icat_tui import tcp
from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.ingest.stomp_frames import FrameReader

# stomp.py looks up this host's names when it is imported, which can take seconds.
os.environ.setdefault("STOMP_SKIP_HOSTNAME_SCAN", "1")

from stomp.connect import StompConnection11
from stomp.exception import NotConnectedException, StompException
from stomp.transport import Transport
from stomp.utils import PollableQueue

__all__ = ["NotConnectedException", "StompConnection", "StompException"]

RECEIVE_SIZE = 1 << 16

# Its log goes nowhere: its errors reach us in other ways, and its debug lines hold the passcode.
_log = logging.getLogger("stomp.py")
_log.setLevel(logging.WARNING)
_log.propagate = False
_log.addHandler(logging.NullHandler())


class StompConnection(StompConnection11):  # type: ignore[misc] # stomp.py has no types
    """Connection to one broker by STOMP 1.1, without retries."""

    def __init__(self, address: BrokerAddress, timeout: float, heart_beats: tuple[int, int]) -> None:
        """Prepare a connection that has `timeout` seconds for name, TCP and TLS together."""
        # With a length ActiveMQ makes it a BytesMessage, which ICAT never got (icat.md, "Bytes on the wire").
        super().__init__(heartbeats=heart_beats, auto_content_length=False)
        self.transport = _BrokerTransport(address, timeout)
        self.transport.set_listener("protocol-listener", self)


class _BrokerTransport(Transport):  # type: ignore[misc] # stomp.py has no types
    """Socket of a connection, and the thread that receives."""

    def __init__(self, address: BrokerAddress, timeout: float) -> None:
        super().__init__([(address.host, address.port)], vhost=address.host)
        self._address = address
        self._timeout = timeout
        self._frames = FrameReader()

    def attempt_connection(self) -> None:
        """Connect; raise OSError."""
        deadline = time.monotonic() + self._timeout
        address = self._address
        connected = tcp.connect(address.host, address.port, deadline)
        try:
            self.socket = _with_tls(connected, address.host, deadline) if address.tls else connected
        except BaseException:
            connected.close()
            raise
        if address.tls:  # stomp.py reads and writes it in one thread: TLS stands no two
            self.send_queue = PollableQueue()
            self.sel = selectors.DefaultSelector()
            self.sel.register(self.send_queue, selectors.EVENT_READ)
            self.sel.register(self.socket, selectors.EVENT_READ)
            self.blocking = False
        self.current_host_and_port = (address.host, address.port)

    def receive(self) -> bytes:
        """Return whole frames, or a line feed for heart-beats; nothing at the end, after which nothing more is read.

        Raises ssl.SSLWantReadError where nothing came behind TLS.
        """
        try:
            while data := self.socket.recv(RECEIVE_SIZE):
                if frames := self._frames.feed(data):
                    return b"".join(frames)
                if self._frames.between:
                    return b"\n"
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except (OSError, ValueError, AttributeError):  # broken, a faulty frame, or closed by another thread
            pass
        self._end()
        return b""

    def _end(self) -> None:
        """Let the thread that receives end; it may wait in `select` yet, which sees a socket that is shut down."""
        self.running = False
        with suppress(OSError, AttributeError):
            self.socket.shutdown(socket.SHUT_RDWR)


def _with_tls(connected: socket.socket, host: str, deadline: float) -> ssl.SSLSocket:
    """Return the connection with TLS, not blocking. Raises OSError."""
    context: Any = ssl.create_default_context()
    connected.setblocking(False)
    wrapped: ssl.SSLSocket = context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
    try:
        with selectors.DefaultSelector() as selector:
            key = selector.register(wrapped, selectors.EVENT_READ)
            while True:
                try:
                    wrapped.do_handshake()
                except ssl.SSLWantReadError:
                    selector.modify(key.fileobj, selectors.EVENT_READ)
                except ssl.SSLWantWriteError:
                    selector.modify(key.fileobj, selectors.EVENT_WRITE)
                else:
                    return wrapped
                selector.select(tcp.seconds_left(deadline))
    except BaseException:
        wrapped.close()
        raise
