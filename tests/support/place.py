"""A tree of sessions without HDF5 files, and what the ICAT+ of a test has of it: enough to scan."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from icat_tui.sandbox.fake_icatplus import CatalogueEntry
from tests.support.icatplus import FaultyIcatPlus

KEY = "elogbook-0000secret-of-the-tests"
START = datetime(2023, 10, 19, 8, tzinfo=UTC)


@dataclass
class Place:
    """A tree, and what ICAT has of it."""

    directory: Path
    icatplus: FaultyIcatPlus
    investigations: int = 0

    @property
    def root(self) -> Path:
        return self.directory / "visitor"

    def session(
        self,
        name: str = "hg333/id10/20231019",
        *,
        registered: int = 2,
        empty: int = 0,
        invalid: int = 0,
        known: bool = True,
    ) -> Path:
        """Make a session long over: datasets registered, registered without files, and invalid ones, in this order."""
        proposal, beamline, date = name.split("/")
        path = self.root / name
        raw = path / "RAW_DATA"
        raw.mkdir(parents=True)
        start = datetime.strptime(date, "%Y%m%d").replace(hour=8, tzinfo=UTC)
        if known:
            self.investigations += 1
            end = start + timedelta(days=3)
            self.icatplus.state.add_investigation(self.investigations, proposal, beamline, start, end)
        for number in range(registered + empty + invalid):
            dataset = raw / "colA" / f"colA_{number:04}"
            dataset.mkdir(parents=True)
            has_data = number < registered + empty
            if has_data:
                (dataset / "data.txt").write_text("1")
            for changed in (*dataset.iterdir(), dataset):  # what changed just now may be in progress
                os.utime(changed, (start.timestamp(), start.timestamp()))
            if known and has_data:
                count = 1 if number < registered else 0
                entry = CatalogueEntry(f"{number:04}", str(dataset), start, start, "sA", count)
                self.icatplus.state.add_dataset(self.investigations, entry)
        return path

    def settings(self, **more: str) -> dict[str, str]:
        """Return the settings to work here, for the environment; `queue` so that nobody asks Beacon for one."""
        return {"data_root": str(self.root), "icatplus": self.icatplus.url, "api_key": KEY, "jobs": "2"} | more

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Return every file below the place with its time and content: equal where nothing was written."""
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(self.directory.rglob("*"))
            if path.is_file()
        }
