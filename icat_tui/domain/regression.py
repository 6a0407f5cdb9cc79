"""Datasets that ICAT listed before and does not list now (interface.md, "Regressed").

Pure. What must stay true: what ICAT had once is never offered because ICAT lacks it today: a person has to find out
whether it was lost, or whether another ICAT answers.
"""

from datetime import tzinfo

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key
from icat_tui.domain.model import LastListed, Session
from icat_tui.text import counted

FEW = 50
"""So many datasets may be gone from ICAT, whatever their share, before its identity is doubted."""
SHARE = 0.2
"""Share of a run's datasets that may be gone from ICAT before its identity is doubted."""


def listed_before(session: Session | None, facility: Facility) -> dict[str, LastListed]:
    """Return when the datasets of a cached session were listed last, by `location_key`; nothing without one."""
    listed = {}
    for dataset in session.datasets if session else ():
        if dataset.last_listed:
            last = dataset.last_listed
        elif session and dataset.icat_id is not None:
            last = LastListed(dataset.icat_id, session.seen_at)
        else:
            continue
        listed[location_key(dataset.path, facility)] = last
    return listed


def reason_of(last: LastListed, zone: tzinfo) -> str:
    """Return the reason for a dataset that ICAT does not list any more."""
    number = "" if last.id is None else f" as id {last.id}"
    return f"ICAT listed it{number} on {last.at.astimezone(zone).date()}, and does not now"


def regressed(session: Session) -> int:
    """Return how many datasets of a session ICAT does not list any more."""
    return sum(dataset.last_listed is not None and dataset.last_listed.gone for dataset in session.datasets)


def doubt(gone: int, compared: int) -> str:
    """Return why ICAT+ may not be the right one, as so many of the datasets compared are gone; empty: it is."""
    if gone <= FEW or gone <= SHARE * compared:
        return ""
    return (
        f"ICAT does not list {counted(gone, 'dataset')} any more, out of {compared:,}: this may not be the right "
        "ICAT+. Nothing that it says now is kept, and nothing is sent"
    )
