"""Ours against an ICAT that others have written: the mock back end of pyicat-plus.

It gives answers in the form of its authors (icat.md, "Mock server"): investigations and datasets with the id 0, samples
as objects, times in two spellings, and it knows the two parameters of each call in one order only.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fieldkit.facility import make_tree, read_truth
from tests.peers.install import interpreter
from tests.peers.programs import our_judgement

pytestmark = [pytest.mark.peers, pytest.mark.slow]

SERVER = Path(__file__).parent / "serve_mock.py"


@contextmanager
def mock_icat(peer: str, catalogue: Path, state: Path) -> Iterator[str]:
    """Run the mock back end, told of what is in the kit's catalogue; yields its URL."""
    command = [str(interpreter(peer)), str(SERVER), str(catalogue), str(state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line, "the mock back end did not start; what it said is above"
        yield json.loads(line)["url"]
        server.stdin.close()


def test_every_dataset_is_judged_right_from_the_answers_of_the_mock_back_end(icat_fs_sync: str, tmp_path: Path) -> None:
    root, state = tmp_path / "facility", tmp_path / "state"
    make_tree(root, {"seed": 7, "sessions": 12, "collections": 2, "datasets": 5, "scans": 3})
    state.mkdir()
    with mock_icat(icat_fs_sync, root / "icat.json", state) as url:
        ours = our_judgement(str(root / "visitor"), url, tmp_path)
    statuses = {
        path: (session.category, {inner: dataset.status for inner, dataset in session.datasets.items()})
        for path, session in ours.items()
    }
    truth = read_truth(root, str(root))
    assert statuses == {path: (session.category, session.datasets) for path, session in truth.items()}
    said = {
        inner: dataset.icat_id
        for session in ours.values()
        for inner, dataset in session.datasets.items()
        if dataset.icat_id is not None
    }
    assert said == ids_in(state)
    assert 0 in said.values(), "the mock back end counts from 0, which must not be taken for none"


def ids_in(state: Path) -> dict[str, Any]:
    """Ids of the mock back end's datasets by location."""
    rows = [row for table in state.glob("datasets*.json") for row in json.loads(table.read_text())]
    return {row["location"].rstrip("/"): row["id"] for row in rows}
