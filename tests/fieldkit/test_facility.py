import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.fieldkit.facility import Facility, FacilityMaker, make_tree


def ask(kit_facility: Facility, call: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(f"{kit_facility.url}/dataacquisition/any/{call}", timeout=10) as answer:
        return list(json.load(answer))


def test_icat_has_what_the_truth_says_and_counts_how_often_it_was_asked(kit_facility: Facility) -> None:
    for path, session in kit_facility.truth.items():
        proposal, beamline, _ = Path(path).relative_to(kit_facility.data_root).parts
        known = ask(kit_facility, f"investigation?instrumentName={beamline}&investigationName={proposal}")
        assert bool(known) == (session.category != "not_in_icat"), path
        assert all(Path(dataset).is_dir() for dataset in session.datasets), path
    assert kit_facility.stats["requests"] == len(kit_facility.truth) > 0


def test_faults_can_be_ordered(make_kit_facility: FacilityMaker) -> None:
    kit_facility = make_kit_facility(tree={"sessions": 1, "collections": 1, "datasets": 1}, catalogue={"error_rate": 1})
    with pytest.raises(urllib.error.HTTPError, match="500") as refused:
        ask(kit_facility, "dataset?investigationId=1")
    refused.value.close()


def test_a_tree_below_a_directory_named_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mount point"):
        make_tree(tmp_path / "data" / "facility")
