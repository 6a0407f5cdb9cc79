"""Both programs as commands: ours and a peer's, on one tree and one ICAT+."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.peers.install import interpreter
from tests.peers.judgement import Judgement, of_ours, of_peer

PEER_SCRIPT = Path(__file__).parent / "sync_raw.py"
PACKAGE_ROOT = Path(__file__).parents[2]


def peers_judgement(peer: str, url: str, scratch: Path, within: Sequence[str]) -> Judgement:
    """Run a peer on `/data/visitor` and return what it says."""
    cache, overview = scratch / "cache", scratch / "overview"
    command = [str(interpreter(peer)), str(PEER_SCRIPT), "--icatplus", url]
    command += ["--cache-dir", str(cache), "--save-dir", str(overview)]
    done = subprocess.run([*within, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{peer} failed:\n{done.stderr[-2000:]}"
    return of_peer(cache, overview)


def our_judgement(data_root: str, url: str, scratch: Path, within: Sequence[str] = ()) -> Judgement:
    """Run ours without a cache and return what it says."""
    command = [sys.executable, "-m", "icat_tui", "sync", "--json", "--data-root", data_root, "--icatplus", url]
    done = subprocess.run(
        [*within, *command], capture_output=True, text=True, check=False, env=our_environment(scratch)
    )
    assert done.returncode == 0, f"ours ended with {done.returncode}:\n{done.stderr[-2000:]}"
    return of_ours(done.stdout.splitlines())


def our_environment(home: Path) -> dict[str, str]:
    """Return an environment without anybody's settings in it: `home` stands for the user's directories."""
    kept = {name: os.environ[name] for name in ("PATH", "TZ", "LANG", "LC_ALL") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_DIRS": str(home / "site"),
        "PYTHONPATH": str(PACKAGE_ROOT),
        "ICAT_TUI_API_KEY": "any",
    }
