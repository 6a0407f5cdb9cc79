"""Install the programs to compare with, each in a virtual environment of its own, from the package index.

    python -m tests.peers.install

They go to $ICAT_TUI_PEERS, else to the user's cache directory; what is there already is kept.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

from platformdirs import user_cache_path

PEERS = {
    "icat-fs-sync-1.0.0": ("icat-fs-sync==1.0.0", "pyicat-plus[test]==3.1.0"),
    "pyicat-plus-2.2.0": ("pyicat-plus[bliss]==2.2.0",),
    "pyicat-plus-0.5.0": ("pyicat-plus[bliss]==0.5.0",),
}
"""What to install by peer. `bliss` is what it takes to import `sync_raw`; `test` brings the mock back end."""
DONE = "installed.txt"


def directory() -> Path:
    """Return where the environments lie."""
    chosen = os.environ.get("ICAT_TUI_PEERS")
    return Path(chosen).absolute() if chosen else user_cache_path("icat-tui-peers")


def interpreter(peer: str) -> Path:
    """Return the Python interpreter that has a peer."""
    return directory() / peer / "bin" / "python"


def installed(peer: str) -> bool:
    """Return whether a peer was installed to the end, from the requirements as they are now."""
    note = directory() / peer / DONE
    return note.exists() and note.read_text() == "\n".join(PEERS[peer])


def install(peer: str) -> None:
    """Make the environment of a peer anew."""
    venv.create(directory() / peer, with_pip=True, clear=True)
    command = [str(interpreter(peer)), "-m", "pip", "install", "--quiet", *PEERS[peer]]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    (directory() / peer / DONE).write_text("\n".join(PEERS[peer]))


def main() -> None:
    """Install what is not there yet."""
    for peer in PEERS:
        if not installed(peer):
            print(f"Installing {peer} in {directory()}", file=sys.stderr)
            install(peer)


if __name__ == "__main__":
    main()
