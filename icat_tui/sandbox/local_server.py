"""Server on 127.0.0.1 with a thread for each connection: the base of the fake ICAT+ and the fake broker.

What must stay true: when the context ends, no thread, no connection and no port is left.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Any


@contextmanager
def serving(handler: type[BaseRequestHandler], port: int, name: str) -> Iterator[int]:
    """Serve on 127.0.0.1 while the context lasts; yield the port. Port 0 is any free one.

    A handler that waits to receive gets an end of file when the context ends. Raises OSError where the port is taken.
    """
    with _Server(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name=name, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()


class _Server(ThreadingTCPServer):
    """TCP server whose closing waits for the threads of all connections.

    It is no HTTPServer, which would ask DNS for its own name.
    """

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseRequestHandler]) -> None:
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        with self._lock:
            self._connections.add(connection)
        return connection, client

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Shut down the connections that clients keep open: their threads would wait for the next request."""
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error of the server; ignore that a client closed its connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
