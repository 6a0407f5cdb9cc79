"""Sessions as JSON Lines, and what a run adds up to (interface.md, "JSON Lines" and "Exit codes").

What must stay true: schema 1 does not change under those who read it, and every line is ASCII, whatever bytes are in
a path. The standard library writes it, as others refuse lone surrogates.
"""

import json
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field, structs

from icat_tui.domain.errors import ExitCode
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Dataset, Fit, Session, category_now
from icat_tui.domain.scan_events import (
    DirectoryFailed,
    SavingFailed,
    ScanEvent,
    ScanFinished,
    SessionFailed,
    SessionScanned,
)
from icat_tui.domain.status import Category, Status

SCHEMA = 1
TODO = frozenset({Category.TODO, Category.TODO_ONGOING})
"""What `--exit-code` asks about."""
TODO_OR_MORE = TODO | {Category.HAS_INVALID, Category.NOT_IN_ICAT}
"""What `check` asks about."""

Record = dict[str, Any]


class Sent(Struct, frozen=True, kw_only=True):
    """What became of the messages of a run."""

    accepted: int = 0
    """By the broker, and not seen in ICAT yet."""
    confirmed: int = 0
    """Seen in ICAT."""
    rejected: int = 0
    unknown: int = 0
    """No receipt came."""
    skipped: int = 0
    """Not sent: changed since it was planned, or declined."""


class Totals(Struct):
    """What the events of a run add up to; sessions themselves are not kept."""

    sessions: int = 0
    failed: int = 0
    """Sessions and directories without a result."""
    undetermined: int = 0
    """Sessions nothing could be found out about now."""
    categories: Counter[Category] = field(default_factory=Counter)
    counts: Counter[Status] = field(default_factory=Counter)
    troubles: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By what went wrong: the first path it happened to, and to how many."""
    unsaved: int = 0
    """Cache files that could not be written."""
    first_unsaved: str = ""
    """Why the first of them could not be."""
    cancelled: bool = False
    seconds: float = 0.0

    def add(self, event: ScanEvent) -> None:
        """Count what has happened."""
        match event:
            case SessionScanned(session=session):
                self._add_session(session)
            case SessionFailed(directory=directory, reason=reason):
                self.failed += 1
                self._add_trouble(directory.path, reason)
            case DirectoryFailed(path=path, reason=reason):
                self.failed += 1
                self._add_trouble(path, reason)
            case SavingFailed(reason=reason):
                self.unsaved += 1
                self.first_unsaved = self.first_unsaved or reason
            case ScanFinished(cancelled=cancelled, seconds=seconds):
                self.cancelled = cancelled
                self.seconds += seconds  # a run that registers looks twice

    def happened(self, asked: Collection[Category] = ()) -> set[ExitCode]:
        """Return what the exit code is to be made of; TODO where a session has one of the categories asked about."""
        codes = set()
        if self.failed or self.unsaved or self.categories[Category.UNKNOWN] or self.counts[Status.UNKNOWN]:
            codes.add(ExitCode.PARTIAL)
        if self.failed + self.undetermined > 0 and self.sessions == self.undetermined:
            codes.add(ExitCode.NOTHING)
        if any(self.categories[category] for category in asked):
            codes.add(ExitCode.TODO)
        return codes

    def _add_session(self, session: Session) -> None:
        category = category_now(session)
        self.sessions += 1
        self.undetermined += session.stale or not session.determined
        self.categories[category] += 1
        self.counts.update(session.counts)
        if category == Category.UNKNOWN:
            self._add_trouble(session.directory.path, _why_unknown(session))

    def _add_trouble(self, path: str, reason: str) -> None:
        first, number = self.troubles.get(reason, (path, 0))
        self.troubles[reason] = (first, number + 1)


def _why_unknown(session: Session) -> str:
    unknown = (dataset for dataset in session.datasets if dataset.status == Status.UNKNOWN)
    reasons = (*session.reasons, *(reason for dataset in unknown for reason in dataset.reasons))
    return next(iter(reasons), "could not be determined")


# -- records ---------------------------------------------------------------------------------------------------------


def json_line(record: Record) -> str:
    """Return a record as one line of ASCII, without its line break."""
    return json.dumps(record, allow_nan=False)


def session_record(session: Session, facility: Facility) -> Record:
    """Return the record of a session; its times are in the facility's zone."""
    directory, zone = session.directory, facility.zone
    return {
        "type": "session",
        "schema": SCHEMA,
        "proposal": directory.proposal,
        "beamline": directory.beamline,
        "session": directory.date,
        "format": directory.format.value,
        "path": directory.path,
        "raw_path": directory.raw_path,
        "category": category_now(session).value,
        "reasons": list(session.reasons),
        "investigation": _investigation(session.fit, facility),
        "counts": {status.value: number for status, number in session.counts.items()},
        "cached": session.cached,
        "seen_at": _time(session.seen_at, zone),
        "datasets": [_dataset(dataset, zone) for dataset in session.datasets],
    }


def summary_record(totals: Totals, sent: Sent, code: int) -> Record:
    """Return the record that comes last; `code` is the exit code."""
    return {
        "type": "summary",
        "schema": SCHEMA,
        "sessions": totals.sessions,
        "failed": totals.failed,
        "categories": {category.value: n for category in Category if (n := totals.categories[category])},
        "counts": {status.value: n for status in Status if (n := totals.counts[status])},
        "sent": structs.asdict(sent),
        "seconds": round(totals.seconds, 3),
        "exit_code": int(code),
    }


def error_record(message: str, path: str | None = None) -> Record:
    """Return the record of something that has no result: a directory, a session, or with no path the whole run."""
    return {"type": "error", "schema": SCHEMA, "path": path, "message": message}


def _investigation(fit: Fit | None, facility: Facility) -> Record | None:
    if fit is None:
        return None
    return {
        "id": fit.id,
        "url": facility.investigation_url(fit.id),
        "start": _time(fit.start, facility.zone),
        "end": _time(fit.end, facility.zone),
        "match": fit.match.value,
    }


def _dataset(dataset: Dataset, zone: ZoneInfo) -> Record:
    return {
        "path": dataset.path,
        "name": dataset.name,
        "status": dataset.status.value,
        "reasons": list(dataset.reasons),
        "start": _time(dataset.start, zone),
        "end": _time(dataset.end, zone),
        "sample": dataset.sample,
        "icat_id": dataset.icat_id,
        "investigation": dataset.investigation,
    }


def _time(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return moment.astimezone(zone).isoformat() if moment else None
