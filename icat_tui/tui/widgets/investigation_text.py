"""The investigation of a session and its candidates in words, as every question about the session has them."""

from collections.abc import Iterator
from datetime import timedelta, tzinfo

from icat_tui.domain import timeslot
from icat_tui.domain.model import Investigation, Match, Session
from icat_tui.text import duration_text, slot_text, visible

FITS = {
    Match.INSIDE: "the session is inside",
    Match.EDGE: "the session is at its edge",
    Match.FAR: "the session is far from it",
    Match.AMBIGUOUS: "another one fits just as well",
}


def investigation_text(session: Session, zone: tzinfo) -> str:
    """Return a session's investigation, its time slot, and how it fits."""
    fit = session.fit
    if fit is None:
        return "no investigation is known"
    return f"investigation {fit.id}, {slot_text(fit.start, fit.end, zone)}: {FITS[fit.match]}"


def candidates_of(session: Session) -> list[Investigation]:
    """Return the investigations that a person can choose from, those with a time slot, the nearest first."""
    slots = [candidate for candidate in session.candidates if candidate.start is not None]
    return sorted(slots, key=lambda candidate: away(session, candidate))


def away(session: Session, candidate: Investigation) -> timedelta:
    """Return how far a session is from a time slot."""
    return timeslot.distance(candidate, session.fit.target) if session.fit else timedelta()


def candidate_text(session: Session, candidate: Investigation, zone: tzinfo) -> str:
    """Return the time slot of a candidate, and how far the session is from it."""
    distance = away(session, candidate)
    told = f"{duration_text(distance)} away" if distance else "the session is inside"
    return f"{slot_text(candidate.start, candidate.end, zone)}, {told}"


def candidate_lines(session: Session, zone: tzinfo) -> Iterator[str]:
    """Yield a line for each candidate, the nearest first."""
    for candidate in candidates_of(session):
        title = f", {visible(candidate.title)}" if candidate.title else ""
        yield f"{candidate.id}: {candidate_text(session, candidate, zone)}{title}"
