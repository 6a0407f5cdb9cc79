"""A facility that works, in this process: sessions that lack things in ICAT, a broker, and the ingester behind it.

What must stay true: what is sent twice is there twice, so that nothing is sent twice unseen.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.records import Record
from icat_tui.journal.sendings import Sending
from icat_tui.sandbox.fake_icatplus import CatalogueEntry
from tests.support.bliss import stored_message, write_bliss
from tests.support.icatplus import serving_icatplus
from tests.support.journal_entries import index_of, records_in, shared_journal
from tests.support.modification_times import settle
from tests.support.place import Place
from tests.support.scripted_broker import Client, Frame, ScriptedBroker, accept, serving_broker

SESSION = "hg333/id10/20231019"
NAMESPACE = "{http://www.esrf.fr/icat}"


def add_lacking(
    place: Place,
    name: str = SESSION,
    *,
    unregistered: int = 0,
    not_uploaded: int = 0,
    without_files: int = 0,
    invalid: int = 0,
    registered: int = 0,
) -> Path:
    """Make a session, long over, whose datasets lack what their collection is called after; return its path."""
    path = place.session(name, registered=0)
    for collection, number in {
        "unregistered": unregistered,
        "uploaded": not_uploaded,
        "files": without_files,
        "invalid": invalid,
        "registered": registered,
    }.items():
        for count in range(1, number + 1):
            _add(place, path, collection, f"{count:04}")
    settle(path)
    return path


def _add(place: Place, session: Path, collection: str, name: str) -> None:
    dataset = session / "RAW_DATA" / collection / f"{collection}_{name}"
    if collection == "invalid":
        dataset.mkdir(parents=True)
        return
    write_bliss(dataset / f"{dataset.name}.h5")
    proposal, beamline, date = session.parts[-3:]
    if collection == "uploaded":
        stored = session / "RAW_DATA" / "__icat__" / f"{dataset.name}.xml"
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(stored_message(dataset, proposal=proposal, beamline=beamline, name=name, sample="sB"))
    if collection in ("files", "registered"):
        start = datetime.fromisoformat(f"{date}T08:00:00+02:00")
        count = 0 if collection == "files" else 1
        place.icatplus.state.add_dataset(
            place.investigations, CatalogueEntry(name, str(dataset), start, start, "sA", count)
        )


def dataset(session: Path, collection: str, name: str = "0001") -> str:
    return f"{session}/RAW_DATA/{collection}/{collection}_{name}"


@dataclass
class Ingester:
    """What ICAT makes of messages: a script of the broker, or a part of one. Faults are values of its fields."""

    place: Place
    drops: bool = False
    elsewhere: int | None = None
    """The investigation where all is filed, whatever the message says."""
    counts_later: bool = False
    """New datasets have no file count yet, and files that were asked for are not counted."""
    waits: bool = False
    """Messages wait until `catch_up`."""
    received: list[Frame] = field(default_factory=list)
    waiting: list[Frame] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, client: Client, frame: Frame) -> None:
        """Accept a message and ingest it."""
        self.take(frame)
        accept(client, frame)

    def take(self, frame: Frame) -> None:
        with self.lock:
            self.received.append(frame)
            if self.waits:
                self.waiting.append(frame)
            elif not self.drops:
                self.ingest(frame)

    def catch_up(self) -> None:
        with self.lock:
            for frame in self.waiting:
                self.ingest(frame)
            self.waiting.clear()

    def ingest(self, frame: Frame) -> None:
        if frame.headers["destination"].endswith("icatDataFiles"):
            if not self.counts_later:
                self.count(json.loads(frame.body)["datasetId"])
            return
        root = ET.fromstring(frame.body)
        text = {child.tag.removeprefix(NAMESPACE): child.text or "" for child in root}
        slots = self.place.icatplus.state.investigations(text["instrument"], text["investigation"])
        investigation = self.elsewhere or slots[0]["id"]
        moments = [datetime.fromisoformat(text[name]) for name in ("startDate", "endDate")]
        sample = root.findtext(f"{NAMESPACE}sample/{NAMESPACE}name", "")
        count = None if self.counts_later else 1
        entry = CatalogueEntry(text["name"], text["location"], moments[0], moments[1], sample, count)
        self.place.icatplus.state.add_dataset(investigation, entry)

    def count(self, number: int) -> None:
        """Make ICAT count the files of a dataset."""
        state = self.place.icatplus.state
        with state._lock:
            for rows in state._datasets.values():
                for place, row in enumerate(rows):
                    if row["id"] == number:
                        kept = [each for each in row["parameters"] if each["name"] != "__fileCount"]
                        rows[place] = row | {"parameters": [*kept, {"id": 9, "name": "__fileCount", "value": "1"}]}

    @property
    def locations(self) -> Counter[str]:
        """How often each dataset is registered in ICAT."""
        rows = self.place.icatplus.state._datasets.values()
        return Counter(row["location"] for each in rows for row in each)


@dataclass
class LiveFacility:
    """Facility of a test: disk, ICAT+, broker and ingester."""

    place: Place
    broker: ScriptedBroker
    ingester: Ingester
    state_dir: Path

    def session(self, name: str = SESSION, **lacking: int) -> Path:
        return add_lacking(self.place, name, **lacking)

    def settings(self, **more: str) -> dict[str, str]:
        """Return the settings to work here: nothing is waited for longer than needed."""
        here = {"queue": str(self.broker.address), "state_dir": str(self.state_dir), "rate": "0", "verify_wait": "0s"}
        return self.place.settings(**here) | more

    @property
    def journal(self) -> JournalDirectory:
        return JournalDirectory(self.state_dir)

    @property
    def records(self) -> list[Record]:
        """What the journal says; fails where a line is no record."""
        assert not index_of(self.journal).damaged
        return records_in(self.journal)

    def told(self, path: str) -> list[str]:
        """Return the kinds of record of a dataset, in their order; outcomes by name."""
        records = [record for record in self.records if record.dataset == path]
        return [str(record.outcome or record.record) for record in records]

    @property
    def pending(self) -> list[Sending]:
        return list(index_of(self.journal).pending())

    @property
    def bodies(self) -> list[bytes]:
        return [frame.body for frame in self.broker.sent]


def statuses_of(record: dict[str, Any]) -> dict[str, str]:
    """Return the status of each dataset of a session's record, by `<collection>_<name>`."""
    return {one["path"].rpartition("/")[2]: one["status"] for one in record["datasets"]}


@contextmanager
def serving_facility(directory: Path) -> Iterator[LiveFacility]:
    """Give a facility in a directory, whose ICAT+, broker and ingester are there."""
    with serving_icatplus() as icatplus:
        place = Place(directory / "facility", icatplus)
        place.root.mkdir(parents=True)
        ingester = Ingester(place)
        with serving_broker(ScriptedBroker(script=ingester)) as broker:
            yield LiveFacility(place, broker, ingester, shared_journal(directory / "state").path)
