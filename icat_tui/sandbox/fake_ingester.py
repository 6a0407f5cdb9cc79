"""Fake ingester: it turns messages into datasets of the catalogue (icat.md, "After the queue", "Mock server").

What must stay true: each message is ingested once, in the order of arrival, or is a dead letter with a reason. Messages
are parsed here without code of the program, which is tested against the sandbox.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from queue import SimpleQueue
from threading import Event, Thread
from typing import NamedTuple
from xml.etree import ElementTree as ET

from icat_tui.sandbox.fake_icatplus import CatalogueEntry, CatalogueState, Row
from icat_tui.sandbox.raw_data_tree import SITE, SandboxFacility

NAMESPACE = "{http://www.esrf.fr/icat}"
REQUIRED = ("investigation", "instrument", "name", "location", "startDate", "endDate")
DELAY = 1.0
"""Seconds until a message is ingested, so that a person sees datasets as pending."""
MOST_FILES = 30_000
"""Files of a dataset that are counted, at most."""


class DeadLetter(NamedTuple):
    """Message that could not be ingested."""

    queue: str
    body: bytes
    reason: str


class Ingester:
    """Ingester that keeps messages at once, and ingests each after a delay."""

    def __init__(self, state: CatalogueState, facility: SandboxFacility, delay: float) -> None:
        """Ingest into `state`, with files counted in `facility`; `delay` is in seconds."""
        self.dead_letters: list[DeadLetter] = []
        self._state, self._facility, self._delay = state, facility, delay
        self._waiting: SimpleQueue[tuple[float, str, bytes] | None] = SimpleQueue()
        self._closing = Event()

    def enqueue(self, queue: str, body: bytes) -> None:
        """Keep a message of a queue until it is due; may be called from any thread."""
        self._waiting.put((time.monotonic() + self._delay, queue, body))

    def run(self) -> None:
        """Ingest messages as they become due, until `close`."""
        while (message := self._waiting.get()) is not None:
            due, queue, body = message
            if self._closing.wait(max(0.0, due - time.monotonic())):
                return
            try:
                ingest(self._state, self._facility, queue, body)
            except ValueError as error:
                self.dead_letters.append(DeadLetter(queue, body, str(error)))

    def close(self) -> None:
        """End `run`; messages that are not ingested yet are lost, like the content of the catalogue."""
        self._closing.set()
        self._waiting.put(None)


@contextmanager
def ingesting(state: CatalogueState, facility: SandboxFacility, delay: float = DELAY) -> Iterator[Ingester]:
    """Run an ingester while the context lasts; yield it."""
    ingester = Ingester(state, facility, delay)
    thread = Thread(target=ingester.run, name="ingester", daemon=True)
    thread.start()
    try:
        yield ingester
    finally:
        ingester.close()
        thread.join()


def ingest(state: CatalogueState, facility: SandboxFacility, queue: str, body: bytes) -> None:
    """Ingest a message of a queue into the catalogue. Raises ValueError where that is not possible."""
    if queue == SITE.dataset_queue:
        _add_dataset(state, facility, body)
    elif queue == SITE.files_queue:
        _add_files(state, facility, body)
    else:
        raise ValueError(f"nobody takes messages from the queue {queue!a}")


# -- datasets --------------------------------------------------------------------------------------------------------


def _add_dataset(state: CatalogueState, facility: SandboxFacility, body: bytes) -> None:
    """Add the dataset of a message, even where it is registered already: registration is not idempotent."""
    root = _parsed(body)
    field = {name: root.findtext(f"{NAMESPACE}{name}") or "" for name in REQUIRED}
    if missing := [name for name, text in field.items() if not text.strip()]:
        raise ValueError(f"it has no {', '.join(missing)}")
    parameters = {
        parameter.findtext(f"{NAMESPACE}name") or "": parameter.findtext(f"{NAMESPACE}value") or ""
        for parameter in root.iterfind(f"{NAMESPACE}parameter")
    }
    location, start = field["location"], _time(field["startDate"])
    if not location.startswith("/"):
        raise ValueError(f"its location {location!a} is not an absolute path")
    entry = CatalogueEntry(
        name=field["name"],
        location=location,
        start=start,
        end=_time(field["endDate"]),
        sample=root.findtext(f"{NAMESPACE}sample/{NAMESPACE}name") or parameters.get("Sample_name", ""),
        file_count=count_files(facility.on_disk(location)),
        kind="processed" if "input_datasets" in parameters else "acquisition",
    )
    rows = state.investigations(SITE.beamline(field["instrument"].strip()), field["investigation"].strip())
    if not rows:
        raise ValueError(f"there is no investigation of {field['investigation']!a} at {field['instrument']!a}")
    state.add_dataset(_chosen(rows, parameters.get("investigationId"), start), entry)


def _parsed(body: bytes) -> ET.Element:
    try:
        root = ET.fromstring(body)  # noqa: S314 - sent by the user of the sandbox, on this machine
    except (ET.ParseError, LookupError, ValueError) as error:  # the last two: an unknown encoding
        raise ValueError(f"not well-formed XML ({error})") from error
    if root.tag != f"{NAMESPACE}dataset":
        raise ValueError(f"its root is {root.tag!a}, not an ICAT dataset")
    return root


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())  # a ValueError that names the text
    return moment if moment.tzinfo else moment.replace(tzinfo=SITE.zone)


def _chosen(rows: list[Row], named: str | None, start: datetime) -> int:
    """Return the investigation with id `named`, else the one whose time slot contains the start, else the nearest."""

    def distance(row: Row) -> timedelta:
        before = datetime.fromisoformat(row["startDate"]) - start
        after = start - datetime.fromisoformat(row["endDate"]) if row["endDate"] else timedelta(0)
        return max(before, after, timedelta(0))

    ids: list[int] = [row["id"] for row in sorted(rows, key=distance)]
    return next((investigation for investigation in ids if str(investigation) == named), ids[0])


# -- files -----------------------------------------------------------------------------------------------------------


def _add_files(state: CatalogueState, facility: SandboxFacility, body: bytes) -> None:
    """Count the files of the dataset that a message names."""
    try:
        asked: object = json.loads(body)
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from error
    match asked:
        case {"datasetId": int(dataset)} if not isinstance(dataset, bool):
            pass
        case _:
            raise ValueError("it has no datasetId that is a number")
    try:
        location = state.location(dataset)
    except KeyError:
        raise ValueError(f"there is no dataset {dataset}") from None
    if location is None:
        raise ValueError(f"nobody knows where dataset {dataset} lies")
    state.count_files(dataset, count_files(facility.on_disk(location)))


def count_files(directory: str) -> int:
    """Return the number of files in a directory and below; a directory that can't be listed counts as empty."""
    number = 0
    for _, _, files in os.walk(directory):
        number += len(files)
        if number >= MOST_FILES:
            return MOST_FILES
    return number
