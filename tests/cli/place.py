"""A small place for the command line: a tree without HDF5 files, an ICAT+ that can be told to fail, and programs run.

What must stay true: whatever ICAT+ was told to do, hang for ever among it, it is gone when the test ends.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from icat_tui.sandbox.fake_icatplus import CatalogueEntry, CatalogueState, answer

KEY = "elogbook-0000secret-of-the-tests"
START = datetime(2023, 10, 19, 8, tzinfo=UTC)
HANG = "hang"
"""A fault: no answer, ever."""
PATIENCE = 30.0
"""Seconds that a test waits for what must happen at once: the machine may be busy."""

Fault = Callable[[str], tuple[int, str] | str | None]
"""From the target of a request to a status and a body, to HANG, or to None: as it should be."""


class IcatPlus(ThreadingHTTPServer):
    """Answers from a state, with any key or with one only, unless it is told to fail."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, state: CatalogueState) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.fault: Fault = lambda _: None
        self.asked: list[str] = []
        self.hung = threading.Event()
        """Set once a request hangs."""
        self.closing = threading.Event()

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)  # HTTPServer would ask DNS for its own name
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: IcatPlus

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        fault = self.server.fault(self.path)
        if fault == HANG:
            self.server.hung.set()
            self.server.closing.wait()
            self.close_connection = True
            return
        if isinstance(fault, tuple):
            status, text = fault
        else:
            reply = answer(self.server.state, self.path.split("/")[2], self.path)
            status, text = reply.status, json.dumps(reply.body)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[IcatPlus]:
    with IcatPlus(CatalogueState()) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()


@dataclass
class Ran:
    """A program that has ended."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        """The record that comes last, and only there."""
        *before, last = self.records
        assert last["type"] == "summary"
        assert last["exit_code"] == (self.code if self.code >= 0 else 128 - self.code)
        assert "summary" not in {record["type"] for record in before}
        return last

    @property
    def errors(self) -> list[str]:
        return [record["message"] for record in self.records if record["type"] == "error"]


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment, which is clean, with settings."""
    return os.environ | {f"ICAT_TUI_{key.upper()}": value for key, value in settings.items()}


def run_program(*words: str, env: Mapping[str, str] | None = None, **options: Any) -> Ran:
    """Run `icat-tui` as a program, far from any terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "icat_tui", *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **options,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass
class Place:
    """A tree, and what ICAT has of it."""

    directory: Path
    icatplus: IcatPlus
    investigations: int = 0

    @property
    def root(self) -> Path:
        return self.directory / "visitor"

    def session(
        self,
        name: str = "hg333/id10/20231019",
        *,
        registered: int = 2,
        empty: int = 0,
        invalid: int = 0,
        known: bool = True,
    ) -> Path:
        """Make a session long over: datasets registered, registered without files, and invalid ones, in this order."""
        proposal, beamline, date = name.split("/")
        path = self.root / name
        raw = path / "RAW_DATA"
        raw.mkdir(parents=True)
        start = datetime.strptime(date, "%Y%m%d").replace(hour=8, tzinfo=UTC)
        if known:
            self.investigations += 1
            end = start + timedelta(days=3)
            self.icatplus.state.add_investigation(self.investigations, proposal, beamline, start, end)
        for number in range(registered + empty + invalid):
            dataset = raw / "colA" / f"colA_{number:04}"
            dataset.mkdir(parents=True)
            has_data = number < registered + empty
            if has_data:
                (dataset / "data.txt").write_text("1")
            os.utime(dataset, (start.timestamp(), start.timestamp()))  # what changed just now may be in progress
            if known and has_data:
                count = 1 if number < registered else 0
                entry = CatalogueEntry(f"{number:04}", str(dataset), start, start, "sA", count)
                self.icatplus.state.add_dataset(self.investigations, entry)
        return path

    def settings(self, **more: str) -> dict[str, str]:
        """Return the settings to work here, for the environment; `queue` so that nobody asks Beacon for one."""
        return {"data_root": str(self.root), "icatplus": self.icatplus.url, "api_key": KEY, "jobs": "2"} | more

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Return every file below the place with its time and content: equal where nothing was written."""
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(self.directory.rglob("*"))
            if path.is_file()
        }
