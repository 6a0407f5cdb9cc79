"""Names with several addresses on loopback, some of which never answer."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest


@contextmanager
def black_hole(host: str, port: int) -> Iterator[None]:
    """Let `host` take no connection at this port, and refuse none: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket(listener.family))
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect((host, port))
        yield


def give_addresses(monkeypatch: pytest.MonkeyPatch, name: str, *addresses: str) -> None:
    """Let `name` have these addresses, in this order."""
    look_up = socket.getaddrinfo

    def addresses_of(host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
        if host != name:
            return look_up(host, port, *args, **options)
        return [found for each in addresses for found in look_up(each, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", addresses_of)
