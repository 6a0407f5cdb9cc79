"""JSON Lines: records of sessions, of errors and of the sums of a run (interface.md, "JSON Lines").

What must stay true: schema 1 does not change, and every line is ASCII, whatever bytes are in a path. The standard
library writes it, because msgspec refuses lone surrogates.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Dataset, FileCount, Fit, Session, category_now
from icat_tui.domain.status import Category, Status
from icat_tui.report.totals import SentCounts, Totals

SCHEMA = 1

Record = dict[str, Any]


# -- records ---------------------------------------------------------------------------------------------------------


def json_line(record: Record) -> str:
    """Return a record as one line of ASCII, without its line break."""
    return json.dumps(record, allow_nan=False)


def session_record(session: Session, facility: Facility, files: Mapping[str, FileCount] | None = None) -> Record:
    """Return the record of a session; its times are in the facility's zone. `files` are those counted, by path."""
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
        "datasets": [_dataset(dataset, zone) | _files(dataset, files) for dataset in session.datasets],
    }


def summary_record(totals: Totals, sent: SentCounts, code: int) -> Record:
    """Return the last record of a run; `code` is the exit code."""
    return {
        "type": "summary",
        "schema": SCHEMA,
        "sessions": totals.sessions,
        "failed": totals.failed,
        "categories": {category.value: n for category in Category if (n := totals.categories[category])},
        "counts": {status.value: n for status in Status if (n := totals.counts[status])},
        "sent": structs.asdict(sent),
        "ignored": totals.ignored,
        "seconds": round(totals.seconds, 3),
        "exit_code": int(code),
    }


def error_record(message: str, path: str | None = None) -> Record:
    """Return the record of a failure: of a directory, of a session, or without a path of the whole run."""
    return {"type": "error", "schema": SCHEMA, "path": path, "message": message}


def ignored_record(path: str, reason: str) -> Record:
    """Return the record of a directory that is no session and looks like one."""
    return {"type": "ignored", "schema": SCHEMA, "path": path, "reason": f"not a session directory: {reason}"}


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


def _files(dataset: Dataset, files: Mapping[str, FileCount] | None) -> Record:
    if files is None:
        return {}
    count = files.get(dataset.path, FileCount(None, dataset.file_count))
    return {"files": {"on_disk": count.on_disk, "in_icat": count.in_icat}}


def _time(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return moment.astimezone(zone).isoformat() if moment else None
