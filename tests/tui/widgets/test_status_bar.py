from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from icat_tui.text import visible
from icat_tui.tui.widgets.status_bar import BarState, ColouredText, StatusBar, age_text, bar
from tests.support.names import HOSTILE_TEXTS
from tests.support.ui_host import drive

STATE = BarState(
    counts=(10000, 2, 0, 0, 3, 0, 0, 0, 1),
    progress=(40, 1200),
    doing="scanning",
    marks=7,
    filtered=ColouredText("status:todo"),
    icatplus=ColouredText("ICAT+ ok", "green"),
    broker=ColouredText("broker: read-only", "yellow"),
    age=timedelta(hours=5),
)


def test_everything_is_on_one_line_where_there_is_room() -> None:
    assert bar(STATE, 200).plain == (
        "scanning 40/1,200, 1,160 left  status:todo  7 marked  =10,000 !2 x3 ?1  ICAT+ ok  broker: read-only  "
        "data 5 h old"
    )


@given(st.integers(1, 140))
def test_what_does_not_fit_is_left_out_from_the_end(width: int) -> None:
    short, whole = bar(STATE, width), bar(STATE, 200).plain
    assert short.cell_length <= width
    assert whole.startswith(short.plain.removesuffix("…"))


def test_nothing_is_drawn_for_the_same_state() -> None:
    drawn = []

    class Counted(StatusBar):
        def refresh(self, *args: object, **kwargs: object) -> "Counted":
            drawn.append(args)
            return self

    async def act(pilot: Pilot[None]) -> None:
        shown = pilot.app.query_one(Counted)
        drawn.clear()
        shown.show(BarState(marks=1))
        shown.show(BarState(marks=1))
        assert len(drawn) == 1

    drive(act, Counted)


def test_hostile_texts_are_shown_visible() -> None:
    for text in HOSTILE_TEXTS:
        shown = bar(BarState(filtered=ColouredText(text), broker=ColouredText(text)), 20_000).plain
        assert shown.isprintable()
        assert shown.count(visible(text)) >= 2


def test_it_is_drawn_in_its_width() -> None:
    async def act(pilot: Pilot[None]) -> None:
        shown = pilot.app.query_one(StatusBar)
        assert shown.render_line(0).text.rstrip() == "scanning 40/1,200, 1,160 left"

    drive(act, lambda: StatusBar(STATE), size=(40, 12))


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-5), "0 min"),
        (timedelta(seconds=119), "1 min"),
        (timedelta(minutes=60), "1 h"),
        (timedelta(hours=47), "1 d"),
    ],
)
def test_an_age_is_in_its_largest_unit(age: timedelta, text: str) -> None:
    assert age_text(age) == text


def test_trouble_comes_before_all_but_progress_and_is_cut_off_rather_than_left_out() -> None:
    trouble = ColouredText("ICAT+ can't be reached: connection refused", "red")
    shown = bar(BarState(counts=(1,), progress=(40, 1200), doing="scanning", marks=7, icatplus=trouble), 60).plain
    assert shown.startswith("scanning 40/1,200, 1,160 left  ICAT+ can't be reached")
    assert shown.endswith("…")
