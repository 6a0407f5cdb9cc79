"""The filter line: what is typed, kept and cleared is told, and what there is to say stands beside it."""

from textual.pilot import Pilot
from textual.widgets import Input

from icat_tui.tui.widgets.filter_line import FilterLine
from tests.support.ui_host import drive, screen_lines


def test_it_tells_what_is_typed_kept_and_cleared() -> None:
    async def act(pilot: Pilot[None]) -> None:
        line = pilot.app.query_one(FilterLine)
        assert not line.display
        line.open()
        await pilot.press("a", "b", "enter")
        assert not line.display
        line.open()
        line.clear()

    told = [each for each in drive(act, lambda: FilterLine("hint")) if type(each).__qualname__.startswith("FilterLine")]
    assert [(type(each).__name__, getattr(each, "text", "")) for each in told] == [
        ("Typed", "a"),
        ("Typed", "ab"),
        ("Kept", "ab"),
        ("Cleared", ""),
    ]


def test_what_is_wrong_stands_beside_it_and_keeps_it_open() -> None:
    async def act(pilot: Pilot[None]) -> None:
        line = pilot.app.query_one(FilterLine)
        line.open()
        line.tell("There is no [field]\x1b", wrong=True)
        await pilot.press("a", "enter")
        assert line.display
        assert "There is no [field]\\x1b" in "".join(screen_lines(pilot.app))

    drive(act, lambda: FilterLine("hint"))


def test_earlier_filters_are_gone_through_and_what_was_typed_comes_back() -> None:
    async def act(pilot: Pilot[None]) -> None:
        line = pilot.app.query_one(FilterLine)
        for text in ("first", "second"):
            line.open()
            line.field.value = text
            await pilot.press("enter")
            line.clear()
        line.open()
        await pilot.press("x", "up")
        assert line.text == "second"
        await pilot.press("up", "up")
        assert line.text == "first"
        await pilot.press("down", "down", "!")
        assert line.text == "x!"
        assert pilot.app.query_one(Input).cursor_position == len("x!")

    drive(act, lambda: FilterLine("hint"))


def test_all_of_what_is_wrong_can_be_read_in_forty_columns() -> None:
    said = "There is no field foo: there are a, b, c; as a name: in quotes"

    async def act(pilot: Pilot[None]) -> None:
        line = pilot.app.query_one(FilterLine)
        line.open()
        line.tell(said, wrong=True)
        await pilot.pause()
        assert said.split() == " ".join(screen_lines(pilot.app)).replace("hint", "").split()

    drive(act, lambda: FilterLine("hint"), size=(40, 12))
