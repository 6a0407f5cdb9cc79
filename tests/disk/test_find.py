"""Tests of the search for sessions, also beside odd entries and directories that can't be listed."""

import errno
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from icat_tui.disk.find import NO_PROPOSAL, find_sessions, is_on_disk, roots_once, sessions_at, sessions_once
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import DirectoryFailed, DirectoryIgnored
from icat_tui.domain.selection import Selection
from tests.support.names import HOSTILE_NAMES
from tests.support.sessions_on_disk import make_raw_directories

FACILITY = Facility()
V3 = RawFormat.ESRFV3


def found(root: Path, selection: Selection | None = None, raw_format: RawFormat | str = V3) -> list[str]:
    return [
        one.path.removeprefix(f"{root}/")
        for one in find_sessions(str(root), selection or Selection(), FACILITY, raw_format)  # type: ignore[arg-type] # any format
        if isinstance(one, SessionDirectory)
    ]


def failed(root: Path, selection: Selection | None = None) -> dict[str, str]:
    return {
        one.path.removeprefix(f"{root}/"): one.reason
        for one in find_sessions(str(root), selection or Selection(), FACILITY, "auto")
        if isinstance(one, DirectoryFailed)
    }


def ignored(root: Path, selection: Selection | None = None) -> list[str]:
    return [
        one.path.removeprefix(f"{root}/")
        for one in find_sessions(str(root), selection or Selection(), FACILITY, "auto")
        if isinstance(one, DirectoryIgnored)
    ]


def test_sessions_come_sorted_and_know_where_they_were_found(root: Path) -> None:
    make_raw_directories(
        root, "ma1/id27/20240102", "hg333/ID23-1/20231020", "hg333/id23eh1/20231019", "hg333/ID23-1/20230101"
    )
    sessions = list(find_sessions(str(root) + "/", Selection(), FACILITY, V3))
    assert sessions == [
        SessionDirectory(f"{root}/hg333/ID23-1/20230101", "hg333", "id23-1", "20230101", V3),
        SessionDirectory(f"{root}/hg333/ID23-1/20231020", "hg333", "id23-1", "20231020", V3),
        SessionDirectory(f"{root}/hg333/id23eh1/20231019", "hg333", "id23-1", "20231019", V3),
        SessionDirectory(f"{root}/ma1/id27/20240102", "ma1", "id27", "20240102", V3),
    ]


def test_hidden_names_files_and_what_is_no_date_are_passed_over(root: Path) -> None:
    make_raw_directories(
        root, "hg333/id99/20231019", ".hg334/id99/20231019", "hg333/.id99/20231019", "hg333/id99/20250231"
    )
    make_raw_directories(root, "hg333/id99/notes", "hg333/id99/.20231020")
    (root / "README").write_text("")
    (root / "hg333/id99/20231021").write_text("")
    assert found(root) == ["hg333/id99/20231019"]
    assert failed(root) == {}


@pytest.mark.parametrize("name", ["20231019_bis", "2023-10-19", "20230231", "20231019 ", "old", "\u0662\u0660231019"])
def test_raw_data_in_what_is_no_session_is_told(root: Path, name: str) -> None:
    make_raw_directories(root, "hg333/id99/20231019", f"hg333/id99/{name}", "hg333/id99/20231019_empty")
    (root / "hg333" / "id99" / name / "RAW_DATA" / "colA").mkdir()
    assert found(root) == ["hg333/id99/20231019"]
    assert ignored(root) == [f"hg333/id99/{name}"]
    assert failed(root) == {}
    assert ignored(root, Selection(proposals=("ma1",))) == []
    assert ignored(root, Selection(beamlines=("id27",))) == []


@pytest.mark.parametrize("level", ["hg333", "hg333/id99", "hg333/20231019"])
def test_raw_data_above_the_sessions_is_told_once(root: Path, level: str) -> None:
    for collection in ("colA", "20231020"):
        (root / level / "RAW_DATA" / collection).mkdir(parents=True)
    make_raw_directories(root, "hg333/id27/20231019")
    assert ignored(root) == [level]
    assert found(root) == ["hg333/id27/20231019"]
    assert ignored(root, Selection(beamlines=("id27",))) == []


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        (Selection(sessions=("20231019",)), True),
        (Selection(sessions=("20231019_*",)), True),
        (Selection(sessions=("20231020",)), False),
        (Selection(since=date(2023, 10, 19), until=date(2023, 10, 19)), True),
        (Selection(since=date(2023, 10, 20)), False),
        (Selection(until=date(2023, 10, 18)), False),
    ],
)
def test_what_is_no_session_is_selected_by_the_date_in_its_name(
    root: Path, selection: Selection, *, told: bool
) -> None:
    (root / "hg333" / "id99" / "20231019_bis" / "RAW_DATA" / "colA").mkdir(parents=True)
    assert ignored(root, selection) == ["hg333/id99/20231019_bis"] * told


@pytest.mark.parametrize("name", ["lost+found", "System Volume Information", "system volume information", ".snapshot"])
@pytest.mark.parametrize("level", ["", "hg333/", "hg333/id99/"])
def test_what_file_systems_make_for_themselves_is_passed_over(
    root: Path, refuse: Callable[[Path, int], None], level: str, name: str
) -> None:
    make_raw_directories(root, "hg333/id99/20231019", f"{level}{name}")
    refuse(root / level / name, errno.EACCES)
    assert found(root) == ["hg333/id99/20231019"]
    assert failed(root) == {}


def test_the_names_to_ignore_are_globs_of_the_settings(root: Path) -> None:
    make_raw_directories(root, "hg333/id99/20231019", "test1/id99/20231019", "hg333/Old/20231019")
    ignoring = Facility(ignore=("TEST?", "old", "20*"))
    assert list(find_sessions(str(root), Selection(), ignoring, V3)) == []
    everything = Facility(ignore=())
    (root / "lost+found").mkdir()
    assert len(list(find_sessions(str(root), Selection(), everything, V3))) == 3


def test_a_root_with_nothing_but_what_is_ignored_holds_no_proposal(root: Path) -> None:
    (root / "lost+found").mkdir(parents=True)
    assert list(find_sessions(str(root), Selection(), FACILITY, V3)) == [DirectoryFailed(str(root), NO_PROPOSAL)]


def test_links_to_directories_are_followed(root: Path, tmp_path: Path) -> None:
    make_raw_directories(tmp_path / "elsewhere", "id99/20231019")
    (root / "hg333").symlink_to(tmp_path / "elsewhere")
    (root / "gone").symlink_to(tmp_path / "nowhere")
    assert found(root) == ["hg333/id99/20231019"]


def test_a_looping_link_costs_itself_only(root: Path) -> None:
    make_raw_directories(root, "hg333/id99/20231019")
    for place in ("loop", "hg333/loop", "hg333/id99/20231020"):
        (root / place).symlink_to(root / place)
    assert found(root) == ["hg333/id99/20231019"]
    loops = os.strerror(errno.ELOOP)
    assert failed(root) == {"loop": loops, "hg333/loop": loops, "hg333/id99/20231020": loops}
    assert failed(root, Selection(proposals=("hg*",), beamlines=("id*",), since=None, sessions=("20231019",))) == {}


@pytest.mark.parametrize("place", ["hg333", "hg333/id99"])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_directory_that_cannot_be_listed_is_said_and_the_rest_goes_on(
    root: Path, refuse: Callable[[Path, int], None], place: str, number: int
) -> None:
    make_raw_directories(root, "hg333/id99/20231019", "ma1/id99/20231019")
    refuse(root / place, number)
    assert found(root) == ["ma1/id99/20231019"]
    assert failed(root) == {place: os.strerror(number)}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_without_permission_is_said(root: Path) -> None:
    make_raw_directories(root, "hg333/id99/20231019", "ma1/id99/20231019")
    (root / "hg333").chmod(0)
    try:
        assert found(root) == ["ma1/id99/20231019"]
        assert failed(root) == {"hg333": os.strerror(errno.EACCES)}
    finally:
        (root / "hg333").chmod(0o755)


def test_a_root_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert list(find_sessions(str(tmp_path / "none"), Selection(), FACILITY, V3)) == [
        DirectoryFailed(str(tmp_path / "none"), os.strerror(errno.ENOENT))
    ]


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(), True),
        (Selection(proposals=("hg333",), beamlines=("id99",)), True),
        (Selection(proposals=("hg333", "hg*")), False),
        (Selection(beamlines=("id9?",)), False),
        (Selection(sessions=("20231019",)), False),
        (Selection(until=date(2023, 10, 19)), False),
    ],
)
def test_a_root_without_a_proposal_is_said_unless_nothing_may_well_match(
    root: Path, selection: Selection, *, said: bool
) -> None:
    (root / ".snapshot").mkdir(parents=True)
    (root / "README").write_text("")
    assert list(find_sessions(str(root), selection, FACILITY, V3)) == said * [DirectoryFailed(str(root), NO_PROPOSAL)]
    (root / "ma1").mkdir()
    assert list(find_sessions(str(root), selection, FACILITY, V3)) == []


def test_sessions_come_as_they_are_found(root: Path, refuse: Callable[[Path, int], None]) -> None:
    make_raw_directories(root, "hg333/id99/20231019", "ma1/id99/20231019")
    sessions = find_sessions(str(root), Selection(), FACILITY, V3)
    assert isinstance(next(sessions), SessionDirectory)
    refuse(root / "ma1", errno.EIO)  # not looked at yet
    assert isinstance(next(sessions), DirectoryFailed)


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if not name.startswith(".")])
def test_hostile_proposals_are_found_under_their_own_names(root: Path, name: str) -> None:
    make_raw_directories(root, f"{name}/id99/20231019")
    assert found(root) == [f"{name}/id99/20231019"]
    assert found(root, Selection(proposals=(name,))) == [f"{name}/id99/20231019"]


def test_the_selection_holds_at_each_level(root: Path) -> None:
    make_raw_directories(
        root, *(f"{p}/{b}/{d}" for p in ("hg1", "hg2") for b in ("id23eh1", "id99") for d in ("20230101", "20240101"))
    )
    selection = Selection(proposals=("HG2",), beamlines=("id23-1",), sessions=("2024*",))
    assert found(root, selection) == ["hg2/id23eh1/20240101"]


# -- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("directory", "raw_format"),
    [("RAW_DATA", "esrfv3"), ("raw", "esrfv2"), ("PROCESSED_DATA", "esrfv3"), ("processed", "esrfv2"), ("x", "esrfv1")],
)
def test_auto_looks_into_the_session(root: Path, directory: str, raw_format: str) -> None:
    (root / "hg333/id99/20231019" / directory).mkdir(parents=True)
    (root / "hg333/id99/20231019/RAW_DATA.txt").write_text("")
    (session,) = find_sessions(str(root), Selection(), FACILITY, "auto")
    assert isinstance(session, SessionDirectory)
    assert session.format == raw_format


def test_auto_takes_a_raw_directory_that_nobody_can_look_at_for_what_it_is_called(root: Path) -> None:
    (root / "hg333/id99/20231019/processed").mkdir(parents=True)
    (root / "hg333/id99/20231019/RAW_DATA").symlink_to("RAW_DATA")
    (session,) = find_sessions(str(root), Selection(), FACILITY, "auto")
    assert isinstance(session, SessionDirectory)
    assert session.format == V3


def test_auto_says_where_a_session_cannot_be_listed(root: Path, refuse: Callable[[Path, int], None]) -> None:
    make_raw_directories(root, "hg333/id99/20231019", "hg333/id99/20231020")
    refuse(root / "hg333/id99/20231019", errno.EACCES)
    assert found(root, raw_format="auto") == ["hg333/id99/20231020"]
    assert failed(root) == {"hg333/id99/20231019": os.strerror(errno.EACCES)}
    assert found(root, raw_format=V3) == ["hg333/id99/20231019", "hg333/id99/20231020"]


def test_auto_takes_the_word_of_the_facility(root: Path, refuse: Callable[[Path, int], None]) -> None:
    make_raw_directories(root, "hg333/id23eh1/20231019")
    refuse(root / "hg333/id23eh1/20231019", errno.EACCES)  # there is no need to look
    (session,) = find_sessions(str(root), Selection(), Facility(formats={"id23-1": "mx"}), "auto")
    assert isinstance(session, SessionDirectory)
    assert session.format == RawFormat.MX


# -- by PATH ---------------------------------------------------------------------------------------------------------


def at(path: Path | str, root: Path, selection: Selection | None = None) -> list[str]:
    return [
        one.path.removeprefix(f"{root}/")
        for one in sessions_at(str(path), [str(root)], FACILITY, V3, selection or Selection())
    ]


@pytest.mark.parametrize(
    "below", ["", "/", "/RAW_DATA", "/RAW_DATA/colA", "/RAW_DATA/colA/colA_0001", "/RAW_DATA/colA/colA_0001/"]
)
def test_a_path_in_a_session_is_that_session(two_proposals: Path, below: str) -> None:
    assert at(f"{two_proposals}/hg333/id99/20231019{below}", two_proposals) == ["hg333/id99/20231019"]


def test_a_path_above_sessions_is_all_of_them(two_proposals: Path) -> None:
    assert at(two_proposals / "hg333" / "id99", two_proposals) == ["hg333/id99/20231019", "hg333/id99/20231020"]
    assert at(two_proposals / "hg333", two_proposals) == [
        "hg333/id27/20231019",
        "hg333/id99/20231019",
        "hg333/id99/20231020",
    ]
    assert len(at(two_proposals, two_proposals)) == 4


def test_a_path_and_a_selection_hold_together(two_proposals: Path) -> None:
    assert at(two_proposals, two_proposals, Selection(beamlines=("id27",))) == ["hg333/id27/20231019"]
    assert at(two_proposals / "hg333/id99/20231019", two_proposals, Selection(sessions=("20231020",))) == []
    assert at(two_proposals / "hg333", two_proposals, Selection(proposals=("ma1",))) == []


def test_a_relative_path_is_one_of_the_working_directory(two_proposals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(two_proposals / "hg333" / "id99" / "20231019" / "RAW_DATA")
    assert at(".", two_proposals) == ["hg333/id99/20231019"]
    assert at("../../20231020", two_proposals) == ["hg333/id99/20231020"]


def test_a_root_known_by_a_link_is_recognised_and_its_name_kept(two_proposals: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.symlink_to(two_proposals)
    assert at(two_proposals / "hg333" / "id27", linked) == ["hg333/id27/20231019"]
    assert at(linked / "hg333" / "id27", two_proposals) == ["hg333/id27/20231019"]


def test_the_innermost_root_counts(two_proposals: Path) -> None:
    sessions = list(
        sessions_at(f"{two_proposals}/hg333", [str(two_proposals.parent), str(two_proposals)], FACILITY, V3)
    )
    assert len(sessions) == 3


def test_outside_every_root_the_date_tells(two_proposals: Path) -> None:
    (session,) = sessions_at(f"{two_proposals}/hg333/id99/20231019/RAW_DATA/colA", ["/data/visitor"], FACILITY, V3)
    assert session == SessionDirectory(f"{two_proposals}/hg333/id99/20231019", "hg333", "id99", "20231019", V3)


@pytest.mark.parametrize("place", ["", "hg333", "hg333/id99"])
def test_outside_every_root_and_without_a_date_data_root_is_asked_for(two_proposals: Path, place: str) -> None:
    with pytest.raises(UsageError, match="--data-root"):
        sessions_at(str(two_proposals / place), ["/data/visitor"], FACILITY, V3)


@pytest.mark.parametrize("place", ["hg999", "hg333/id99/20231231", "hg333/id99/20231019/RAW_DATA/colB"])
def test_a_path_that_is_not_there_is_an_error(two_proposals: Path, place: str) -> None:
    with pytest.raises(UsageError, match="is not there"):
        sessions_at(str(two_proposals / place), [str(two_proposals)], FACILITY, V3)


def test_a_path_at_the_place_of_a_session_that_is_none_is_an_error(two_proposals: Path) -> None:
    (two_proposals / "hg333/id99/notes/deep").mkdir(parents=True)
    with pytest.raises(UsageError, match="is in no session"):
        sessions_at(str(two_proposals / "hg333/id99/notes/deep"), [str(two_proposals)], FACILITY, V3)


def test_a_path_that_may_not_be_looked_at_is_still_a_session(
    two_proposals: Path, refuse: Callable[[str, int], None]
) -> None:
    path = f"{two_proposals}/hg333/id99/20231019"
    refuse(path, errno.EACCES)
    assert at(path, two_proposals) == ["hg333/id99/20231019"]


# -- once ------------------------------------------------------------------------------------------------------------


def test_a_root_that_is_another_name_of_one_before_is_left_out(two_proposals: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(two_proposals)
    (tmp_path / "other").mkdir()
    link, root, other, gone = (str(tmp_path / name) for name in ("link", two_proposals.name, "other", "gone"))
    assert roots_once([root, link, other, f"{root}/", root]) == (root, other)
    assert roots_once([link, root]) == (link,)
    assert roots_once([other, gone, root, link, gone]) == (other, gone, root)
    assert roots_once([]) == ()


def test_a_session_that_is_found_under_two_names_is_there_once_by_the_first(two_proposals: Path) -> None:
    session = two_proposals / "hg333" / "id99" / "20231019"
    link = session.with_name("20231018")
    link.symlink_to(session)
    failed = DirectoryFailed(f"{two_proposals}/none", "Permission denied")
    found = {
        path: next(sessions_at(str(path), [str(two_proposals)], FACILITY, V3))
        for path in (session, link, session.with_name("20231020"))
    }
    by_path = [found[path] for path in (session, session.with_name("20231020"))]
    assert sessions_once([failed, *reversed(by_path), found[link], failed]) == [*by_path, failed]
    assert sessions_once([found[link], found[session]]) == [found[link]]


# -- whether a session is on disk ------------------------------------------------------------------------------------


def test_a_session_is_gone_only_if_a_directory_that_was_listed_lacks_it(root: Path) -> None:
    make_raw_directories(root, "hg333/id99/20231019", "hg333/id27/20231019", "ma1/id99/20231019")
    session = SessionDirectory(f"{root}/hg333/id99/20231019", "hg333", "id99", "20231019", V3)
    assert is_on_disk(session, FACILITY) is True
    for level in ("hg333/id99/20231019", "hg333/id99", "hg333"):
        (root / level).rename(root / "hidden")
        assert is_on_disk(session, FACILITY) is False
        (root / "hidden").rename(root / level)


def test_a_root_that_holds_no_proposal_does_not_tell_whether_a_session_is_gone(root: Path) -> None:
    (root / "lost+found").mkdir(parents=True)
    session = SessionDirectory(f"{root}/hg333/id99/20231019", "hg333", "id99", "20231019", V3)
    assert "is it mounted?" in str(is_on_disk(session, FACILITY))


@pytest.mark.parametrize("refused", ["hg333", "hg333/id99"])
def test_a_directory_that_cannot_be_listed_does_not_tell_whether_a_session_is_gone(
    root: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    make_raw_directories(root, "hg333/id99/20231020", "hg333/id27/20231019")
    session = SessionDirectory(f"{root}/hg333/id99/20231019", "hg333", "id99", "20231019", V3)
    if refused == "hg333":
        (root / "hg333" / "id99").rename(root / "hidden")
    listed = os.listdir

    def refuse(path: str) -> list[str]:
        if path == str(root / refused):
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return listed(path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert is_on_disk(session, FACILITY) == f"{root / refused} could not be listed: {os.strerror(errno.EIO)}"
