"""Tests of cache files of earlier programs: they are read as stale sessions and never changed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from icat_tui.cache.legacy_cache import old_sessions, read_old_session
from icat_tui.cache.session_cache import SessionCache
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Session
from icat_tui.domain.status import Category, Status
from icat_tui.report.totals import Totals
from tests.support.legacy_caches import LEGACY_CACHES, LEGACY_VERSIONS
from tests.support.names import HOSTILE_NAMES

FACILITY = Facility()
NAMES = [
    "blc1002_id10_20230112",
    "hg1007_id16b_20230117",
    "ihma1003_bm02_20230113",
    "ihma1010_id22_20230120",
    "ma1001_id16b_20230118",
]


def all_of(cache: Path) -> list[Session]:
    return list(old_sessions(cache, RawFormat.ESRFV3, FACILITY))


def test_what_they_knew_is_told_as_they_wrote_it(old_cache: Path) -> None:
    sessions = all_of(old_cache)
    assert [f"{each.directory.proposal}_{each.directory.beamline}_{each.directory.date}" for each in sessions] == NAMES
    for name, session in zip(NAMES, sessions, strict=True):
        written = json.loads((old_cache / "esrfv3" / f"{name}.json").read_text())
        assert session.directory.path == written["session_dir"].rstrip("/")
        assert session.directory.raw_path == written["raw_root_dir"].rstrip("/")
        told = {(dataset.path, dataset.name, dataset.status.value) for dataset in session.datasets}
        assert told == {
            (dataset["path"].rstrip("/"), dataset["name"], status)
            for status, datasets in written["datasets"].items()
            for dataset in datasets
        }
        assert all(f"{session.directory.raw_path}/{d.collection}" == os.path.dirname(d.path) for d in session.datasets)


def test_both_programs_told_the_same() -> None:
    one, other = (all_of(LEGACY_CACHES / version) for version in LEGACY_VERSIONS)
    assert [session.datasets for session in one] == [session.datasets for session in other]
    assert {status for session in one for status in session.counts} >= {Status.REGISTERED, Status.UNREGISTERED}


def test_nothing_but_paths_names_and_statuses_is_taken(old_cache: Path) -> None:
    for session in all_of(old_cache):
        assert (session.stale, session.determined, session.cached) == (True, False, True)
        assert (session.category, session.fit, session.candidates) == (Category.UNKNOWN, None, ())
        assert session.reasons
        for dataset in session.datasets:
            assert (dataset.start, dataset.end, dataset.sample, dataset.icat_id, dataset.stored) == (None,) * 5
            assert (dataset.parameters, dataset.investigation) == ({}, None)


def test_they_count_as_unknown(old_cache: Path) -> None:
    totals = Totals()
    for session in all_of(old_cache):
        totals._add_session(session)
    assert totals.categories == {Category.UNKNOWN: 5}
    assert totals.undetermined == 5


def test_their_age_is_that_of_the_file(old_cache: Path) -> None:
    for path in (old_cache / "esrfv3").iterdir():
        os.utime(path, (10**9, 10**9))
    assert {session.seen_at.timestamp() for session in all_of(old_cache)} == {10**9}


def test_they_are_left_as_they_are_and_are_no_files_of_ours(old_cache: Path) -> None:
    before = {path: path.read_bytes() for path in old_cache.rglob("*") if path.is_file()}
    all_of(old_cache)
    cache = SessionCache(old_cache)
    for raw_format in RawFormat:
        assert list(cache.cached_sessions(raw_format)) == []
    assert {path: path.read_bytes() for path in old_cache.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("raw_format", [RawFormat.ESRFV1, RawFormat.MX])
def test_there_need_not_be_any(old_cache: Path, raw_format: RawFormat) -> None:
    assert list(old_sessions(old_cache, raw_format, FACILITY)) == []
    assert list(old_sessions(old_cache / "nowhere", raw_format, FACILITY)) == []


# -- what is none ----------------------------------------------------------------------------------------------------


def test_a_file_that_is_cut_off_anywhere_says_nothing(old_cache: Path) -> None:
    path = old_cache / "esrfv3" / f"{NAMES[0]}.json"
    content = path.read_bytes().rstrip()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert read_old_session(path, RawFormat.ESRFV3, FACILITY) is None
    assert len(all_of(old_cache)) == 4


def written(tmp_path: Path, **changes: Any) -> Session | None:
    """Return the session read from a file with some values replaced."""
    raw = "/data/visitor/hg333/id99/20231019/RAW_DATA/"
    content = {
        "session_dir": "/data/visitor/hg333/id99/20231019/",
        "proposal": "hg333",
        "datasets": {"registered": [{"path": f"{raw}colA/colA_0001/", "name": "0001"}], "of the future": [{}]},
    }
    path = tmp_path / "old.json"
    path.write_text(json.dumps(content | changes))
    return read_old_session(path, RawFormat.ESRFV3, FACILITY)


def test_what_nobody_knows_yet_is_passed_over(tmp_path: Path) -> None:
    session = written(tmp_path, more={"date": "not a date"}, datasets={"registered": [], "of the future": []})
    assert session
    assert session.datasets == ()


def test_a_name_may_be_unknown(tmp_path: Path) -> None:
    path = "/data/visitor/hg333/id99/20231019/RAW_DATA/a/b"
    session = written(tmp_path, datasets={"invalid": [{"path": path, "name": None}]})
    assert session
    assert [(dataset.name, dataset.collection) for dataset in session.datasets] == [(None, "a")]


@pytest.mark.parametrize(
    "changes",
    [
        {"session_dir": None},
        {"session_dir": ""},
        {"session_dir": "20231019"},
        {"session_dir": "data/visitor/hg333/id99/20231019"},
        {"session_dir": "/data/visitor/hg333/id99/20231399"},
        {"session_dir": "/data/visitor/hg333/id99/20231019/RAW_DATA"},
        {"datasets": None},
        {"datasets": {"registered": [{"name": "no path"}]}},
        {"datasets": {"registered": [{"path": ""}]}},
        {"datasets": {"registered": [{"path": "relative"}]}},
        {"datasets": {"registered": [{"path": "/data/visitor/ma1/id99/20231019/RAW_DATA/a/b"}]}},
        {"datasets": {"registered": [{"path": 5}]}},
    ],
)
def test_what_is_no_session_of_theirs_says_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert written(tmp_path, **changes) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"[" * 100_000, b"\xff\xfe", b'{"a": NaN}'])
def test_what_is_no_cache_file_says_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(content)
    assert read_old_session(path, RawFormat.ESRFV3, FACILITY) is None


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_come_through(tmp_path: Path, name: str) -> None:
    path = f"/data/visitor/hg333/id99/20231019/RAW_DATA/{name}/{name}_0001"
    session = written(tmp_path, datasets={"unregistered": [{"path": f"{path}/", "name": name}]})
    assert session
    (dataset,) = session.datasets
    assert (dataset.path, dataset.collection, dataset.name) == (path, name, name)
