"""A directory that is known is listed again only where it has changed, and what is found is as if it always were."""

from pathlib import Path

import pytest

from icat_tui.disk import known_listings
from icat_tui.disk.filesystem import EntryKind, entries_of
from icat_tui.disk.find import find_sessions
from icat_tui.disk.known_listings import KnownListings
from icat_tui.domain.facility import Facility
from icat_tui.domain.selection import Selection


def note_listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the directories that are listed from now on, as they are."""
    seen: list[str] = []

    def list_it(path: str) -> list[tuple[str, EntryKind]]:
        seen.append(path)
        return entries_of(path)

    monkeypatch.setattr(known_listings, "entries_of", list_it)
    return seen


def test_what_has_not_changed_is_not_listed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = note_listings(monkeypatch)
    monkeypatch.setattr(known_listings, "AT_REST", -1.0)  # the time of the change can't be set
    for proposal in ("hg1", "hg2"):
        (tmp_path / proposal / "id10" / "20231019").mkdir(parents=True)
    listings = KnownListings()

    def find() -> list[str]:
        found = find_sessions(str(tmp_path), Selection(), Facility(), "auto", listings.entries)
        return [each.path for each in found]

    first = find()
    assert len(first) == 2
    listed.clear()
    assert find() == first
    assert listed == []
    (tmp_path / "hg1" / "id10" / "20231020").mkdir()
    assert len(find()) == 3
    assert listed[0] == str(tmp_path / "hg1" / "id10")
    (tmp_path / "hg2" / "id10" / "20231019").rmdir()
    assert len(find()) == 2


def test_what_changes_while_it_is_listed_is_listed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = note_listings(monkeypatch)
    listings = KnownListings()
    listings.entries(str(tmp_path))  # made a moment ago
    listings.entries(str(tmp_path))
    assert len(seen) == 2


def test_what_cannot_be_listed_is_said_each_time(tmp_path: Path) -> None:
    listings = KnownListings()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            listings.entries(str(tmp_path / "none"))
