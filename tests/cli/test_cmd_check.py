"""`icat-tui check`: which session, what is said, what it is worth in exit codes, and nothing written."""

from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.program import Runner


def test_a_scientist_is_told_in_words_and_last_what_was_not_looked_at(place: Place, at: Runner) -> None:
    ran = at("check", str(place.session()))
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "= hg333 on id10, 2023-10-19"
    assert "  In the catalogue: 2 of 2 datasets on disk" in lines
    assert "  Of 2 files counted on disk, ICAT has 2" in lines
    assert lines[-2].startswith("Not looked at: processed data")


def test_the_files_of_all_datasets_count_whether_icat_has_them_or_not(place: Place, at: Runner) -> None:
    session = place.session(empty=1, invalid=1)
    datasets = session / "RAW_DATA" / "colA"
    (datasets / "colA_0000" / "scan0001").mkdir()
    (datasets / "colA_0000" / "scan0001" / "frames.h5").write_text("")
    for name in ("one", "two"):
        (datasets / "colA_0003" / name).write_text("")
    ran = at("check", str(session))
    assert "  Of 6 files counted on disk, ICAT has 2:" in ran.out
    assert f"    {datasets}/colA_0000: 1 of 2" in ran.out
    assert f"    {datasets}/colA_0002: 0 of 1" in ran.out


def test_a_dataset_with_fewer_files_in_icat_is_no_good_news(place: Place, at: Runner) -> None:
    session = place.session(registered=10)
    dataset = session / "RAW_DATA" / "colA" / "colA_0003"
    for number in range(40):
        (dataset / f"frame_{number:04}.h5").write_text("")
    ran = at("check", str(session))
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0] == "o hg333 on id10, 2023-10-19"
    assert lines[2:4] == ["  Of 50 files counted on disk, ICAT has 10:", f"    {dataset}: 1 of 41"]
    mail = ran.out.partition("mail to your local contact:")[2]
    assert f"{dataset} (ICAT id 4): 1 of 41 files" in mail
    for words in (["-q"], ["--json"]):
        assert at("check", *words, str(session)).code == 1
    (record, _) = at("check", "--json", str(session)).records
    assert record["category"] == "ok"
    assert record["datasets"][3]["files"] == {"on_disk": 41, "in_icat": 1}
    for number in range(40):
        (dataset / f"frame_{number:04}.h5").unlink()
    assert at("check", str(session)).code == 0


@pytest.mark.parametrize(
    ("session", "code"),
    [({}, 0), ({"empty": 1}, 1), ({"invalid": 1}, 1), ({"known": False}, 1), ({"registered": 0}, 0)],
)
def test_the_exit_code_says_whether_something_is_missing(
    session: dict[str, int], code: int, place: Place, at: Runner
) -> None:
    path = place.session(**session)  # type: ignore[arg-type] # numbers and one flag
    assert at("check", str(path)).code == code
    assert at("check", "--json", str(path)).summary["exit_code"] == code


def test_an_outage_is_not_missing(place: Place, at: Runner) -> None:
    path = place.session()
    place.icatplus.fault = lambda _: (403, "")
    ran = at("check", str(path))
    assert ran.code == 4
    assert "does not mean that it is not there" in ran.out
    assert "refuses the API key" in ran.err


def test_quiet_is_for_the_exit_code_alone(place: Place, at: Runner) -> None:
    path = place.session(empty=1)
    ran = at("check", "-q", str(path))
    assert (ran.code, ran.out, ran.err) == (1, "", "")


def test_nothing_is_written_anywhere(place: Place, at: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.session(empty=1, invalid=1)
    monkeypatch.setenv("ICAT_TUI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ICAT_TUI_SAVE_DIR", str(tmp_path / "overview"))
    before = place.files()
    at("check", str(path))
    at("check", "--json", "--proposal", "hg333")
    assert place.files() == before
    assert list(tmp_path.iterdir()) == [place.directory]


def test_what_is_in_the_cache_does_not_count(
    place: Place, at: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place.session()
    monkeypatch.setenv("ICAT_TUI_CACHE_DIR", str(tmp_path / "cache"))
    at("sync", "-q")
    asked = len(place.icatplus.asked)
    assert at("check", "--json", str(path)).records[0]["cached"] is False
    assert len(place.icatplus.asked) > asked


# -- which session ---------------------------------------------------------------------------------------------------


def test_without_a_path_it_is_the_session_one_is_in(place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    session = place.session()
    place.session("hg333/id10/20231119")
    for inside in (session, session / "RAW_DATA", session / "RAW_DATA" / "colA" / "colA_0000"):
        monkeypatch.chdir(inside)
        (record, _) = at("check", "--json").records
        assert record["path"] == str(session)


def test_without_a_path_a_link_to_the_data_root_is_seen_through(
    place: Place, at: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = place.session()
    (tmp_path / "link").symlink_to(place.root)
    monkeypatch.setenv("ICAT_TUI_DATA_ROOT", str(tmp_path / "link"))
    monkeypatch.chdir(session)
    assert at("check", "--json").summary["sessions"] == 1


def test_elsewhere_it_says_what_to_give(
    place: Place, at: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = place.session()
    for outside in (place.root, session.parents[3], tmp_path):
        monkeypatch.chdir(outside)
        ran = at("check", "--json")
        assert ran.summary["exit_code"] == 2
        assert "give a PATH" in ran.err
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "give a PATH" in at("check").err


def test_in_a_proposal_or_beamline_directory_its_sessions_are_a_line_each(
    place: Place, at: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = place.session(), place.session("hg333/id10/20231119", empty=1)
    third = place.session("hg333/id21/20231019")
    place.session("ma1/id10/20231019")
    lines = [
        f"= hg333 on id10, 2023-10-19: 2 of 2 datasets in the catalogue  {first}",
        f"! hg333 on id10, 2023-11-19: 3 of 3 datasets in the catalogue; 1 registered without files  {second}",
        f"= hg333 on id21, 2023-10-19: 2 of 2 datasets in the catalogue  {third}",
    ]
    for where, expected in ((first.parent, lines[:2]), (first.parents[1], lines)):
        monkeypatch.chdir(where)
        for words in ([], [str(where)], ["."]):
            ran = at("check", *words)
            *told, empty, more, _, _ = ran.out.splitlines()
            assert (ran.code, sorted(told), empty) == (1, sorted(expected), "")
            assert more == "More about a session: icat-tui check PATH"
    assert at("check", str(first), str(second)).out.count("In the catalogue:") == 2, "each was named"
    assert "In the catalogue:" in at("check", str(third.parent)).out, "there is one only"


def test_2_for_something_named_without_a_session_and_0_for_globs_and_dates(place: Place, at: Runner) -> None:
    place.session()
    (place.root / "ma1" / "id10" / "notes").mkdir(parents=True)
    for words in (["--proposal", "ma1"], ["--beamline", "id99"], [f"{place.root}/ma1"], [f"{place.root}/ma1/id10"]):
        ran = at("check", "-q", *words)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == "icat-tui: there is no session in what was named: check the PATH, or the names\n"
        assert at("check", "--json", *words).summary["exit_code"] == 2
    for words in (["--proposal", "m*"], ["--proposal", "hg333", "--since", "20240101"], ["--beamline", "bm*"]):
        ran = at("check", *words)
        assert (ran.code, ran.err) == (0, "icat-tui: no session on disk matches what was asked for\n")


@pytest.mark.parametrize(
    ("given", "there", "looks_like"),
    [
        ("esrfv3", "raw", "esrfv2"),
        ("esrfv2", "RAW_DATA", "esrfv3"),
        ("mx", "raw", "esrfv2"),
        ("esrfv1", "RAW_DATA", "esrfv3"),
        ("esrfv3", "colA", "esrfv1"),
        ("esrfv3", "SCRIPTS", ""),
        ("esrfv1", "SCRIPTS", ""),
    ],
)
def test_data_of_another_format_is_told_and_no_good_news(
    given: str, there: str, looks_like: str, place: Place, at: Runner
) -> None:
    session = place.session(registered=0)
    (session / "RAW_DATA").rmdir()
    (session / there / "colA_0001").mkdir(parents=True)
    ran = at("check", "--format", given, str(session))
    assert ran.code == (3 if looks_like else 0)
    assert (f"it looks like {looks_like}" in ran.out) == bool(looks_like)
    said = f"icat-tui: {session}: no {given} data, and it looks like {looks_like}: give --format {looks_like}\n"
    assert ran.err == (said if looks_like else "")


def test_where_icat_plus_is_down_that_is_said_first_and_once(place: Place, at: Runner) -> None:
    session = place.session(registered=12)
    place.icatplus.fault = lambda _: (403, "")
    ran = at("check", str(session))
    assert ran.code == 4
    lines = ran.out.splitlines()
    assert lines[2].startswith("  Could not be checked: ICAT+ refuses the API key")
    assert ran.out.count("refuses the API key") == 1
    assert "of 12" not in ran.out


def test_where_no_icat_plus_is_known_a_scientist_knows_whom_to_ask(place: Place, nobody_else_knows: Runner) -> None:
    ran = nobody_else_knows("check", str(place.root))
    assert ran.code == 2
    assert "ask your local contact for it, or give --icatplus URL" in ran.err
    assert "local contact" not in nobody_else_knows("sync").err


def test_a_selection_is_as_good_as_a_path(place: Place, at: Runner, tmp_path: Path) -> None:
    place.session()
    for words in (["--proposal", "HG333"], ["--session", "20231019"], ["--data-root", str(place.root)]):
        assert at("check", "--json", *words).summary["sessions"] == 1
