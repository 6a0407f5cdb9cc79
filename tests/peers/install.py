"""Install the programs to compare with, each in a virtual environment of its own, from the package index.

    python -m tests.peers.install

They go to $ICAT_TUI_PEERS, else to the user's cache directory; what is there already is kept.
"""

import os
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from platformdirs import user_cache_path

PEERS = {
    "icat-fs-sync-1.0.0": ("icat-fs-sync==1.0.0", "pyicat-plus[test]==3.1.0"),
    "pyicat-plus-2.2.0": ("pyicat-plus[bliss]==2.2.0",),
    "pyicat-plus-0.5.0": ("pyicat-plus[bliss]==0.5.0",),
}
"""What to install by peer. `bliss` is what it takes to import `sync_raw`; `test` brings the mock back end."""
DIRECTORY = Path(os.environ.get("ICAT_TUI_PEERS") or user_cache_path("icat-tui-peers")).absolute()
"""Where the environments lie. Read once: a test has no environment of anybody's while it runs."""
DONE = "installed.txt"


def interpreter(peer: str) -> Path:
    """Return the Python interpreter that has a peer."""
    return DIRECTORY / peer / "bin" / "python"


def installed(peer: str) -> bool:
    """Return whether a peer was installed to the end, from the requirements as they are now."""
    note = DIRECTORY / peer / DONE
    return note.exists() and note.read_text() == "\n".join(PEERS[peer])


def install(peer: str) -> None:
    """Make the environment of a peer anew."""
    venv.create(DIRECTORY / peer, with_pip=True, clear=True)
    command = [str(interpreter(peer)), "-m", "pip", "install", "--quiet", *PEERS[peer]]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    (DIRECTORY / peer / DONE).write_text("\n".join(PEERS[peer]))


def main() -> None:
    """Install what is not there yet, all at once: pip does one thing after the other."""
    missing = [peer for peer in PEERS if not installed(peer)]
    if missing:
        print(f"Installing {', '.join(missing)} in {DIRECTORY}", file=sys.stderr)
    with ThreadPoolExecutor() as pool:
        list(pool.map(install, missing))


if __name__ == "__main__":
    main()
