"""A facility for a test: a raw data tree, what ICAT has of it, and the truth about both, behind a running ICAT+.

The scripts are run, never imported. What must stay true: no tree lies below a directory named `data`, unless it is one
that is called `data` itself: what stands before the first `data` is taken for a mount point (icat.md, "Mount points").
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port

KIT = Path(__file__).parent
TREE_MAKER = KIT / "maketree.py"
CATALOGUE = KIT / "icatplus.py"
SMALL = {"sessions": 8, "collections": 2, "datasets": 6, "scans": 4}
PORT_ATTEMPTS = 5

Options = Mapping[str, object]
"""Options of a script: `{"latency_ms": 20, "clean": True}` stands for `--latency-ms 20 --clean`."""


@dataclass(frozen=True)
class TrueSession:
    """What a session is by the rules."""

    category: str
    datasets: dict[str, str]
    """Status by path; empty where ICAT has no investigation: then nobody looks."""


@dataclass(frozen=True)
class Facility:
    """A tree and the ICAT+ that serves it."""

    root: Path
    """Holds `visitor`, `icat.json` and `truth.json`."""
    url: str

    @property
    def data_root(self) -> Path:
        """The directory of the proposals."""
        return self.root / "visitor"

    @property
    def truth(self) -> dict[str, TrueSession]:
        """Sessions by path."""
        return read_truth(self.root, str(self.root))

    @property
    def stats(self) -> dict[str, int]:
        """How hard ICAT+ was hit: `requests`, `most_in_flight`, `ingested`, `files_added`, `dead_letters`."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=10) as answer:
            return dict(json.load(answer))


def make_tree(root: Path, options: Options = SMALL, within: Sequence[str] = (), called: str = "") -> None:
    """Make a tree in `root`.

    `within` is the start of a command line that shows `root` under another name, `called`: the catalogue then knows the
    tree by that name.
    """
    if "data" in root.resolve().parts[:-1]:
        raise ValueError(
            f"{root} lies below a directory named data: its mount point would be misread; use another place"
        )
    root.mkdir(parents=True, exist_ok=True)
    command = [*within, sys.executable, str(TREE_MAKER), called or str(root), *arguments(options)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def read_truth(root: Path, called: str) -> dict[str, TrueSession]:
    """Return the true sessions of the tree in `root` by path, with `called` in the place of the root."""
    sessions = json.loads((root / "truth.json").read_text())
    return {
        f"{called}/{session.rstrip('/')}": TrueSession(
            category=truth["category"],
            datasets={f"{called}/{path.rstrip('/')}": status for path, status in truth["datasets"].items()},
        )
        for session, truth in sessions.items()
    }


@contextmanager
def serving_kit(state: Path, options: Options | None = None) -> Iterator[str]:
    """Serve a catalogue state as ICAT+ does; yields its URL, and nothing is left of it afterwards.

    Raises RuntimeError when it can't be started.
    """
    server, url = start_catalogue(state, options or {})
    with server:
        try:
            yield url
        finally:
            server.kill()


def start_catalogue(state: Path, options: Options) -> tuple[subprocess.Popen[str], str]:
    """Start ICAT+ on a port that is free; another program may take it first, and then the next one is tried."""
    for _ in range(PORT_ATTEMPTS):
        port = free_port()
        command = [sys.executable, str(CATALOGUE), str(state), "--port", str(port), *arguments(options)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        if server.stdout.readline().startswith("ICAT+ on "):
            return server, f"http://127.0.0.1:{port}"
        with server:
            server.kill()
    raise RuntimeError(f"{CATALOGUE.name} could not be started on {PORT_ATTEMPTS} ports; what it said is above")


def arguments(options: Options) -> list[str]:
    """Return options as a command line has them; True stands for a bare flag."""
    words = []
    for name, value in options.items():
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(str(value))
    return words


FacilityMaker = Callable[..., Facility]
