"""Choice of the investigation that a session belongs to, and the position of datasets and of now to its time slot.

The rules are those of icat.md, "Choosing the investigation": the same as in earlier programs, so that all choose the
same investigation; but the time zone is the facility's, never the machine's, and the quality of the fit is returned.

What must stay true: times are compared as moments. Python compares two datetimes of one `ZoneInfo` by their wall
clocks, which is wrong by an hour if summer time begins or ends between them; so every time gets a fixed offset first.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import NamedTuple

from icat_tui.domain.model import Fit, Investigation, Match

START_OF_DAY = time(hour=8)
"""Time that stands for a session if no investigation begins on its date (icat.md, "Rules of choice", 5c)."""
EDGE = timedelta(hours=48)
"""Greatest distance of a session from a time slot for match `edge` (icat.md, "How well an investigation fits")."""
CLOCKS = timedelta(days=1)
"""Time by which the clocks of two machines, and their zones, can differ at most."""
MARGIN = timedelta(days=2)
"""Margin before and after a time slot in which a session is ongoing (icat.md, "Time slot and now")."""


# -- times as text ---------------------------------------------------------------------------------------------------


def parse_time(text: str, zone: tzinfo, *, fold: int = 0) -> datetime:
    """Return the moment of an ISO 8601 text of date and time, with a fixed offset.

    `fold` is that of `datetime`: 1 for the second of two moments, where clocks are set back and there is no offset.

    Digits of a second beyond the sixth are dropped, `T` may be a space, a time without an offset is one of `zone`
    (icat.md, "Investigations in JSON").
    Raises ValueError, with the text in it, for anything else: a date alone is no moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:64]!r} is not a date and time by ISO 8601") from None
    if text[10:11] not in ("T", " ") and text[8:9] not in ("T", " "):
        raise ValueError(f"{text[:64]!r} is not a date and time by ISO 8601")
    if moment.year in (date.min.year, date.max.year):
        raise ValueError(f"{text[:64]!r} is a time that other time zones can't express")
    return moment if moment.tzinfo is not None else _with_offset(moment.replace(fold=fold), zone)


def parse_period(start: str, end: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return two moments by `parse_time`, of which the second is not the earlier one.

    Where clocks were set back in between, a time without an offset is the later of the two that it can be. Raises
    ValueError with the texts where the end comes before the start.
    """
    begun, ended = parse_time(start, zone), parse_time(end, zone)
    if ended < begun:
        ended = parse_time(end, zone, fold=1)
    if ended < begun:
        raise ValueError(f"its end, {end[:64]!r}, comes before its start, {start[:64]!r}")
    return begun, ended


def _with_offset(moment: datetime, zone: tzinfo) -> datetime:
    """Return the same moment with a fixed offset; without an offset it is a time of `zone`.

    The offset is in whole minutes, as it is written in texts: before 1911, Paris was 9 minutes and 21 seconds ahead.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    elif isinstance(moment.tzinfo, timezone):
        return moment
    offset = moment.utcoffset() or timedelta()
    return moment.replace(tzinfo=timezone(timedelta(minutes=offset // timedelta(minutes=1))))


def _elapsed(since: datetime, until: datetime) -> timedelta:
    """Return the time from one moment to another, negative where the other comes first."""
    return _with_offset(until, UTC) - _with_offset(since, UTC)


# -- the investigation of a session ----------------------------------------------------------------------------------


class _Slot(NamedTuple):
    """Investigation with the start and end by which it is chosen."""

    id: int
    start: datetime
    end: datetime | None
    """The effective end (icat.md, "Rules of choice", 7); None: it runs for ever."""
    closed: bool
    """Whether ICAT has an end for it."""
    investigation: Investigation

    def contains(self, moment: datetime) -> bool:
        """Return whether the moment lies in the slot, whose end is not part of it (icat.md, "Rules of choice", 8)."""
        return self.start <= moment and (self.end is None or moment < self.end)


def choose(
    investigations: Sequence[Investigation],
    target: date | datetime | None,
    zone: tzinfo,
    *,
    now: datetime,
    allow_open_ended: bool = True,
) -> Fit | None:
    """Return the investigation that a session belongs to and how well it fits, None where there is none to choose.

    `target` is the date, or the moment, of the session: usually the date that its directory is named by, None for
    `now`. Times without an offset are times of `zone`. The rules are those of icat.md, "Rules of choice" (the third,
    "if one is left, it is taken", follows from the others), the match is that of icat.md, "How well an investigation
    fits".
    """
    slots = _slots(investigations, zone, allow_open_ended=allow_open_ended)
    if not slots:  # icat.md, "Rules of choice", 2
        return None
    moment = _moment(slots, target, zone, now)
    containing = [slot for slot in slots if slot.contains(moment)]
    if containing:
        closed = [slot for slot in containing if slot.closed]
        chosen = max(closed or containing, key=_by_id)  # icat.md, "Rules of choice", 9 and 10
        match = Match.AMBIGUOUS if len(closed) > 1 else Match.INSIDE
    else:
        chosen, match = _nearest(slots, moment)
    end = _with_offset(chosen.investigation.end, zone) if chosen.investigation.end else None
    return Fit(id=chosen.id, match=match, target=moment, start=chosen.start, end=end)


def _slots(investigations: Sequence[Investigation], zone: tzinfo, *, allow_open_ended: bool) -> list[_Slot]:
    """Return the slots to choose from by start, then by id (icat.md, "Rules of choice", 1, 4, 6 and 7)."""
    slots = [
        _Slot(
            id=investigation.id,
            start=_with_offset(investigation.start, zone),
            end=_with_offset(investigation.end, zone) if investigation.end else None,
            closed=investigation.end is not None,
            investigation=investigation,
        )
        for investigation in dict.fromkeys(investigations)  # pages of an answer may overlap
        if investigation.start and (investigation.end or allow_open_ended)
    ]
    slots.sort(key=lambda slot: (slot.start, slot.id))
    for place, following in enumerate(slots[1:]):
        if not slots[place].closed:
            slots[place] = slots[place]._replace(end=following.start)
    return slots


def _moment(slots: Sequence[_Slot], target: date | datetime | None, zone: tzinfo, now: datetime) -> datetime:
    """Return T, the moment that stands for the session (icat.md, "Rules of choice", 5)."""
    if target is None:
        return _with_offset(now, zone)
    if isinstance(target, datetime):
        return _with_offset(target, zone)
    starting = [slot for slot in slots if slot.start.astimezone(zone).date() == target]
    if starting:
        return _with_offset(max(starting, key=_by_id).start.astimezone(zone), zone)
    return _with_offset(datetime.combine(target, START_OF_DAY), zone)


def _nearest(slots: Sequence[_Slot], moment: datetime) -> tuple[_Slot, Match]:
    """Return the slot with the edge nearest to a moment that lies in none, and how well it fits.

    Slots at the same distance: the lowest id among starts and among ends, the higher one between a start and an end
    (icat.md, "Rules of choice", 11).
    """
    starts = [(abs(moment - slot.start), slot) for slot in slots]
    ends = [(abs(moment - slot.end), slot) for slot in slots if slot.end is not None]
    firsts = [min(edges, key=lambda edge: (edge[0], edge[1].id)) for edges in (starts, ends) if edges]
    nearest = min(gap for gap, _ in firsts)
    chosen = max((slot for gap, slot in firsts if gap == nearest), key=_by_id)
    if len({slot.id for gap, slot in starts + ends if gap == nearest}) > 1:
        return chosen, Match.AMBIGUOUS
    return chosen, Match.EDGE if nearest <= EDGE else Match.FAR


def _by_id(slot: _Slot) -> int:
    return slot.id


def distance(investigation: Investigation, moment: datetime) -> timedelta:
    """Return the distance of a moment from an investigation, 0 where it is inside.

    Candidates are ordered by it: an open-ended investigation never ends here, even if another begins after it, and one
    without a start has the greatest distance.
    """
    if investigation.start is None:
        return timedelta.max
    before = _elapsed(moment, investigation.start)
    after = _elapsed(investigation.end, moment) if investigation.end else timedelta()
    return max(before, after, timedelta())


# -- datasets and the time slot --------------------------------------------------------------------------------------


def outside_reasons(
    start: datetime, end: datetime, slot_start: datetime | None, slot_end: datetime | None
) -> tuple[str, ...]:
    """Return texts for a person on how a dataset lies outside its time slot; an empty tuple where it lies inside.

    The texts are those of icat.md, "Work on a session". A dataset that starts or ends exactly with the slot is inside;
    earlier programs called it "0:00:00" too early or too late.
    """
    reasons = []
    for happened, moment in (("started", start), ("ended", end)):
        if slot_start is not None and (early := _elapsed(moment, slot_start)) > timedelta():
            reasons.append(f"{happened} {early} before the start of the session")
        if slot_end is not None and (late := _elapsed(slot_end, moment)) > timedelta():
            reasons.append(f"{happened} {late} after the end of the session")
    return tuple(reasons)


def future_reasons(start: datetime, end: datetime, now: datetime) -> tuple[str, ...]:
    """Return texts for a person on which times of a dataset are in the future, by more than clocks differ.

    A time slot without an end holds them all the same.
    """
    return tuple(
        f"{happened} in the future, at {moment}"
        for happened, moment in (("started", start), ("ended", end))
        if _elapsed(now, moment) > CLOCKS
    )


# -- now and the time slot -------------------------------------------------------------------------------------------


class Phase(StrEnum):
    """Phase of a time slot at present, in the words of the overview (icat.md, "Time slot and now")."""

    FUTURE = "future"
    FINISHED = "finished"
    INDEFINITE = "indefinite"
    """It has begun and has no end."""
    ONGOING = "ongoing"


def phase(start: datetime | None, end: datetime | None, now: datetime) -> Phase:
    """Return the first phase that holds; a slot lasts from two days before its start to two days after its end."""
    if start is not None and _elapsed(now, start) > MARGIN:
        return Phase.FUTURE
    if end is None:
        return Phase.INDEFINITE
    return Phase.FINISHED if _elapsed(end, now) >= MARGIN else Phase.ONGOING


def is_ongoing(fit: Fit, now: datetime, last_change: datetime | None) -> bool:
    """Return whether a session may still be written (interface.md, "In progress").

    A session without an end is ongoing if it changed within two days; a change in the future counts as one of now.
    """
    if fit.end is None:
        return last_change is not None and _elapsed(last_change, now) <= MARGIN
    return phase(fit.start, fit.end, now) is Phase.ONGOING


def is_todo_ongoing(fit: Fit, now: datetime) -> bool:
    """Return whether a session with something to do is not over: `todo_ongoing` of icat.md, "Session categories"."""
    return phase(fit.start, fit.end, now) in (Phase.ONGOING, Phase.INDEFINITE)


def is_written_late(fit: Fit, now: datetime, last_change: datetime | None) -> bool:
    """Return whether a session has begun and is not ongoing any more, so that nothing should be written in it."""
    return phase(fit.start, fit.end, now) is not Phase.FUTURE and not is_ongoing(fit, now, last_change)


def is_over(fit: Fit, now: datetime) -> bool:
    """Return whether a time slot ended two days ago or earlier, as interface.md, "Settled sessions", asks for.

    A time slot without an end is never over.
    """
    return phase(fit.start, fit.end, now) is Phase.FINISHED


def inside_timeslot(fit: Fit | None) -> bool | None:
    """Return whether the chosen investigation contains the session's moment; None without an investigation.

    Where the match is ambiguous, the chosen one's own end decides, as an open-ended investigation is never chosen
    beside one with an end that contains the moment (icat.md, "Rules of choice", 9).
    """
    if fit is None:
        return None
    if fit.match != Match.AMBIGUOUS:
        return fit.match == Match.INSIDE
    return fit.start is not None and fit.end is not None and fit.start <= fit.target < fit.end
