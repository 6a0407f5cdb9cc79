"""An HTTP server on loopback that answers with the bytes a test asks for; it knows nothing of ICAT+.

What must stay true: whatever it was told to do, hang for ever among it, it is gone when the test ends.
"""

import json
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

CERTIFICATE = Path(__file__).parent / "localhost.pem"
"""Of 127.0.0.1, signed by itself."""


PATIENCE = 10.0
"""Seconds that a test waits for what must happen at once."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: "Server"

    def do_GET(self) -> None:
        with self.server.counted(self.path):
            reply = self.server.next_reply()
            reply(self)
        self.wfile.flush()

    def do_CONNECT(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()

    def break_off(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


Reply = Callable[[Handler], None]


class Server(ThreadingHTTPServer):
    """Gives the replies of `script` in turn, the last of them for ever after; and counts."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, tls: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self.tls:
            self.tls.load_cert_chain(CERTIFICATE)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server_address[1]}"
        self.script: list[Reply] = [listing([])]
        self.paths: list[str] = []
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.ended = threading.Event()
        self.changed = threading.Condition()
        self._open: set[socket.socket] = set()

    def counted(self, path: str) -> "Server":
        with self.changed:
            self.paths.append(path)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self.changed.notify_all()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.changed:
            self.in_flight -= 1
            self.changed.notify_all()

    def next_reply(self) -> Reply:
        with self.changed:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the server has seen something; what it counts tells its waiters."""
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE)

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def get_request(self) -> Any:
        request, address = super().get_request()
        if self.tls:  # shakes hands when the handler reads, in the handler's thread
            request = self.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        return request, address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.changed:
            self.connections += 1
            self._open.add(request)
            self.changed.notify_all()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.changed:
            self._open.discard(request)
            self.changed.notify_all()
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what the tests are about."""

    def stop(self) -> None:
        self.ended.set()
        self.shutdown()
        with self.changed:
            left = list(self._open)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.server_close()


def text(status: int, body: str | bytes, headers: dict[str, str] | None = None) -> Reply:
    """Answer with this status and body."""
    content = body.encode() if isinstance(body, str) else body

    def reply(handler: Handler) -> None:
        handler.start(status, {"Content-Length": str(len(content)), **(headers or {})})
        handler.wfile.write(content)

    return reply


def listing(elements: object, **headers: str) -> Reply:
    """Answer with a list, as ICAT+ should."""
    return text(200, json.dumps(elements), headers)


def redirect(location: str, status: int = 302) -> Reply:
    return text(status, "", {"Location": location})


def hang(handler: Handler) -> None:
    """Accept the question, and never say a word."""
    handler.server.ended.wait()


def hang_up(handler: Handler) -> None:
    """Close without a word."""
    handler.break_off()


def cut(handler: Handler) -> None:
    """Close in the middle of an answer."""
    handler.start(200, {"Content-Length": "1000"})
    handler.wfile.write(b'[{"id": 1')
    handler.break_off()


def garbage(handler: Handler) -> None:
    """Answer in another protocol."""
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    handler.break_off()


def trickle(handler: Handler) -> None:
    """Send a body that never ends, a byte at a time."""
    handler.start(200, {"Content-Length": "1000000"})
    _drip(handler, b" ")


def trickle_headers(handler: Handler) -> None:
    """Send headers that never end, a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    _drip(handler, b"x")


def trickle_until_closed(handler: Handler) -> None:
    """Send an empty list that ends where the connection does, which it does not."""
    handler.start(200, {"Connection": "close"})
    handler.wfile.write(b"[]")
    _drip(handler, b" ")


def _drip(handler: Handler, drop: bytes) -> None:
    while not handler.server.ended.wait(0.01):
        handler.wfile.write(drop)
        handler.wfile.flush()


def lingering(then: Reply, seconds: float = 0.02) -> Reply:
    """Take some time, so that others come meanwhile."""

    def reply(handler: Handler) -> None:
        handler.server.ended.wait(seconds)
        then(handler)

    return reply
