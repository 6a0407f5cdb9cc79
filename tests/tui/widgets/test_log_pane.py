from textual.pilot import Pilot

from icat_tui.text import visible
from icat_tui.tui.widgets.log_pane import LogEntry, LogPane
from tests.support.names import HOSTILE_TEXTS
from tests.support.ui_host import drive


def lines(pilot: Pilot[None]) -> list[str]:
    return [strip.text.rstrip() for strip in pilot.app.query_one(LogPane).lines]


def test_an_entry_is_told_with_its_command() -> None:
    async def act(pilot: Pilot[None]) -> None:
        pilot.app.query_one(LogPane).add(
            LogEntry(time="14:03:12", text="accepted", colour="green", command="icat-tui add-files 7")
        )
        await pilot.pause()
        assert lines(pilot) == ["14:03:12 accepted", "         $ icat-tui add-files 7"]

    drive(act, LogPane)


def test_hostile_texts_are_text() -> None:
    async def act(pilot: Pilot[None]) -> None:
        log = pilot.app.query_one(LogPane)
        for text in HOSTILE_TEXTS:
            log.add(LogEntry(time="t", text=text, colour="red", command=text))
        await pilot.pause()
        shown = "".join(lines(pilot)).replace(" ", "")
        assert all(line.isprintable() for line in lines(pilot))
        assert all(visible(text).replace(" ", "") in shown for text in HOSTILE_TEXTS)

    drive(act, LogPane, size=(200, 24))
