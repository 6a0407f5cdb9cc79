"""Counts of files: those that ICAT lists too, as far as they can be counted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.disk.file_count import CountedFiles, count_files, newest_below


def test_files_count_at_any_depth_and_directories_do_not(three_files: Path) -> None:
    assert count_files(str(three_files)) == CountedFiles(3, complete=True)


def test_links_and_what_is_hidden_are_left_out(three_files: Path, tmp_path: Path) -> None:
    (three_files / ".nfs000").write_text("")
    (three_files / ".hidden").mkdir()
    (three_files / ".hidden" / "file").write_text("")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("")
    (three_files / "directory").symlink_to(tmp_path / "elsewhere")
    (three_files / "file").symlink_to(three_files / "colA_0001.h5")
    (three_files / "dead").symlink_to("nowhere")
    (three_files / "round").symlink_to(three_files)
    os.mkfifo(three_files / "pipe")
    assert count_files(str(three_files)) == CountedFiles(3, complete=True)


def test_what_can_not_be_listed_leaves_at_least_the_others(three_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("below"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    counted = count_files(str(three_files))
    assert (counted, counted.known) == (CountedFiles(2, complete=False), 2)
    nothing = count_files(str(three_files / "no"))
    assert (nothing, nothing.known) == (CountedFiles(0, complete=False), None)
    assert CountedFiles(0, complete=True).known == 0


def test_counting_ends_above_the_most(three_files: Path) -> None:
    assert count_files(str(three_files), most=3) == CountedFiles(3, complete=True)
    assert count_files(str(three_files), most=2) == CountedFiles(2, complete=False)


def test_a_count_can_be_cancelled_between_directories(three_files: Path) -> None:
    cancellation, listed = Cancellation(), []

    def check() -> None:
        cancellation.check()
        listed.append(1)
        cancellation.cancel()

    with pytest.raises(Cancelled):
        count_files(str(three_files), check)
    assert len(listed) == 1


def test_the_newest_of_a_directory_lies_anywhere_in_it(tmp_path: Path, three_files: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert newest_below(str(tmp_path / "empty")) is None
    entries = [*three_files.rglob("*")]
    for number, entry in enumerate(sorted(entries, reverse=True)):
        for each in entries:
            os.utime(each, ns=(1000, 1000))
        os.utime(entry, ns=(2000 + number, 2000 + number))
        assert newest_below(str(three_files)) == 2000 + number
    with pytest.raises(NotADirectoryError):
        newest_below(str(entries[0]) if entries[0].is_file() else str(next(each for each in entries if each.is_file())))


def test_a_link_is_as_old_as_it_is_itself(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "round").symlink_to(tmp_path)
    os.utime(tmp_path / "dataset" / "round", ns=(7000, 7000), follow_symlinks=False)
    assert newest_below(str(tmp_path / "dataset")) == 7000


def test_what_goes_or_can_not_be_listed_meanwhile_is_passed_over(
    three_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in three_files.rglob("*"):
        os.utime(each, ns=(1000, 1000))
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("below"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert newest_below(str(three_files)) == 1000


def test_a_directory_that_is_renamed_meanwhile_is_not_empty(
    three_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    @contextmanager
    def rename_after(path: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        with scandir(path) as listing:
            entries = list(listing)
        three_files.rename(tmp_path / "elsewhere")
        yield iter(entries)

    monkeypatch.setattr(os, "scandir", rename_after)
    with pytest.raises(FileNotFoundError):
        newest_below(str(three_files))


def test_no_more_entries_are_looked_at_than_are_counted(three_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icat_tui.disk.file_count.MOST_COUNTED", 1)
    assert newest_below(str(three_files)) is not None
