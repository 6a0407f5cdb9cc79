"""A facility that was written once, for all tests that only look at it; and how to wait for the box."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from icat_tui.sandbox.raw_data_tree import SandboxFacility, make_facility

# In the night in which the clocks of the facility are put forward: an hour that does not exist lies just behind.
NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def facility(tmp_path_factory: pytest.TempPathFactory) -> SandboxFacility:
    return make_facility(tmp_path_factory.mktemp("box"), NOW)


def wait_for(condition: Callable[[], object]) -> None:
    deadline, never = time.monotonic() + 20, threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        never.wait(0.005)
