"""A site's and a user's settings file to write into."""

from pathlib import Path

import pytest

from tests.settings.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "site.toml", tmp_path / "user.toml")
