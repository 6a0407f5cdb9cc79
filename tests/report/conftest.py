"""Scripts of an overview with every hostile name."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from icat_tui.domain.status import Category, Status
from icat_tui.report.overview import Destination, write_overview
from tests.support.names import HOSTILE_NAMES
from tests.support.samples import CALL, NOW, a_directory, a_session, every_category
from tests.support.time_slot import FACILITY


@pytest.fixture
def all_scripts(tmp_path: Path) -> list[Path]:
    sessions = every_category()
    for name in HOSTILE_NAMES:
        session = a_session(Category.HAS_INVALID, (name, Status.INVALID, name), directory=a_directory(name))
        sessions += [session, replace(session, category=Category.TODO)]
    write_overview(sessions, Destination(directory=tmp_path, call=CALL), FACILITY, NOW)
    return list(tmp_path.rglob("*.sh"))
