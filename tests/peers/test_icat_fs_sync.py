"""On the same tree and the same ICAT+ ours says of every session and dataset what icat-fs-sync 1.0.0 says.

Where ours is right and the peer is wrong (icat.md, "Known faults"), the kit's tree has no such case: not one difference
is expected. It has no dataset in progress either: the newest one of an ongoing session is registered, and nothing was
written within the settle time.
"""

from pathlib import Path

import pytest

from tests.fieldkit.facility import Options, make_tree, read_truth, serving_kit
from tests.peers.judgement import Judgement, differences, moved
from tests.peers.programs import our_judgement, peers_judgement

pytestmark = [pytest.mark.peers, pytest.mark.namespace, pytest.mark.slow]

EXPECTED_DIFFERENCES: dict[str, tuple[object, object]] = {}

TREES: tuple[Options, ...] = (
    {"seed": 1, "sessions": 40, "collections": 2, "datasets": 6, "scans": 4},
    {"seed": 2, "sessions": 40, "collections": 3, "datasets": 3, "scans": 12},
    {"seed": 3, "sessions": 30, "collections": 1, "datasets": 10, "scans": 1, "sessions_per_proposal": 3},
    {"seed": 4, "sessions": 40, "collections": 2, "datasets": 5, "scans": 2, "files": 3, "sessions_per_proposal": 1},
)


@pytest.mark.parametrize("options", TREES, ids=lambda options: f"seed {options['seed']}")
def test_every_dataset_is_judged_as_by_icat_fs_sync(
    options: Options, icat_fs_sync: str, as_data: tuple[Path, list[str]], tmp_path: Path
) -> None:
    tree, within = as_data
    make_tree(tree, options, within, called="/data")
    with serving_kit(tree / "icat.json") as url:
        theirs = peers_judgement(icat_fs_sync, url, tmp_path, within)
        ours = our_judgement("/data/visitor", url, tmp_path, within)
        unbound = our_judgement(str(tree / "visitor"), url, tmp_path)
    assert plain(theirs) == plain_truth(tree), "the peer is no measure here: it contradicts the truth of the tree"
    assert differences(theirs, ours) == EXPECTED_DIFFERENCES
    assert differences(ours, moved(unbound, str(tree), "/data")) == {}, "the mount point makes a difference"


def plain(judgement: Judgement) -> dict[str, tuple[str, dict[str, str]]]:
    """Category, and status by path."""
    return {
        path: (session.category, {inner: dataset.status for inner, dataset in session.datasets.items()})
        for path, session in judgement.items()
    }


def plain_truth(tree: Path) -> dict[str, tuple[str, dict[str, str]]]:
    return {path: (session.category, session.datasets) for path, session in read_truth(tree, "/data").items()}
