"""One session on disk, an ICAT+ that knows its time slot, and a broker: what sending by hand takes.

Unlike the facility of `live_facility.py` it lies below a mount point, and ICAT knows its datasets when a test says so.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from icat_tui.disk.stored_xml import parse_stored
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.sendings import MessageState
from icat_tui.sandbox.fake_icatplus import SANDBOX_KEY, CatalogueEntry, CatalogueState, serve
from tests.support.bliss import stored_message, write_bliss
from tests.support.journal_entries import index_of, shared_journal
from tests.support.scripted_broker import Frame, ScriptedBroker, serving_broker

ZONE = ZoneInfo("Europe/Paris")
START = datetime(2023, 10, 19, 8, tzinfo=ZONE)
END = START + timedelta(days=5)
INVESTIGATION = 7
TNS = "{http://www.esrf.fr/icat}"


@dataclass
class Beamtime:
    """hg333 at id99 from 2023-10-19 on, below a mount point: ICAT is told `/data/visitor/…`."""

    directory: Path
    state: CatalogueState = field(default_factory=CatalogueState)
    broker: ScriptedBroker = field(default_factory=ScriptedBroker)
    icatplus: str = ""
    day: str = "20231019"

    def __post_init__(self) -> None:
        self.state.add_investigation(INVESTIGATION, "HG-333", "id99", START, END)
        self.raw.mkdir(parents=True)

    @property
    def root(self) -> Path:
        return self.directory / "data" / "visitor"

    @property
    def session(self) -> Path:
        return self.root / "hg333" / "id99" / self.day

    @property
    def raw(self) -> Path:
        return self.session / "RAW_DATA"

    @property
    def state_dir(self) -> Path:
        return self.directory / "state"

    @property
    def journal(self) -> JournalDirectory:
        return JournalDirectory(self.state_dir)

    @property
    def environment(self) -> dict[str, str]:
        """The settings to work with it."""
        settings = {
            "DATA_ROOT": str(self.root),
            "STATE_DIR": str(self.state_dir),
            "QUEUE": str(self.broker.address),
            "ICATPLUS": self.icatplus,
            "API_KEY": SANDBOX_KEY,
            "RATE": "0",
        }
        return {f"ICAT_TUI_{name}": value for name, value in settings.items()}

    def dataset(self, name: str = "0001", collection: str = "colA") -> Path:
        """Make a dataset that BLISS has written, long ago."""
        path = self.raw / collection / f"{collection}_{name}"
        write_bliss(path / f"{path.name}.h5")
        self.age()
        return path

    def stored(self, name: str = "0001", *, collection: str = "colA", age: float = 0) -> Path:
        """Leave a message for a dataset, `age` seconds older than the others."""
        path = self.raw / "__icat__" / f"{collection}_{name}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(stored_message(self.location(self.raw / collection / f"{collection}_{name}")))
        os.utime(path, (1.7e9 - age, 1.7e9 - age))
        return path

    def age(self) -> None:
        """Let everything have been at rest for long."""
        for path in (self.raw, *self.raw.rglob("*")):
            os.utime(path, (1.7e9, 1.7e9))

    def location(self, path: Path) -> str:
        """Return a directory as ICAT is told it."""
        return "/" + str(path.relative_to(self.directory))

    def register(self, path: Path, *, file_count: int | None = 3, investigation: int = INVESTIGATION) -> int:
        """Put a dataset into the catalogue; return its id."""
        name = path.name.removeprefix(f"{path.parent.name}_")
        return self.state.add_dataset(
            investigation, CatalogueEntry(name, self.location(path), START, END, "sA", file_count)
        )

    def standing(self) -> list[tuple[str, MessageState]]:
        """Return what the journal says: of each message the dataset directory's name and where it stands."""
        index = index_of(self.journal)
        assert not index.damaged
        return [(Path(each.dataset).name, each.state) for each in index.sendings()]

    @property
    def bodies(self) -> list[bytes]:
        """What the broker got, in order."""
        return [_bytes(frame) for frame in self.broker.sent]

    def ingest(self) -> None:
        """Do with all that the broker got what ICAT does: from now on the catalogue lists it."""
        for body in self.bodies:
            self._ingest(body)

    def ingest_one(self, frame: Frame) -> None:
        """Do with one message what ICAT does."""
        self._ingest(_bytes(frame))

    def _ingest(self, body: bytes) -> None:
        told = parse_stored("", body, ZONE)
        entry = CatalogueEntry(told.name, told.location, told.start, told.end, told.sample, 1)
        self.state.add_dataset(INVESTIGATION, entry)


def _bytes(frame: Frame) -> bytes:
    body: str | bytes = frame.body
    return body if isinstance(body, bytes) else body.encode()


def parameters(body: bytes) -> dict[str, str]:
    """Return the parameters of a dataset message by name."""
    root = ET.fromstring(body)
    pairs = root.findall(f"{TNS}parameter")
    return {pair.findtext(f"{TNS}name", ""): pair.findtext(f"{TNS}value", "") for pair in pairs}


@contextmanager
def serving_beamtime(directory: Path) -> Iterator[Beamtime]:
    """Give a session whose ICAT+ and broker are there."""
    here = Beamtime(directory)
    shared_journal(here.state_dir)
    with serve(here.state) as here.icatplus, serving_broker(here.broker):
        yield here
