"""Rows of other proposals: kept by investigation, found by location, there for the next run."""

import os
from pathlib import Path

import pytest

from icat_tui.cache.foreign_rows import SCHEMA, ForeignRows
from icat_tui.domain.errors import SaveError
from icat_tui.domain.model import ForeignRow
from tests.support.time_slot import FACILITY

GROUP, OTHER = ("id10", "blc1002"), ("id99", "ma1")
PLACE = "/data/visitor/hg1000/id99/20231019/RAW_DATA/colA/colA_000{}"


def a_row(number: int = 1, investigation: int = 9, location: str = "") -> ForeignRow:
    return ForeignRow(location or PLACE.format(number), number, investigation, "blc1002", "id10", 3)


def files(cache_dir: Path) -> list[Path]:
    return sorted((cache_dir / "icat-tui" / "foreign").glob("*"))


def test_a_row_is_found_by_its_location_however_that_is_spelled() -> None:
    seen = ForeignRows(FACILITY)
    seen.note(GROUP, 9, (a_row(1, location=f"/mnt{PLACE.format(1).replace('id99', 'ID99')}"),), complete=True)
    found = seen.at(PLACE.format(1))
    assert found is not None
    assert found.id == 1
    assert seen.at(PLACE.format(2)) is None


def test_a_list_in_full_takes_the_place_of_what_was_known_and_one_with_gaps_adds_to_it() -> None:
    seen = ForeignRows(FACILITY)
    seen.note(GROUP, 9, (a_row(1),), complete=True)
    seen.note(GROUP, 8, (a_row(3, 8),), complete=True)
    assert seen.at(PLACE.format(1))
    seen.note(GROUP, 9, (a_row(2),), complete=False)
    assert [bool(seen.at(PLACE.format(number))) for number in (1, 2, 3)] == [True, True, True]
    seen.note(GROUP, 9, (a_row(2),), complete=True)
    assert [bool(seen.at(PLACE.format(number))) for number in (1, 2, 3)] == [False, True, True]


def test_the_next_run_knows_what_was_saved_and_a_proposal_without_rows_has_no_file(tmp_path: Path) -> None:
    seen = ForeignRows(FACILITY, tmp_path)
    seen.note(GROUP, 9, (a_row(1), a_row(2)), complete=True)
    seen.note(GROUP, 8, (a_row(3, 8),), complete=True)
    seen.note(OTHER, 7, (), complete=True)
    assert not files(tmp_path)
    seen.save()
    assert [path.name.startswith("blc1002_id10-") for path in files(tmp_path)] == [True]
    later = ForeignRows(FACILITY, tmp_path)
    assert later.at(PLACE.format(3)) == a_row(3, 8)
    later.note(GROUP, 9, (), complete=True)
    later.save()
    assert ForeignRows(FACILITY, tmp_path).at(PLACE.format(1)) is None
    assert ForeignRows(FACILITY, tmp_path).at(PLACE.format(3)) == a_row(3, 8)
    later.note(GROUP, 8, (), complete=True)
    later.save()
    assert not files(tmp_path)


def test_without_a_directory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen = ForeignRows(FACILITY)
    seen.note(GROUP, 9, (a_row(),), complete=True)
    seen.save()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 99, "beamline": "", "proposal": "", "rows": []}'])
def test_a_file_that_can_not_be_used_is_as_good_as_none(content: bytes, tmp_path: Path) -> None:
    seen = ForeignRows(FACILITY, tmp_path)
    seen.note(GROUP, 9, (a_row(),), complete=True)
    seen.save()
    (path,) = files(tmp_path)
    assert b'"schema": %d' % SCHEMA in path.read_bytes()
    path.with_name("other.json").write_bytes(content)
    assert ForeignRows(FACILITY, tmp_path).at(PLACE.format(1)) == a_row()


def test_bytes_that_are_no_text_come_back(tmp_path: Path) -> None:
    seen, group = ForeignRows(FACILITY, tmp_path), ("id10", os.fsdecode(b"caf\xe9"))
    row = ForeignRow(PLACE.format(1), 1, 9, group[1], group[0])
    seen.note(group, 9, (row,), complete=True)
    seen.save()
    assert ForeignRows(FACILITY, tmp_path).at(PLACE.format(1)) == row


def test_what_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "icat-tui").write_text("")
    seen = ForeignRows(FACILITY, tmp_path)
    seen.note(GROUP, 9, (a_row(),), complete=True)
    with pytest.raises(SaveError):
        seen.save()
