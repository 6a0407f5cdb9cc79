"""The parts of the status line as texts, each made from the values that it shows."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from icat_tui.domain.status import ATTENTION, Category
from icat_tui.domain.summary import SessionRow
from icat_tui.text import counted, duration_text
from icat_tui.tui.state.filtering import FilterChoice
from icat_tui.tui.state.nodes import PRESSING
from icat_tui.tui.widgets.status_bar import ColouredText

MINUTE = timedelta(minutes=1)
WORDS = {Category.HAS_INVALID: "invalid", Category.TODO_ONGOING: "ongoing"}
"""Where the word of a category is too long for a line of numbers."""


def filter_parts(choice: FilterChoice) -> list[str]:
    """Return what is asked for, as words: the text as it was typed, "todo only", the hidden statuses."""
    hidden = "".join(status.glyph for status in sorted(choice.hidden, key=lambda each: each.key))
    parts = [choice.text.strip(), "todo only" if choice.attention else "", f"without {hidden}" if hidden else ""]
    return [part for part in parts if part]


def filter_text(choice: FilterChoice, *, sessions: int, active: bool) -> ColouredText | None:
    """Return the filter and how many sessions it shows; None without one, and while it has a mistake in it."""
    if not active or choice.trouble:
        return None
    return ColouredText(f"filter {', '.join(filter_parts(choice))}: {counted(sessions, 'session')}", "yellow")


def sessions_text(categories: Mapping[Category | None, int]) -> str:
    """Return sessions in numbers: "28 sessions: 8 todo, 3 unknown, 1 invalid, 2 not scanned"."""
    wanted = [category for category in PRESSING if category in ATTENTION or category == Category.TODO_ONGOING]
    told = [f"{categories[each]:,} {WORDS.get(each, each.word)}" for each in wanted if categories.get(each)]
    told += [f"{categories[None]:,} not scanned"] if categories.get(None) else []
    number = counted(sum(categories.values()), "session")
    return f"{number}: {', '.join(told)}" if told else number


def planned_text(number: int, oldest: datetime | None, now: datetime, key: str) -> ColouredText | None:
    """Return how many messages of this user wait to be resumed: `33 planned by you, 2 days old: J`."""
    if not number or oldest is None:
        return None
    return ColouredText(f"{number:,} planned by you, {duration_text(now - oldest)} old: {key}", "yellow")


def age_of(row: SessionRow | None, now: datetime) -> timedelta | None:
    """Return how long ago ICAT was asked about a session, in whole minutes; None where it was not."""
    seen_at = row.seen_at if row else None
    return (now - seen_at) // MINUTE * MINUTE if seen_at else None
