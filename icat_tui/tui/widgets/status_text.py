"""The parts of the status line as texts, each made from the values that it shows."""

from datetime import datetime, timedelta

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.summary import SessionRow
from icat_tui.text import counted, duration_text
from icat_tui.tui.state.filtering import FilterChoice
from icat_tui.tui.widgets.status_bar import ColouredText

MINUTE = timedelta(minutes=1)


def filter_text(choice: FilterChoice, *, sessions: int, active: bool) -> ColouredText | None:
    """Return what is wrong with the filter, else the filter and how many sessions it shows; None without one."""
    if choice.trouble:
        return ColouredText(choice.trouble, "red")
    if not active:
        return None
    hidden = "".join(status.glyph for status in sorted(choice.hidden, key=lambda each: each.key))
    parts = [choice.text.strip(), "todo only" if choice.attention else "", f"without {hidden}" if hidden else ""]
    return ColouredText(f"filter {', '.join(filter(None, parts))}: {counted(sessions, 'session')}", "yellow")


def planned_text(number: int, oldest: datetime | None, now: datetime, key: str) -> ColouredText | None:
    """Return how many messages of this user wait to be resumed: `33 planned by you, 2 days old: J`."""
    if not number or oldest is None:
        return None
    return ColouredText(f"{number:,} planned by you, {duration_text(now - oldest)} old: {key}", "yellow")


def icatplus_text(answers: bool | None) -> ColouredText | None:
    """Return whether ICAT+ answered the last time; None where it was not asked yet."""
    if answers is None:
        return None
    return ColouredText("ICAT+ ok", "green") if answers else ColouredText("ICAT+ did not answer", "red")


def broker_text(forbidden: str, brokers: tuple[BrokerAddress, ...]) -> ColouredText:
    """Return where messages go, or that nothing may be sent."""
    return ColouredText("read-only") if forbidden else ColouredText(f"sends to {brokers[0]}")


def age_of(row: SessionRow | None, now: datetime) -> timedelta | None:
    """Return how long ago ICAT was asked about a session, in whole minutes; None where it was not."""
    seen_at = row.seen_at if row else None
    return (now - seen_at) // MINUTE * MINUTE if seen_at else None
