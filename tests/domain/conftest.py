"""Fixtures of the tests of the domain."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(params=["UTC", "Europe/Paris", "Asia/Tokyo"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Set the time zone of the machine, which must not matter, and return its name."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()
