"""Start the mock back end of pyicat-plus, tell it what the kit's catalogue holds, and serve until stdin is closed.

    python serve_mock.py ROOT/icat.json EMPTY_DIRECTORY

For the interpreter that has `pyicat-plus[test]`. It is told by messages, as ICAT is, so that the answers have the form
that its authors gave them. Then its state is edited where messages can't say it: ends of time slots, ids stay its own.
Prints one line of JSON: the URL.
"""

import importlib
import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

WAIT = 60.0
"""Seconds until everything must have been ingested."""


def main() -> None:
    """Feed and serve."""
    catalogue = json.loads(Path(sys.argv[1]).read_text())
    state = Path(sys.argv[2])
    mock = importlib.import_module("pyicat_plus_pytest_plugin._mock_backend")
    client_class = importlib.import_module("pyicat_plus.client.main").IcatClient
    with mock.mock_icat_backend(state) as settings:
        client = client_class(**settings)
        feed_investigations(client, catalogue["investigations"], state)
        feed_datasets(client, catalogue, state)
        client.disconnect()
        print(json.dumps({"url": settings["elogbook_url"]}), flush=True)
        sys.stdin.read()


def feed_investigations(client: Any, investigations: list[dict[str, Any]], state: Path) -> None:
    """Have the investigations made, then give them their ends."""
    table = state / "investigations.json"
    for number, investigation in enumerate(investigations, 1):
        client.start_investigation(
            beamline=investigation["instrument"]["name"],
            proposal=investigation["name"],
            start_datetime=datetime.fromisoformat(investigation["startDate"]),
        )
        # One by one: many at once get lost on the way (nobody asks for receipts, icat.md, "Connections and receipts").
        rows = wait_for(lambda: read(table), number)
    ends = {key(row): row.get("endDate") for row in investigations}
    for row in rows:
        if end := ends[key(row)]:
            row["endDate"] = end
    table.write_text(json.dumps(rows))


def feed_datasets(client: Any, catalogue: dict[str, Any], state: Path) -> None:
    """Have the datasets made, then give them the file counts of the catalogue."""
    by_id = {row["id"]: row for row in catalogue["investigations"]}
    datasets = [row for rows in catalogue["datasets"].values() for row in rows]
    for number, dataset in enumerate(datasets, 1):
        investigation = by_id[dataset["investigation"]["id"]]
        client.store_dataset(
            beamline=investigation["instrument"]["name"],
            proposal=investigation["name"],
            dataset=dataset["name"],
            path=dataset["location"],
            metadata={
                "Sample_name": dataset["sampleName"],
                "startDate": datetime.fromisoformat(dataset["startDate"]),
                "endDate": datetime.fromisoformat(dataset["endDate"]),
            },
        )
        wait_for(lambda: [row for table in state.glob("datasets*.json") for row in read(table)], number)
    counts = {dataset["location"].rstrip("/"): parameter(dataset, "__fileCount")["value"] for dataset in datasets}
    for table in state.glob("datasets*.json"):
        rows = read(table)
        for row in rows:
            parameter(row, "__fileCount")["value"] = counts[row["location"].rstrip("/")]
        table.write_text(json.dumps(rows))


def wait_for(rows: Callable[[], list[dict[str, Any]]], number: int) -> list[dict[str, Any]]:
    """Return the rows once there are so many."""
    pause = threading.Event()
    deadline = time.monotonic() + WAIT
    while len(found := rows()) < number:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the mock back end ingested {len(found)} of {number} messages in {WAIT:.0f} s")
        pause.wait(0.005)
    return found


def read(table: Path) -> list[dict[str, Any]]:
    """Return the rows of a table; it may be missing, or just being written."""
    try:
        return list(json.loads(table.read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return []


def key(investigation: dict[str, Any]) -> tuple[str, str, float]:
    """What an investigation is known by on both sides, whose ids differ."""
    start = datetime.fromisoformat(investigation["startDate"]).timestamp()
    return investigation["name"], investigation["instrument"]["name"], start


def parameter(dataset: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a parameter of a dataset by name."""
    return next(row for row in dataset["parameters"] if row["name"] == name)


if __name__ == "__main__":
    main()
