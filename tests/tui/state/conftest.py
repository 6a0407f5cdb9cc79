"""A store of sessions over a cache."""

from pathlib import Path

import pytest

from tests.support.kept_sessions import KeptSessions, a_scanned_session


@pytest.fixture
def kept(tmp_path: Path) -> KeptSessions:
    return KeptSessions(tmp_path / "cache", a_scanned_session("p1"), a_scanned_session("p2"))
