"""The cache and the overview as `sync` uses them: each session once, nothing lost, nothing guessed.

As interface.md, "Cache" and "Overview" say.
"""

import csv
import errno
import json
import os
import subprocess
from pathlib import Path

import pytest

from icat_tui.cache import session_cache
from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.cancel import Cancellation
from icat_tui.domain.status import Category
from tests.support.place import KEY, Place
from tests.support.program import PATIENCE, Runner, environment

ONCE = "hg333/id10/20231019"


def rows(overview_dir: Path, raw_format: str = "esrfv3") -> dict[str, list[dict[str, str]]]:
    """Return the lines of the overview by category; categories without any are left out."""
    found = {}
    for category in Category:
        with (overview_dir / raw_format / f"{category}.csv").open(newline="") as file:
            if lines := list(csv.DictReader(file)):
                found[category.value] = lines
    return found


def paths(overview_dir: Path) -> list[tuple[str, str]]:
    """Return category and path of every session in the overview."""
    return [(category, row["path"]) for category, lines in rows(overview_dir).items() for row in lines]


def raw(session: Path) -> str:
    return f"{session}/RAW_DATA/"


def old_file(cache_dir: Path, session: Path, status: str = "registered", name: str = "") -> Path:
    """Write what icat-sync-raw would have (icat.md, "Cache files")."""
    proposal, beamline, date = session.parts[-3:]
    path = cache_dir / "esrfv3" / (name or f"{proposal}_{beamline}_{date}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    datasets = {status: [{"path": f"{raw(session)}colA/colA_0000/", "name": "0000"}]}
    path.write_text(json.dumps({"session_dir": f"{session}/", "proposal": proposal, "datasets": datasets}))
    return path


# -- the index -------------------------------------------------------------------------------------------------------


def test_the_index_knows_what_was_saved_in_the_cache(place: Place, at: Runner, cache_dir: Path) -> None:
    sessions = [place.session(f"hg{number}/id10/20231019") for number in range(2)]
    for session in sessions:  # in a run of its own each
        assert at("sync", "-q", "--cache-dir", str(cache_dir), str(session)).code == 0
    index = SessionIndex.load(SessionCache(cache_dir))
    assert sorted(index.rows) == [str(session) for session in sessions]
    list(index.check(Cancellation()))
    assert index.rows == SessionIndex.load(SessionCache(cache_dir)).rows


def test_an_index_that_can_not_be_written_is_nobodys_concern(place: Place, at: Runner, cache_dir: Path) -> None:
    place.session(ONCE)
    (cache_dir / "icat-tui" / "index").mkdir(parents=True)
    ran = at("sync", "--cache-dir", str(cache_dir))
    assert (ran.code, ran.err) == (0, "")


# -- the overview ----------------------------------------------------------------------------------------------------


def test_the_overview_covers_this_run_and_the_cache_each_session_once(
    place: Place, sync_with_cache: Runner, overview_dir: Path
) -> None:
    sessions = [place.session(f"hg{number}/id10/20231019") for number in range(4)]
    assert sync_with_cache("-q").code == 0
    everything = paths(overview_dir)
    assert sorted(everything) == [("ok", raw(session)) for session in sessions]
    assert sync_with_cache("-q", str(sessions[2])).code == 0
    assert paths(overview_dir) == everything


def test_without_a_cache_the_overview_covers_this_run(place: Place, at: Runner, overview_dir: Path) -> None:
    place.session()
    other = place.session("ma100/id10/20231019")
    at("sync", "-q", "--save-dir", str(overview_dir))
    at("sync", "-q", "--save-dir", str(overview_dir), str(other))
    assert paths(overview_dir) == [("ok", raw(other))]


def test_what_can_not_be_determined_now_is_there_once_with_what_was_known(
    place: Place, sync_with_cache: Runner, overview_dir: Path
) -> None:
    session = place.session(empty=1)
    sync_with_cache("-q")
    assert [category for category, _ in paths(overview_dir)] == ["todo"]
    place.icatplus.fault = lambda _: (403, "")
    assert sync_with_cache("-q").code == 4
    ((category, path),) = paths(overview_dir)
    assert (category, path) == ("unknown", raw(session))
    (row,) = rows(overview_dir)["unknown"]
    assert (row["registered"], row["registered_without_files"]) == ("2", "1")
    assert row["stale"]


def test_a_cache_of_icat_sync_raw_is_shown_as_stale_until_it_is_scanned(
    place: Place, sync_with_cache: Runner, overview_dir: Path, cache_dir: Path
) -> None:
    scanned, other = place.session(), place.session("ma100/id10/20231019")
    files = [old_file(cache_dir, scanned), old_file(cache_dir, other), old_file(cache_dir, other, name="again.json")]
    before = [path.read_bytes() for path in files]
    sync_with_cache("-q", str(scanned))
    assert sorted(paths(overview_dir)) == [("ok", raw(scanned)), ("unknown", raw(other))]
    sync_with_cache("-q")
    assert sorted(paths(overview_dir)) == [("ok", raw(scanned)), ("ok", raw(other))]
    sync_with_cache("-q", str(scanned))
    assert sorted(paths(overview_dir)) == [("ok", raw(scanned)), ("ok", raw(other))], "our own cache knows it by now"
    assert [path.read_bytes() for path in files] == before, "theirs are left alone"


def test_what_icat_sync_raw_knew_is_the_last_known_where_nothing_else_is(
    place: Place, sync_with_cache: Runner, overview_dir: Path, cache_dir: Path
) -> None:
    session = place.session()
    old_file(cache_dir, session, "invalid")
    place.icatplus.fault = lambda _: (403, "")
    sync_with_cache("-q")
    (row,) = rows(overview_dir)["unknown"]
    assert (row["path"], row["invalid"]) == (raw(session), "1")
    assert row["stale"]


def test_a_run_that_changes_nothing_writes_nothing(place: Place, sync_with_cache: Runner, overview_dir: Path) -> None:
    place.session()
    sync_with_cache("-q")
    before = {path: path.stat().st_mtime_ns for path in overview_dir.rglob("*")}
    sync_with_cache("-q")
    assert {path: path.stat().st_mtime_ns for path in overview_dir.rglob("*")} == before


def test_the_closing_lines_name_cache_and_overview(
    place: Place, sync_with_cache: Runner, overview_dir: Path, cache_dir: Path
) -> None:
    place.session()
    found = [f"Cache was used from {cache_dir}", f"Results can be found in {overview_dir}/esrfv3"]
    assert sync_with_cache("--no-print").out.splitlines()[-2:] == found
    place.session("hg334/id10/20231019", empty=1)
    to_do = f"To fix issues run {overview_dir}/esrfv3/todo.sh --register"
    assert sync_with_cache("--no-print").out.splitlines()[-3:] == [*found, to_do]


def test_the_scripts_go_through_the_sessions_again(
    place: Place, sync_with_cache: Runner, overview_dir: Path, cache_dir: Path
) -> None:
    session = place.session("hg 333/id10/20231019", empty=1)
    sync_with_cache("-q")
    script = overview_dir / "esrfv3" / "todo.sh"
    env = environment(**place.settings())
    for words, code in ([], 0), (["--exit-code"], 1), (["--proposal", "ma999"], 2):
        assert subprocess.run([script, "-q", *words], env=env, timeout=PATIENCE, check=False).returncode == code
    done = subprocess.run([script], env=env, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert f"Directory: {session}/RAW_DATA/" in done.stdout
    assert f"Cache was used from {cache_dir}" in done.stdout


def test_the_scripts_go_to_the_servers_of_the_command_line_and_hold_no_key(
    place: Place, run: Runner, overview_dir: Path
) -> None:
    session = place.session(empty=1, invalid=1)
    config = place.directory / "config.toml"
    config.write_text(f'data_root = "{place.root}"\n')
    servers = ["--icatplus", place.icatplus.url, "--queue", "127.0.0.1:1", "--queue", "127.0.0.1:2", "--api-key", KEY]
    words = ["--config", str(config), "--save-dir", str(overview_dir), *servers]
    assert run("sync", "-q", *words).code == 0
    script = overview_dir / "esrfv3" / "todo.sh"
    assert KEY not in script.read_text()
    place.icatplus.asked.clear()
    env = environment()
    done = subprocess.run([script, "--json"], env=env, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stderr == ""
    assert str(session) in done.stdout
    assert place.icatplus.asked
    assert " --queue=127.0.0.1:1 --queue=127.0.0.1:2 " in script.read_text()


# -- what can't be saved ---------------------------------------------------------------------------------------------


def test_a_full_disk_costs_the_overview_and_nothing_else(
    place: Place,
    sync_with_cache: Runner,
    overview_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    place.session()
    sync_with_cache("-q")
    before = {path: path.read_bytes() for path in overview_dir.rglob("*") if path.is_file()}
    for number in range(3):
        place.session(f"ma10{number}/id10/20231019")
    request.getfixturevalue("full_disk")
    ran = sync_with_cache("--json")
    assert (ran.code, ran.summary["sessions"]) == (3, 4)
    assert {path: path.read_bytes() for path in overview_dir.rglob("*") if path.is_file()} == before
    assert "was not saved: No space left on device" in ran.err
    assert ran.err.count("\n") == 2, "one line for the overview, one for the files of the cache"
    assert "(and 2 more)" in ran.err or "(and 3 more)" in ran.err
    monkeypatch.undo()


def test_what_is_left_to_scan_is_scanned_where_the_overview_can_not_even_be_drafted(
    place: Place, sync_with_cache: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for number in range(3):
        place.session(f"hg{number}/id10/20231019")
    monkeypatch.setattr("icat_tui.report.overview._spool_session", refuse)
    ran = sync_with_cache("--json")
    assert (ran.code, ran.summary["sessions"]) == (3, 3)
    assert "The overview was not saved: No space left on device" in ran.errors[-1]


def test_a_place_that_is_a_file_is_said(place: Place, at: Runner, tmp_path: Path) -> None:
    place.session()
    (tmp_path / "file").write_text("mine")
    for option in ("--save-dir", "--cache-dir"):
        ran = at("sync", "--json", option, str(tmp_path / "file"))
        assert ran.summary["exit_code"] == 3
        assert "was not saved" in ran.err
    assert (tmp_path / "file").read_text() == "mine"


# -- the cache -------------------------------------------------------------------------------------------------------


def test_a_second_run_with_the_cache_is_equal_to_the_first(place: Place, sync_with_cache: Runner) -> None:
    place.session()
    place.session("ma100/id10/20231019", empty=1, invalid=1)
    place.session("ma200/id10/20231019", known=False)

    def told(*words: str) -> list[tuple[object, ...]]:
        records = sync_with_cache("--json", *words).records[:-1]
        return sorted((r["path"], r["category"], r["counts"], r["datasets"], r["investigation"]) for r in records)

    first = told()
    assert first == told() == told("--invalidate-cache") == told("--max-age", "0")


def test_a_settled_session_is_not_asked_about_again_unless_it_is_due(place: Place, sync_with_cache: Runner) -> None:
    place.session()
    sync_with_cache("-q")
    place.icatplus.asked.clear()
    ran = sync_with_cache("--json")
    assert (ran.records[0]["cached"], place.icatplus.asked) == (True, [])
    assert sync_with_cache("--json", "--max-age", "0s").records[0]["cached"] is False
    assert place.icatplus.asked


@pytest.mark.parametrize("damage", ["", "{", '{"schema": 1}', "\udcff\x00"])
def test_a_torn_cache_file_is_a_warning_and_a_scan(
    damage: str, place: Place, sync_with_cache: Runner, cache_dir: Path
) -> None:
    place.session()
    sync_with_cache("-q")
    (path,) = cache_dir.rglob("*.json")
    path.write_bytes(damage.encode("utf-8", "surrogateescape"))
    ran = sync_with_cache("--json")
    assert (ran.code, ran.summary["categories"], ran.errors) == (0, {"ok": 1}, [])
    assert ran.err.startswith(f"icat-tui: cache file {path} can't be used")
    assert "set aside" in ran.err
    path.write_bytes(damage.encode("utf-8", "surrogateescape"))
    ran = sync_with_cache("-q")
    assert (ran.code, ran.out, ran.err.count("\n"), "set aside" in ran.err) == (0, "", 1, True)
    again = sync_with_cache("--json")
    assert (again.err, again.records[0]["cached"]) == ("", True)


def test_cache_files_that_can_not_be_read_are_missed_in_the_overview(
    place: Place, sync_with_cache: Runner, overview_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = place.session()
    for number in range(3):
        place.session(f"ma10{number}/id10/20231019")
    sync_with_cache("-q")

    def refuse(path: Path) -> bytes:
        if path.name.startswith("ma10"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return path.read_bytes()

    monkeypatch.setattr(session_cache, "read_regular", refuse)
    ran = sync_with_cache("--json", str(session))
    assert (ran.code, ran.summary["categories"]) == (3, {"ok": 1})
    assert ran.err.count("\n") == 1
    assert "the overview lacks sessions" in ran.err
    assert "(and 2 more)" in ran.err
    assert paths(overview_dir) == [("ok", raw(session))]


def test_many_torn_files_are_one_line(place: Place, sync_with_cache: Runner, cache_dir: Path) -> None:
    for number in range(5):
        place.session(f"hg{number}/id10/20231019")
    sync_with_cache("-q")
    for path in cache_dir.rglob("*.json"):
        path.write_text("{")
    ran = sync_with_cache("--no-print")
    assert ran.code == 0
    assert ran.err.count("\n") == 1
    assert "(and 4 more)" in ran.err


def test_what_is_gone_is_dropped_from_the_cache_when_that_is_asked_for(
    place: Place, sync_with_cache: Runner, overview_dir: Path, cache_dir: Path
) -> None:
    kept, gone = place.session(), place.session("ma100/id10/20231019")
    sync_with_cache("-q")
    gone.rename(place.directory / "elsewhere")
    sync_with_cache("-q")
    assert sorted(paths(overview_dir)) == [("ok", raw(kept)), ("ok", raw(gone))]
    ran = sync_with_cache("-v", "--no-print", "--invalidate-cache")
    assert f"{gone} is gone: dropped from the cache" in ran.err
    assert paths(overview_dir) == [("ok", raw(kept))]


def test_a_data_root_that_is_not_mounted_drops_nothing(
    place: Place, sync_with_cache: Runner, overview_dir: Path, cache_dir: Path
) -> None:
    sessions = [place.session(), place.session("hg333/id10/20231119")]
    sync_with_cache("-q")
    (place.root / "hg333").rename(place.directory / "elsewhere")
    ran = sync_with_cache("--json", "--invalidate-cache")
    assert ran.code == 4
    kept, none = sorted(ran.errors)
    assert "is kept in the cache (and 1 more), though it may be gone" in kept
    assert none == "this data root holds no proposal: is it mounted?"
    assert len(list(cache_dir.rglob("*.json"))) == 2
    assert sorted(paths(overview_dir)) == [("ok", raw(session)) for session in sessions]


def test_to_invalidate_no_cache_is_a_word_and_no_error(place: Place, at: Runner) -> None:
    place.session()
    ran = at("sync", "--no-print", "--invalidate-cache")
    assert ran.code == 0
    assert "does nothing without a cache: give --cache-dir" in ran.err


# -- one session, one investigation ----------------------------------------------------------------------------------


def test_a_person_may_name_the_investigation_of_one_session(place: Place, at: Runner) -> None:
    session = place.session()
    place.session("hg333/id10/20231119")
    ran = at("sync", "--json", "--investigation", "2", str(session / "RAW_DATA" / "colA"))
    assert ran.records[0]["investigation"]["id"] == 2
    ran = at("sync", "--json", "--investigation", "77", str(session))
    assert (ran.code, ran.records[0]["category"]) == (4, "unknown")
    assert "ICAT has no investigation 77" in ran.err


# -- which sessions --------------------------------------------------------------------------------------------------


def test_paths_mean_the_sessions_that_hold_them_each_once(place: Place, at: Runner) -> None:
    session = place.session()
    place.session("ma100/id10/20231019")

    def found(*words: object) -> list[str]:
        return sorted(record["proposal"] for record in at("sync", "--json", *map(str, words)).records[:-1])

    dataset = session / "RAW_DATA" / "colA" / "colA_0000"
    for path in (dataset, dataset.parent, dataset.parents[1], session, session.parent, session.parents[1]):
        assert found(path) == ["hg333"]
    assert found(dataset, session, session) == ["hg333"]
    assert found(place.root) == found(place.root, session) == ["hg333", "ma100"]
    assert found(session, "--beamline", "id99") == []


def test_a_path_outside_every_data_root_is_read_by_its_date(
    place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = place.session()
    monkeypatch.setenv("ICAT_TUI_DATA_ROOT", "/nowhere")
    assert at("sync", "--json", str(session)).summary["categories"] == {"ok": 1}
    ran = at("sync", "--json", str(session.parent))
    assert ran.code == 2
    assert "--data-root" in ran.err
    ran = at("sync", "--json", str(session), "--proposal", "ma999")
    assert "proposal ma999 is not there" in ran.errors[0]


def test_a_named_proposal_without_a_selected_session_is_there(place: Place, at: Runner) -> None:
    place.session()
    assert at("sync", "--json", "--proposal", "HG333", "--since", "20240101").code == 0
    assert at("sync", "--json", "--proposal", "hg333", "--beamline", "ID10").summary["sessions"] == 1
    assert at("sync", "--json", "--since", "20231019", "--until", "2023-10-19").summary["sessions"] == 1
    assert at("sync", "--json", "--until", "20231018").summary["sessions"] == 0


def test_several_data_roots_are_one_facility(place: Place, at: Runner, tmp_path: Path) -> None:
    place.session()
    other = tmp_path / "inhouse"
    (other / "blc1" / "id10" / "20231019").mkdir(parents=True)
    ran = at("sync", "--json", "--data-root", str(place.root), "--data-root", str(other))
    assert ran.summary["categories"] == {"not_in_icat": 1, "ok": 1}


def test_the_format_is_esrfv3_unless_it_is_asked_for(place: Place, at: Runner) -> None:
    session = place.session()
    (session / "RAW_DATA").rename(session / "raw")
    assert at("sync", "--json").records[0]["format"] == "esrfv3"
    assert at("sync", "--json", "--format", "auto").records[0]["format"] == "esrfv2"
    assert at("check", "--json", str(session)).records[0]["format"] == "esrfv2"
