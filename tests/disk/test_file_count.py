"""Counts of files: those that ICAT lists too, as far as they can be counted."""

import os
from pathlib import Path

import pytest

from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.disk.file_count import CountedFiles, count_files


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A dataset with three files, one of them in a directory below."""
    path = tmp_path / "colA_0001"
    (path / "scan0001" / "below").mkdir(parents=True)
    for name in ("colA_0001.h5", "scan0001/frame_0.h5", "scan0001/below/frame_1.h5"):
        (path / name).write_text("")
    return path


def test_files_count_at_any_depth_and_directories_do_not(dataset: Path) -> None:
    assert count_files(str(dataset)) == CountedFiles(3, complete=True)


def test_links_and_what_is_hidden_are_left_out(dataset: Path, tmp_path: Path) -> None:
    (dataset / ".nfs000").write_text("")
    (dataset / ".hidden").mkdir()
    (dataset / ".hidden" / "file").write_text("")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("")
    (dataset / "directory").symlink_to(tmp_path / "elsewhere")
    (dataset / "file").symlink_to(dataset / "colA_0001.h5")
    (dataset / "dead").symlink_to("nowhere")
    (dataset / "round").symlink_to(dataset)
    os.mkfifo(dataset / "pipe")
    assert count_files(str(dataset)) == CountedFiles(3, complete=True)


def test_what_can_not_be_listed_leaves_at_least_the_others(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("below"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    counted = count_files(str(dataset))
    assert (counted, counted.known) == (CountedFiles(2, complete=False), 2)
    nothing = count_files(str(dataset / "no"))
    assert (nothing, nothing.known) == (CountedFiles(0, complete=False), None)
    assert CountedFiles(0, complete=True).known == 0


def test_counting_ends_above_the_most(dataset: Path) -> None:
    assert count_files(str(dataset), most=3) == CountedFiles(3, complete=True)
    assert count_files(str(dataset), most=2) == CountedFiles(2, complete=False)


def test_a_count_can_be_cancelled_between_directories(dataset: Path) -> None:
    cancellation, listed = Cancellation(), []

    def check() -> None:
        cancellation.check()
        listed.append(1)
        cancellation.cancel()

    with pytest.raises(Cancelled):
        count_files(str(dataset), check)
    assert len(listed) == 1
