"""Fake ICAT+ on loopback, with the two calls of icat.md, "ICAT+ REST".

What must stay true: the content of the catalogue is in `CatalogueState` only; the server reads it for each answer, so
that an entry is in all answers after it was added.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from threading import Event, Lock
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from icat_tui.sandbox.local_server import serving

SANDBOX_KEY = "elogbook-sandbox-not-a-real-key"
"""API key of the sandbox."""

Row = dict[str, Any]
"""Element of an answer, as it is in JSON."""


class CatalogueEntry(NamedTuple):
    """Dataset to be added to the catalogue."""

    name: str
    location: str | None
    """None: an entry without a location, which can't be matched."""
    start: datetime
    end: datetime
    sample: str
    file_count: int | None
    """None: its files are not counted yet."""
    kind: str = "acquisition"
    """`acquisition` or `processed`."""


class CatalogueState:
    """Content of the catalogue. Rows are replaced, never changed, so that they can be read without a lock."""

    def __init__(self) -> None:
        """Start with an empty catalogue."""
        self._lock = Lock()
        self._investigations: dict[int, Row] = {}
        self._datasets: dict[int, list[Row]] = {}
        self._next_dataset = 1

    def add_investigation(
        self, investigation: int, name: str, beamline: str, start: datetime, end: datetime | None
    ) -> None:
        """Add a time slot; without an end it is open-ended."""
        row = {
            "id": investigation,
            "name": name,
            "title": f"Experiment {name}",
            "visitId": f"{beamline.upper()} {start:%d-%m-%Y}",
            "instrument": {"id": 1, "name": beamline.upper()},
            "startDate": _date(start),
            "endDate": end and _date(end),
            "parameters": {},
        }
        with self._lock:
            self._investigations[investigation] = row
            self._datasets.setdefault(investigation, [])

    def add_dataset(self, investigation: int, entry: CatalogueEntry) -> int:
        """Add a dataset to an investigation, even where it has the same already; return its id."""
        with self._lock:
            dataset = self._next_dataset
            self._next_dataset += 1
            slot = self._investigations[investigation]
            row = {
                "id": dataset,
                "name": entry.name,
                "location": entry.location,
                "startDate": _date(entry.start),
                "endDate": _date(entry.end),
                "sampleName": entry.sample,
                "type": entry.kind,
                "instrumentName": slot["instrument"]["name"],
                "investigation": {"id": investigation, "name": slot["name"]},
                "parameters": _parameters(dataset, entry.sample, entry.file_count),
            }
            self._datasets[investigation].append(row)
            return dataset

    def location(self, dataset: int) -> str | None:
        """Return the location of a dataset; None where its entry has none. Raises KeyError for an unknown dataset."""
        with self._lock:
            rows, place = self._place(dataset)
            location: str | None = rows[place]["location"]
            return location

    def count_files(self, dataset: int, file_count: int) -> None:
        """Set the number of files of a dataset. Raises KeyError for an unknown dataset."""
        with self._lock:
            rows, place = self._place(dataset)
            row = rows[place]
            rows[place] = {**row, "parameters": _parameters(dataset, row["sampleName"], file_count)}

    def _place(self, dataset: int) -> tuple[list[Row], int]:
        for rows in self._datasets.values():
            for place, row in enumerate(rows):
                if row["id"] == dataset:
                    return rows, place
        raise KeyError(dataset)

    def investigations(self, instrument: str, proposal: str) -> list[Row]:
        """Return the investigations of a proposal at a beamline, in any spelling: `hg333` finds `HG-333`."""
        with self._lock:
            return [
                row
                for row in self._investigations.values()
                if row["instrument"]["name"].lower() == instrument.lower()
                and _normalised(row["name"]) == _normalised(proposal)
            ]

    def datasets(self, investigation: int) -> list[Row]:
        """Return the datasets of an investigation; none where there is no such investigation."""
        with self._lock:
            return list(self._datasets.get(investigation, ()))


class HttpReply(NamedTuple):
    """HTTP status and body: a list is sent as JSON, a text as it is."""

    status: HTTPStatus
    body: list[Row] | str


def answer(state: CatalogueState, key: str, target: str, page_size: int | None = None) -> HttpReply:
    """Return the reply to GET `target` (path and query); `page_size` is the limit of rows where the query has none.

    Source: icat.md, "The two calls", "Investigations in JSON", "Datasets in JSON".
    """
    url = urlsplit(target)
    parts = [unquote(part) for part in url.path.split("/")[1:]]
    query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    match parts:
        case ["dataacquisition", given, ("investigation" | "dataset") as what]:
            if given != key:
                return HttpReply(HTTPStatus.UNAUTHORIZED, "the key is not valid")
        case _:
            return HttpReply(HTTPStatus.NOT_FOUND, "no such page")
    try:
        if what == "investigation":
            rows = state.investigations(query["instrumentName"], query["investigationName"])
        else:
            rows = state.datasets(int(query["investigationId"]))
        return HttpReply(HTTPStatus.OK, _page(rows, query, page_size))
    except KeyError as missing:
        return HttpReply(HTTPStatus.BAD_REQUEST, f"{missing.args[0]} is missing")
    except ValueError as wrong:
        return HttpReply(HTTPStatus.BAD_REQUEST, f"not a number: {wrong}")


@contextmanager
def serve(
    state: CatalogueState,
    port: int = 0,
    *,
    key: str = SANDBOX_KEY,
    latency: float = 0.0,
    page_size: int | None = None,
) -> Iterator[str]:
    """Answer on 127.0.0.1 while the context lasts; yield the base URL.

    `latency` is in seconds and for each answer. Port 0 is any free one. Raises OSError where the port is taken.
    """
    closing = Event()

    def reply(target: str) -> HttpReply:
        closing.wait(latency)
        return answer(state, key, target, page_size)

    with serving(_handler(reply), port, "icatplus") as bound:
        try:
            yield f"http://127.0.0.1:{bound}"
        finally:
            closing.set()


def _handler(reply_to: Callable[[str], HttpReply]) -> type[BaseHTTPRequestHandler]:
    """Return a handler class for GET requests that logs nothing."""

    class IcatPlusHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 18  # headers and body leave in one write

        def do_GET(self) -> None:
            status, body = reply_to(self.path)
            kind, content = ("text/plain", body) if isinstance(body, str) else ("application/json", json.dumps(body))
            data = content.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Log nothing: the key is in every URL."""

    return IcatPlusHandler


def _page(rows: list[Row], query: Mapping[str, str], page_size: int | None) -> list[Row]:
    """Return the rows that `limit` and `skip` select, each with the numbers of pages and rows."""
    skip = max(int(query.get("skip", 0)), 0)
    limit = max(int(query.get("limit", page_size or len(rows))), 1)
    page = {"total": len(rows), "totalPages": -(-len(rows) // limit), "currentPage": skip // limit + 1}
    return [{**row, "meta": {"page": page}} for row in rows[skip : skip + limit]]


def _parameters(dataset: int, sample: str, file_count: int | None) -> list[Row]:
    """Return the parameters of a dataset; all values are strings (icat.md, "Datasets in JSON")."""
    statistics = {} if file_count is None else {"__fileCount": str(file_count), "__volume": "8192"}
    return [
        {"id": number, "name": name, "value": value, "datasetId": dataset}
        for number, (name, value) in enumerate({"Sample_name": sample, **statistics}.items(), 1)
    ]


def _normalised(proposal: str) -> str:
    return proposal.replace("-", "").lower()


def _date(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
