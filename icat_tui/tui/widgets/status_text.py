"""What the status line shows, out of what the app knows."""

from datetime import timedelta
from typing import TYPE_CHECKING

from icat_tui.text import counted
from icat_tui.tui.widgets.status_bar import BarState, Said

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui

MINUTE = timedelta(minutes=1)


def bar_state(app: "IcatTui") -> BarState:
    """Return what the status line shows now."""
    doing, progress = _progress(app)
    return BarState(
        counts=app.model.totals().counts,
        progress=progress,
        doing=doing,
        marks=len(app.model.marks),
        filtered=_filtered(app),
        icatplus=app.intake.icatplus,
        broker=_broker(app),
        age=_age(app),
    )


def _progress(app: "IcatTui") -> tuple[str, tuple[int, int] | None]:
    if (sending := app.registrations.desk.progress) is not None:
        return "sending", sending
    if not app.intake.scans:
        return "", None
    scans = app.intake.scans.values()
    return "scanning", (sum(scan.done for scan in scans), sum(scan.total for scan in scans))


def _filtered(app: "IcatTui") -> Said | None:
    if app.filter_trouble:
        return Said(app.filter_trouble, "red")
    if not app.model.filter.active:
        return None
    hidden = "".join(status.glyph for status in sorted(app.hidden, key=lambda each: each.key))
    parts = [app.filter_line.value.strip(), "todo only" if app.attention else "", f"without {hidden}" if hidden else ""]
    number = counted(len(app.model.shown_sessions()), "session")
    return Said(f"filter {', '.join(filter(None, parts))}: {number}", "yellow")


def _broker(app: "IcatTui") -> Said:
    if app.place.forbidden:
        return Said("read-only")
    return Said(f"sends to {app.place.services.settings.queue[0]}")


def _age(app: "IcatTui") -> timedelta | None:
    """Return how long ago ICAT was asked about the session that the cursor is in, in whole minutes."""
    node = app.model.node
    if node is None or node.session is None or node.session not in app.model.sessions:
        return None
    seen_at = app.model.sessions[node.session].seen_at
    return (app.place.now() - seen_at) // MINUTE * MINUTE if seen_at else None
