"""A facility in a box of its own, for tests that inject faults into it."""

from pathlib import Path

import pytest

from tests.promises.small_facility import SmallFacility, make


@pytest.fixture
def facility(tmp_path: Path) -> SmallFacility:
    root = tmp_path / "data" / "visitor"
    root.mkdir(parents=True)
    return make(root)
