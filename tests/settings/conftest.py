"""A site's and a user's settings file to write into."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.beacon import Behaviour, Conversation, Serve
from tests.support.settings_files import SettingsFiles


@pytest.fixture
def settings_files(tmp_path: Path) -> SettingsFiles:
    return SettingsFiles(tmp_path / "site.toml", tmp_path / "user.toml")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that takes one connection after the other; returns its port."""
    over = threading.Event()
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(behaviour: Behaviour) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return  # closed: the test is over
                # A client that has had enough goes away, which is its right.
                with connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    behaviour(Conversation(connection, over))

        thread = threading.Thread(target=accept)
        thread.start()
        threads.append(thread)
        return int(listener.getsockname()[1])

    yield start
    over.set()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept, which close does not
        listener.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
