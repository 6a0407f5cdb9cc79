"""A mount namespace in which a tree is `/data`: the programs before us read `/data/visitor` and nothing else.

Nothing is ever made in the machine's own root directory.
"""

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SCRIPT = Path(__file__).parent / "with_data.sh"


def with_data(tree: Path, empty: Path) -> list[str]:
    """Return the start of a command line: what follows it sees `tree` as `/data`.

    `empty` is an empty directory to build that view on. Without root's rights a user namespace stands in for them.
    """
    empty.mkdir(exist_ok=True)
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *rights, str(SCRIPT), str(empty), str(tree)]


@cache
def refusal() -> str:
    """Return why this machine allows no such namespace; empty: it does."""
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        (tree / "visitor").mkdir(parents=True)
        command = [*with_data(tree, Path(directory) / "empty"), "test", "-d", "/data/visitor"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            return f"no mount namespace: {error}"
    return f"no mount namespace: {done.stderr.strip()}" if done.returncode else ""
