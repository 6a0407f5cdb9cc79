"""Where a peer can't be run here, its tests say why; `.ci/run` counts that as a failure."""

from pathlib import Path

import pytest

from tests.peers.install import installed
from tests.peers.namespace import refusal, with_data


@pytest.fixture
def icat_fs_sync() -> str:
    """Return the name of the peer in use today; it must be there."""
    peer = "icat-fs-sync-1.0.0"
    if not installed(peer):
        pytest.skip(f"{peer} is not installed: python -m tests.peers.install")
    return peer


@pytest.fixture
def as_data(tmp_path: Path) -> tuple[Path, list[str]]:
    """Return a directory for a tree, and the start of a command line that sees it as `/data`."""
    if reason := refusal():
        pytest.skip(reason)
    tree = tmp_path / "data"
    tree.mkdir()
    return tree, with_data(tree, tmp_path / "empty")
