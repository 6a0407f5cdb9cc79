"""Promise 9, for what scans and keeps: hostile names are found, compared, kept and told as they are."""

import json
import os
from pathlib import Path

import pytest

from icat_tui.cache.session_cache import CachedSession, SessionCache
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.status import Category, Status
from icat_tui.report.jsonl import json_line, session_record
from tests.support.catalogue_in_memory import CatalogueInMemory
from tests.support.names import HOSTILE_NAMES
from tests.support.scanning import LATER, found_below, scanned, statuses
from tests.support.sessions_on_disk import add_mx, session_at
from tests.support.time_slot import FACILITY

HERE = [name for name in HOSTILE_NAMES if not name.startswith(".")]


def test_proposals_of_any_name_are_scanned_kept_and_told(root: Path, tmp_path: Path) -> None:
    """Also where ICAT can't know them: then that is what is told."""
    catalogue, cache = CatalogueInMemory(), SessionCache(tmp_path / "cache")
    directories = {name: session_at(root, name, raw_format=RawFormat.MX) for name in HERE}
    for number, directory in enumerate(directories.values()):
        add_mx(directory, "0001")
        catalogue.tell(directory, investigation=number)
    first = scanned(found_below(root, RawFormat.MX), catalogue, cache=cache)
    assert {session.directory for session in first.values()} == set(directories.values())
    assert {session.fit.id for session in first.values() if session.fit} == set(range(len(HERE)))
    for directory in directories.values():
        verdict = cache.cached_session(directory)
        assert isinstance(verdict, CachedSession)
        assert verdict.session == first[directory.path]
    for session in first.values():
        line = json_line(session_record(session, FACILITY))
        assert line.isascii()
        assert line.isprintable()
        record = json.loads(line)
        assert record["proposal"] == session.directory.proposal
        assert os.fsencode(record["path"]) == os.fsencode(session.directory.path)
        assert os.path.isdir(record["datasets"][0]["path"])


@pytest.mark.parametrize("kept", [False, True])
def test_collections_and_datasets_of_any_name_are_compared_exactly(root: Path, tmp_path: Path, kept: bool) -> None:
    catalogue, cache = CatalogueInMemory(), SessionCache(tmp_path / "cache")
    directory = session_at(root, raw_format=RawFormat.MX)
    registered = [add_mx(directory, name, collection=name)[0] for name in HERE]
    catalogue.tell(directory, *registered)
    sessions = [scanned([directory], catalogue, cache=cache, now=LATER) for _ in range(1 + kept)]
    session = sessions[-1][directory.path]
    assert session.cached == kept
    assert session.category == Category.OK
    assert statuses(session) == {f"{name}/{name}": Status.REGISTERED for name in HERE}


def test_what_is_not_registered_is_read_and_told_under_its_own_name(root: Path, tmp_path: Path) -> None:
    """What no message can carry is invalid; everything else is to be registered."""
    catalogue, cache = CatalogueInMemory(), SessionCache(tmp_path / "cache")
    directory = session_at(root, raw_format=RawFormat.MX)
    add_mx(directory, *HERE)
    catalogue.tell(directory)
    for _ in range(2):
        session = scanned([directory], catalogue, cache=cache, now=LATER)[directory.path]
        found = statuses(session)
        assert set(found) == {f"colA/{name}" for name in HERE}
        assert set(found.values()) == {Status.UNREGISTERED, Status.INVALID}
        assert found["colA/$(reboot)"] == found["colA/a;b"] == found["colA/&<>"] == Status.UNREGISTERED
        assert found["colA/caf\udce9"] == found["colA/\x1b[2J"] == Status.INVALID
