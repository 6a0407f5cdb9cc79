from functools import partial

import pytest
from msgspec import structs
from textual.pilot import Pilot
from textual.widgets import Input

from icat_tui.domain.model import Dataset
from icat_tui.domain.status import Status
from icat_tui.text import visible
from icat_tui.tui.screens.store_form import Filled, StoreForm
from tests.support.time_slot import START
from tests.support.ui_dialogs import NOTHING, Outcome, ask, looked_at, press, session_of, words

SESSION = session_of(Status.INVALID)
INVALID = structs.replace(SESSION.datasets[0], reasons=("HDF5 file does not exist",))


def form(dataset: Dataset = INVALID) -> StoreForm:
    return StoreForm(SESSION, dataset)


def filled(dataset: str = "0000", sample: str = "colA", start: str = "", end: str = "") -> Filled:
    return Filled(
        beamline="id99", proposal="hg333", path=INVALID.path, dataset=dataset, sample=sample, start=start, end=end
    )


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
def test_it_says_why_and_what_is_known(size: tuple[int, int]) -> None:
    told = words(looked_at(form, size=size))
    for text in ("HDF5 file does not exist", "dataset 0000", "sample colA", "startDate read from the dataset"):
        assert text in told


def test_what_is_known_is_given_back() -> None:
    assert press(form, "ctrl+s") == filled()
    known = structs.replace(INVALID, sample="sB", start=START, end=START)
    assert press(lambda: form(known), "ctrl+s") == filled("0000", "sB", START.isoformat(), START.isoformat())


def test_what_is_filled_in_is_given_back() -> None:
    async def act(pilot: Pilot[None], _: Outcome) -> None:
        for name, value in (("dataset", " 0007 "), ("sample", "s [x]"), ("startDate", "2023-10-19T08:00:00+02:00")):
            pilot.app.screen.query_one(f"#{name}", Input).value = value
        await pilot.press("ctrl+s")

    assert ask(form, act) == filled("0007", "s [x]", "2023-10-19T08:00:00+02:00")


@pytest.mark.parametrize(
    ("empty", "said"),
    [
        (["sample"], "sample can't be empty"),
        (["dataset"], "dataset can't be empty"),
        (["dataset", "sample"], "dataset and sample can't be empty"),
    ],
)
def test_what_is_needed_and_empty_is_named(empty: list[str], said: str) -> None:
    assert _refused(dict.fromkeys(empty, " ")) == said


@pytest.mark.parametrize("name", ["startDate", "endDate"])
def test_a_time_that_is_none_is_named(name: str) -> None:
    assert _refused({name: "yesterday"}).startswith(f"{name} is no time: ")


def _refused(values: dict[str, str]) -> str:
    said: list[str] = []

    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        for name, value in values.items():
            pilot.app.screen.query_one(f"#{name}", Input).value = value
        await pilot.press("ctrl+s")
        assert outcome.result is NOTHING
        said.append(str(pilot.app.screen.query_one("#trouble").render()))

    ask(form, act)
    return said[0]


def test_it_begins_with_the_first_field_that_is_empty_and_enter_goes_on() -> None:
    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "startDate"
        await pilot.press("enter")
        assert pilot.app.focused.id == "endDate"
        assert outcome.result is NOTHING

    ask(form, act)


@pytest.mark.parametrize("keys", [["escape"], ["tab", "tab", "enter"]])
def test_leaving_gives_nothing_back(keys: list[str]) -> None:
    assert press(form, *keys) is None


def test_hostile_names_are_shown_visible_and_given_back_as_they_are() -> None:
    for text in ("[/x]", " leading", "new\nline", "caf\udce9"):
        odd = structs.replace(INVALID, name=text, sample=text, reasons=(text,))
        assert press(partial(form, odd), "ctrl+s") == filled(text, text)
        lines = looked_at(partial(form, odd), size=(150, 40))
        assert all(line.isprintable() for line in lines), text
        assert " ".join(visible(text)[:60].split()) in words(lines), text
