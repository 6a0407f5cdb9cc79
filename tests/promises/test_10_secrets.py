"""Promise 10, for what scans and keeps: the key to ICAT+ is in no event and in no file, whatever failed."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from icat_tui.domain.scan_events import SessionFailed
from icat_tui.sync import scan as module
from tests.support.scanning import sessions_of
from tests.support.small_facility import SECRET, SmallFacility, asked, events_with
from tests.support.time_slot import FACILITY

QUICK = Limits(connect=0.2, read=0.2, answer=0.3, retries=1, backoff=0.001, failures=3)


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """Answer every request with the same bytes, and close; None: never answer."""
    listening, held = socket.create_server(("127.0.0.1", 0)), threading.Event()
    listening.settimeout(10)

    def serve() -> None:
        connections = []
        while not held.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                break
            connections.append(connection)
            if answer is not None:
                connection.recv(65536)
                connection.sendall(answer)
                connection.close()
        for connection in connections:
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        held.set()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        listening.close()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 500 no\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 401 no\r\nContent-Length: 41\r\n\r\nthe key " + SECRET.encode() + b" no",
        b"HTTP/1.1 302 no\r\nContent-Length: 0\r\nLocation: http://other/" + SECRET.encode() + b"\r\n\r\n",
        b"HTTP/1.1 200 ok\r\nContent-Length: 99\r\n\r\n[{",
        b"HTTP/1.1 200 ok\r\nContent-Length: 4\r\n\r\nnull",
    ],
)
def test_no_failure_of_icat_tells_the_key(small_facility: SmallFacility, tmp_path: Path, answer: bytes | None) -> None:
    cache = tmp_path / "cache"
    with server(answer) as url, IcatPlus(url, SECRET, zone=FACILITY.zone, limits=QUICK) as client:
        events = events_with(small_facility, client, cache=cache)
    reasons = {reason for session in sessions_of(events).values() for reason in session.reasons}
    assert reasons
    assert SECRET not in repr(events)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_no_mistake_of_ours_tells_the_key(
    small_facility: SmallFacility, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def compare(*_: object) -> None:
        raise ZeroDivisionError

    caplog.set_level(0)
    with asked(small_facility) as client:
        events_with(small_facility, client, cache=tmp_path / "cache")
        monkeypatch.setattr(module, "compare", compare)
        events = events_with(small_facility, client, use_cache=False)
    assert any(isinstance(event, SessionFailed) and event.details for event in events)
    assert SECRET not in repr(events)
    assert SECRET not in caplog.text
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(files) == 7
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
