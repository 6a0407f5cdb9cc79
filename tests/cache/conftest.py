"""Sessions that were scanned into a cache, old caches, and directories that can't be listed."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from icat_tui.cache.session_cache import SessionCache
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from tests.support.catalogue_in_memory import CatalogueInMemory
from tests.support.legacy_caches import LEGACY_CACHES, LEGACY_VERSIONS
from tests.support.scanning import LATER, scanned
from tests.support.sessions_on_disk import add_mx, session_at


@pytest.fixture(params=LEGACY_VERSIONS)
def old_cache(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a cache directory as one of those programs writes it."""
    return Path(shutil.copytree(LEGACY_CACHES / request.param, tmp_path / "cache"))


@pytest.fixture
def cached_sessions(root: Path, cache: SessionCache) -> list[SessionDirectory]:
    """Return three cached_sessions that were scanned while nothing changed: one registered, one to do, one empty."""
    catalogue = CatalogueInMemory()
    directories = [session_at(root, f"hg{number}", raw_format=RawFormat.MX) for number in range(3)]
    catalogue.tell(directories[0], *add_mx(directories[0], "0001", "0002"), investigation=1)
    catalogue.tell(directories[1], investigation=2)
    add_mx(directories[1], "0001")
    catalogue.tell(directories[2], investigation=3)
    assert len(scanned(directories, catalogue, cache=cache, now=LATER)) == 3
    return directories


@pytest.fixture
def refuse_listing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Return a function that makes the system refuse_listing to list a directory."""

    def refuse_listing(path: Path, number: int) -> None:
        for name in ("scandir", "listdir"):
            call = getattr(os, name)

            def refusing(place: str, call: Callable[[str], object] = call) -> object:
                if str(place) == str(path):
                    raise OSError(number, os.strerror(number), place)
                return call(place)

            monkeypatch.setattr(os, name, refusing)

    return refuse_listing


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)
