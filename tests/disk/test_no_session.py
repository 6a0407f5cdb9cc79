"""Tests of what is said of raw data in directories that are no sessions."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from icat_tui.disk.no_session import HOLDS_RAW_DATA, raw_data_in


@pytest.mark.parametrize(
    ("place", "holds"),
    [
        ("20231019_bis/RAW_DATA/colA", True),
        ("test/RAW_DATA/colA/colA_0001", True),
        ("20230231/RAW_DATA/colA", True),
        ("old/20231019/RAW_DATA/colA", True),
        ("20231019_bis/20231019/RAW_DATA/colA", True),
        ("old/20231019/RAW_DATA", False),
        ("old/20231019", False),
        ("old/20230231/RAW_DATA/colA", False),
        ("20231019_bis/RAW_DATA", False),
        ("20231019_bis/RAW_DATA/__icat__", False),
        ("20231019_bis/RAW_DATA/.hidden", False),
        ("20231019_bis/RAW_DATA/lost+found", False),
        ("20231019_bis/PROCESSED_DATA/colA/colA_0001", False),
        ("20231019_bis/raw/colA/colA_0001", True),
        ("test/raw/colA/colA_0001", True),
        ("test/raw/colA/other", False),
        ("2023-10-19/colA/colA_0001", True),
        ("2023-10-19/colA/other", False),
        ("old_20231019/processed/processed_0001", False),
        ("tools/colA/colA_0001", False),
    ],
)
def test_raw_data_is_known_by_the_names_of_its_directories(tmp_path: Path, place: str, *, holds: bool) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / "file").write_text("")
    assert raw_data_in(str(tmp_path / place.partition("/")[0])) == (HOLDS_RAW_DATA if holds else "")


def test_files_are_no_raw_data(tmp_path: Path) -> None:
    (tmp_path / "20231019_bis" / "RAW_DATA").mkdir(parents=True)
    (tmp_path / "20231019_bis" / "RAW_DATA" / "colA").write_text("")
    (tmp_path / "20231019_old").mkdir()
    (tmp_path / "20231019_old" / "RAW_DATA").write_text("")
    assert raw_data_in(str(tmp_path / "20231019_bis")) == ""
    assert raw_data_in(str(tmp_path / "20231019_old")) == ""


def test_a_link_to_what_lies_in_a_session_is_not_told(tmp_path: Path) -> None:
    above = tmp_path / "hg333" / "id99"
    (above / "20231019" / "RAW_DATA" / "colA").mkdir(parents=True)
    (above / "latest").symlink_to("20231019")
    (above / "20231019_bis").mkdir()
    (above / "20231019_bis" / "RAW_DATA").symlink_to("../20231019/RAW_DATA")
    (tmp_path / "store" / "RAW_DATA" / "colA").mkdir(parents=True)
    (above / "20231019_ter").symlink_to(tmp_path / "store")
    (above / "all").symlink_to(".")
    assert raw_data_in(str(above / "all")) == ""
    assert raw_data_in(str(above / "latest")) == ""
    assert raw_data_in(str(above / "20231019_bis")) == ""
    assert raw_data_in(str(above / "20231019_ter")) == HOLDS_RAW_DATA


@pytest.mark.parametrize("gone", ["", "/RAW_DATA", "/RAW_DATA/colA"])
def test_what_goes_meanwhile_is_not_told(tmp_path: Path, refuse: Callable[[Path, int], None], gone: str) -> None:
    (tmp_path / "20231019_bis" / "RAW_DATA" / "colA").mkdir(parents=True)
    refuse(Path(f"{tmp_path}/20231019_bis{gone}"), errno.ENOENT)
    assert raw_data_in(f"{tmp_path}/20231019_bis") == (HOLDS_RAW_DATA if gone.endswith("colA") else "")


@pytest.mark.parametrize(
    ("name", "refused", "told"),
    [("20231019_bis", "", True), ("test", "", False), ("test", "/RAW_DATA", True), ("20231019_bis", "/RAW_DATA", True)],
)
def test_what_may_not_be_listed_is_told_where_its_name_points_to_raw_data(
    tmp_path: Path, refuse: Callable[[Path, int], None], name: str, refused: str, *, told: bool
) -> None:
    (tmp_path / name / "RAW_DATA" / "colA").mkdir(parents=True)
    refuse(Path(f"{tmp_path}/{name}{refused}"), errno.EACCES)
    why = f"may hold raw data ({tmp_path}/{name}{refused}: {os.strerror(errno.EACCES)})"
    assert raw_data_in(str(tmp_path / name)) == (why if told else "")
