"""What a program says of a tree, in words that can be compared: ours and the peers' say the same things differently.

Nothing is judged here: what a program did not say is None, and paths have no trailing slash.
"""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

OWN_WORDS = ("unregistered",)
"""Statuses whose times, sample and reasons a program has read from the disk itself, and will send."""


@dataclass(frozen=True)
class JudgedDataset:
    """What a program says of a dataset."""

    status: str
    name: str | None
    icat_id: int | None
    start: datetime | None = None
    end: datetime | None = None
    sample: str | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class JudgedSession:
    """What a program says of a session."""

    category: str
    investigation: int | None
    datasets: dict[str, JudgedDataset]


Judgement = dict[str, JudgedSession]
"""Sessions by path."""


def of_ours(lines: Iterable[str]) -> Judgement:
    """Read what `sync --json` prints."""
    sessions = [line for line in map(json.loads, lines) if line["type"] == "session"]
    return {
        session["path"]: JudgedSession(
            category=session["category"],
            investigation=session["investigation"] and session["investigation"]["id"],
            datasets={dataset["path"]: _ours(dataset) for dataset in session["datasets"]},
        )
        for session in sessions
    }


def _ours(dataset: dict[str, Any]) -> JudgedDataset:
    judged = JudgedDataset(dataset["status"], dataset["name"], dataset["icat_id"])
    if judged.status not in OWN_WORDS:
        return judged
    return replace(
        judged,
        start=datetime.fromisoformat(dataset["start"]),
        end=datetime.fromisoformat(dataset["end"]),
        sample=dataset["sample"],
        reasons=tuple(dataset["reasons"]),
    )


def of_peer(cache: Path, overview: Path) -> Judgement:
    """Read a peer's cache, where all datasets are, and its overview, where the categories are.

    Source: icat.md, "Cache files".
    """
    categories = {
        row["path"]: file.stem
        for file in overview.glob("esrfv3/*.csv")
        for row in csv.DictReader(file.read_text().splitlines())
    }
    sessions = [json.loads(file.read_text()) for file in cache.glob("esrfv3/*.json")]
    return {
        session["session_dir"].rstrip("/"): JudgedSession(
            category=categories[session["raw_root_dir"]],
            investigation=session["icat_investigation"] and session["icat_investigation"]["id"],
            datasets={
                dataset["path"].rstrip("/"): _theirs(status, dataset)
                for status, datasets in session["datasets"].items()
                for dataset in datasets
            },
        )
        for session in sessions
    }


def _theirs(status: str, dataset: dict[str, Any]) -> JudgedDataset:
    registered = dataset["icat_dataset"]
    judged = JudgedDataset(status, dataset["name"], registered and registered["icat_dataset_id"])
    if status not in OWN_WORDS:
        return judged
    return replace(
        judged,
        start=datetime.fromisoformat(dataset["metadata"]["startDate"]),
        end=datetime.fromisoformat(dataset["metadata"]["endDate"]),
        sample=dataset["metadata"]["Sample_name"],
        reasons=tuple(dataset["status_reason"]),
    )


def differences(theirs: Judgement, ours: Judgement) -> dict[str, tuple[object, object]]:
    """Return what differs, theirs and ours by path: a session without its datasets, then each dataset."""
    before, now = _by_path(theirs), _by_path(ours)
    paths = sorted(before.keys() | now.keys())
    return {path: (before.get(path), now.get(path)) for path in paths if before.get(path) != now.get(path)}


def _by_path(judgement: Judgement) -> dict[str, object]:
    flat: dict[str, object] = {}
    for path, session in judgement.items():
        flat[path] = replace(session, datasets={})
        flat |= session.datasets
    return flat


def moved(judgement: Judgement, old: str, new: str) -> Judgement:
    """Return the same judgement of a tree that lies elsewhere."""
    return {
        new + path.removeprefix(old): replace(
            session, datasets={new + inner.removeprefix(old): dataset for inner, dataset in session.datasets.items()}
        )
        for path, session in judgement.items()
    }
