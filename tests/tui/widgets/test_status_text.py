"""The parts of the status line as texts."""

from datetime import UTC, datetime, timedelta

from icat_tui.tui.widgets.status_text import planned_text

NOW = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)


def test_what_waits_to_be_resumed_is_told_with_its_age_and_its_key() -> None:
    told = planned_text(33, NOW - timedelta(days=2, hours=3), NOW, "J")
    assert told is not None
    assert told.text == "33 planned by you, 2 days old: J"
    assert planned_text(0, None, NOW, "J") is None
