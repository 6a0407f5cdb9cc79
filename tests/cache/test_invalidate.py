"""Tests of dropping sessions that are gone or have changed, and of keeping those that can't be determined."""

import errno
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from icat_tui.cache.invalidate import CheckedSession, Finding, invalidate
from icat_tui.cache.session_cache import SessionCache, Unreadable
from icat_tui.disk.find import is_on_disk
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.surroundings import Surroundings
from tests.support.catalogue_in_memory import CatalogueInMemory
from tests.support.names import HOSTILE_NAMES
from tests.support.scanning import LATER, scanned_one
from tests.support.sessions_on_disk import add_mx, session_at
from tests.support.time_slot import FACILITY

DAY = timedelta(days=1)


def checked(cache: SessionCache, jobs: int = 4) -> list[CheckedSession | Unreadable]:
    around = Surroundings(facility=FACILITY, now=LATER)
    return list(invalidate(cache, [RawFormat.MX], around, fingerprint_age=DAY, jobs=jobs))


def findings(cache: SessionCache) -> dict[str, Finding]:
    """Return the finding for each session, by proposal, having checked that its file agrees with it."""
    found = checked(cache)
    assert all(isinstance(each, CheckedSession) for each in found)
    by_proposal = {each.directory.proposal: each.finding for each in found if isinstance(each, CheckedSession)}
    for each in found:
        if isinstance(each, CheckedSession):
            dropped = cache.entry(each.directory) is None
            assert dropped == (each.finding in (Finding.GONE, Finding.CHANGED)), each
            assert bool(each.reason) == (each.finding == Finding.UNCERTAIN), each
    return by_proposal


ALL_KEPT = {"hg0": Finding.KEPT, "hg1": Finding.KEPT, "hg2": Finding.KEPT}


@pytest.mark.usefixtures("cached_sessions")
def test_what_has_not_changed_is_kept(cache: SessionCache) -> None:
    assert findings(cache) == ALL_KEPT


def test_an_empty_cache_has_nothing_to_check(cache: SessionCache) -> None:
    assert checked(cache) == []


# -- gone ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", range(3))
def test_a_session_that_its_parent_does_not_list_is_gone(
    cached_sessions: list[SessionDirectory], cache: SessionCache, up: int
) -> None:
    """The same is true if its beamline or proposal directory is gone, too."""
    shutil.rmtree([cached_sessions[0].path, *map(str, Path(cached_sessions[0].path).parents)][up])
    assert findings(cache) == ALL_KEPT | {"hg0": Finding.GONE}


@pytest.mark.parametrize("left", ["nothing", "a hidden directory", "a file", "a loop of links"])
def test_a_root_without_a_proposal_says_nothing(
    cached_sessions: list[SessionDirectory], cache: SessionCache, root: Path, left: str
) -> None:
    """A root that is not mounted is an empty directory."""
    for proposal in list(root.iterdir()):
        shutil.rmtree(proposal)
    match left:
        case "a hidden directory":
            (root / ".snapshot").mkdir()
        case "a file":
            (root / "NOT MOUNTED").touch()
        case "a loop of links":
            (root / "loop").symlink_to(root / "loop")
    assert set(findings(cache).values()) == {Finding.UNCERTAIN}
    assert "is it mounted?" in str(is_on_disk(cached_sessions[0], FACILITY))


def test_a_root_that_is_not_there_says_nothing(
    cache: SessionCache, cached_sessions: list[SessionDirectory], root: Path
) -> None:
    root.rename(root.with_name("elsewhere"))
    assert set(findings(cache).values()) == {Finding.UNCERTAIN}


@pytest.mark.usefixtures("cached_sessions")
def test_an_odd_entry_in_the_root_harms_no_other(cache: SessionCache, root: Path) -> None:
    (root / "a loop").symlink_to(root / "a loop")
    assert findings(cache) == ALL_KEPT


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ELOOP])
@pytest.mark.parametrize("up", range(5))
def test_what_can_not_be_listed_says_nothing(
    cached_sessions: list[SessionDirectory],
    cache: SessionCache,
    refuse_listing: Callable[[Path, int], None],
    up: int,
    number: int,
) -> None:
    raw = Path(cached_sessions[0].raw_path)
    refuse_listing([raw / "colA", raw, *raw.parents][(0, 1, 3, 4, 5)[up]], number)
    found = findings(cache)
    assert found["hg0"] in ((Finding.KEPT, Finding.UNCERTAIN) if up == 3 else (Finding.UNCERTAIN,))
    if up < 4:
        assert found == ALL_KEPT | {"hg0": found["hg0"]}


# -- changed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: (raw / "colA/0002").mkdir(),
        lambda raw: (raw / "colB").mkdir(),
        lambda raw: shutil.rmtree(raw / "colA/0001"),
        shutil.rmtree,
        lambda raw: (raw / "colA/0001/metadata.json").write_text("{}"),
        lambda raw: (raw / "colA/0001/metadata.json").unlink(),
        lambda raw: (raw / "__icat__").mkdir(),
        lambda raw: (raw / "colA").rename(raw / "colC"),
    ],
)
def test_what_has_changed_is_dropped(
    cached_sessions: list[SessionDirectory], cache: SessionCache, change: Callable[[Path], object]
) -> None:
    change(Path(cached_sessions[1].raw_path))
    assert findings(cache) == ALL_KEPT | {"hg1": Finding.CHANGED}


def test_what_was_too_young_to_be_relied_on_counts_as_changed(root: Path, cache: SessionCache) -> None:
    catalogue, directory = CatalogueInMemory(), session_at(root, raw_format=RawFormat.MX)
    catalogue.tell(directory, *add_mx(directory, "0001"))
    scanned_one(directory, catalogue, cache=cache)
    assert findings(cache) == {"hg333": Finding.CHANGED}


@pytest.mark.parametrize("place", ["colA/0001", "colA/0001/metadata.json"])
def test_a_dataset_that_can_not_be_looked_at_says_nothing(
    cached_sessions: list[SessionDirectory], cache: SessionCache, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    stat, lost = os.stat, f"{cached_sessions[1].raw_path}/{place}"

    def refusing(path: object, *arguments: object, **options: bool) -> os.stat_result:
        if path == lost:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return stat(path, *arguments, **options)  # type: ignore[arg-type] # whatever it was called with

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", refusing)
        assert findings(cache)["hg1"] == Finding.UNCERTAIN


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_file_that_can_not_be_removed_is_told_of_and_the_others_go_on(
    cached_sessions: list[SessionDirectory], cache: SessionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    for directory in cached_sessions[:2]:
        shutil.rmtree(directory.path)

    def unlink(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        assert findings(cache) == ALL_KEPT | {"hg0": Finding.UNCERTAIN, "hg1": Finding.UNCERTAIN}
        assert all("gone, but" in each.reason for each in checked(cache) if each.reason)
    assert findings(cache) == ALL_KEPT | {"hg0": Finding.GONE, "hg1": Finding.GONE}


def test_a_torn_file_is_told_of_and_the_others_go_on(
    cached_sessions: list[SessionDirectory], cache: SessionCache
) -> None:
    cache.path(cached_sessions[0]).write_bytes(b"torn")
    unreadable, *others = sorted(checked(cache), key=lambda each: isinstance(each, CheckedSession))
    assert isinstance(unreadable, Unreadable)
    assert [each.finding for each in others if isinstance(each, CheckedSession)] == [Finding.KEPT, Finding.KEPT]


def test_a_cache_that_can_not_be_listed_is_told_of(cache: SessionCache) -> None:
    cache.directory.mkdir(parents=True)
    (cache.directory / "mx").touch()
    (found,) = checked(cache)
    assert isinstance(found, Unreadable)


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if not name.startswith(".")])
def test_hostile_names_are_found_where_they_are(root: Path, name: str) -> None:
    directory = session_at(root, name)
    assert is_on_disk(directory, FACILITY) is True
    session_at(root, "another one")
    shutil.rmtree(directory.path)
    assert is_on_disk(directory, FACILITY) is False
