"""A facility that was written once, for all tests that only look at it."""

from datetime import UTC, datetime

import pytest

from icat_tui.sandbox.tree import SandboxFacility, make_facility

# In the night in which the clocks of the facility are put forward: an hour that does not exist lies just behind.
NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def facility(tmp_path_factory: pytest.TempPathFactory) -> SandboxFacility:
    return make_facility(tmp_path_factory.mktemp("box"), NOW)
