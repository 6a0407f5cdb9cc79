"""The form for an invalid dataset: what it says, what it gives, and that nothing that was typed is lost."""

import threading
from collections.abc import Callable, Mapping
from functools import partial

import pytest
from msgspec import Struct, structs
from textual.pilot import Pilot
from textual.widgets import Input, Static

from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.domain.errors import SaveError, UsageError
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import Dataset
from icat_tui.domain.status import Status
from icat_tui.text import visible
from icat_tui.tui.screens.confirm_message import ConfirmMessage
from icat_tui.tui.screens.store_form import FIELDS, Filled, StoreForm
from tests.support.program import PATIENCE
from tests.support.time_slot import START
from tests.support.ui_dialogs import NOTHING, Outcome, ask, looked_at, press, session_of, words
from tests.support.ui_host import screen_lines, until

SESSION = session_of(Status.INVALID)
INVALID = structs.replace(SESSION.datasets[0], reasons=("HDF5 file does not exist",))


LATE = UsageError("its end comes before its start", names=("endDate", "startDate"), advice="correct -p")


class Offer(Struct, frozen=True):
    filled: Filled
    message: Message
    warnings: tuple[str, ...] = ()


class Guide:
    """A guide that makes a message of anything, unless it is told otherwise."""

    def __init__(self, forbidden: str = "") -> None:
        self.forbidden, self.target = forbidden, "broker:61613 (from --queue)"
        self.draft: Mapping[str, str] = {}
        self.fault: Callable[[Filled, Cancellation], None] = lambda _filled, _stop: None
        self.asked: list[Filled] = []

    def keep(self, typed: Mapping[str, str]) -> None:
        self.draft = typed

    def make(self, filled: Filled, stop: Cancellation) -> Offer:
        self.asked.append(filled)
        self.fault(filled, stop)
        message = Message(action=Action.REGISTER, destination="icatIngest", body=b"<tns:body/>", dataset=filled.path)
        return Offer(filled, message, ("a doubt",))

    def refuse(self, error: Exception) -> "Guide":
        def fault(_: Filled, __: Cancellation) -> None:
            raise error

        self.fault = fault
        return self


def form(dataset: Dataset = INVALID, guide: Guide | None = None) -> StoreForm:
    return StoreForm(SESSION, dataset, guide or Guide())


def filled(dataset: str = "0000", sample: str = "colA", start: str = "", end: str = "") -> Filled:
    return Filled(
        beamline="id99", proposal="hg333", path=INVALID.path, dataset=dataset, sample=sample, start=start, end=end
    )


async def fill(pilot: Pilot[None], **values: str) -> None:
    for name, value in values.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = value
    await pilot.pause()


def confirms(pilot: Pilot[None]) -> bool:
    screen = pilot.app.screen
    return isinstance(screen, ConfirmMessage) and screen.listens


def back_in_form(pilot: Pilot[None]) -> bool:
    screen = pilot.app.screen
    return isinstance(screen, StoreForm) and screen.listens


def troubles(pilot: Pilot[None]) -> dict[str, str]:
    """Return what is said to be wrong, by field; "" for what belongs to none."""
    shown = {name: pilot.app.screen.query_one(f"#{name}-trouble", Static) for name in FIELDS}
    shown[""] = pilot.app.screen.query_one("#trouble", Static)
    return {name: str(each.render()) for name, each in shown.items() if each.display}


def sent(make: Callable[[], StoreForm], **values: str) -> Filled:
    """Return what the form gives after these were filled in and the message was confirmed."""

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await fill(pilot, **values)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: confirms(pilot))
        await pilot.press("y")

    result = ask(make, act)
    assert isinstance(result, Offer)
    return result.filled


# -- what it says and gives ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
def test_it_says_why_and_what_is_known(size: tuple[int, int]) -> None:
    told = words(looked_at(form, size=size))
    for text in ("HDF5 file does not exist", "dataset 0000", "sample colA", "startDate read from the dataset"):
        assert text in told


def test_what_is_known_is_given_back() -> None:
    assert sent(form) == filled()
    known = structs.replace(INVALID, sample="sB", start=START, end=START)
    assert sent(lambda: form(known)) == filled("0000", "sB", START.isoformat(), START.isoformat())


def test_what_is_filled_in_is_given_back() -> None:
    given = sent(form, dataset=" 0007 ", sample="s [x]", startDate="2023-10-19T08:00:00+02:00")
    assert given == filled("0007", "s [x]", "2023-10-19T08:00:00+02:00")


def test_it_begins_with_the_first_field_that_is_empty_and_enter_goes_on() -> None:
    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "startDate"
        await pilot.press("enter")
        assert pilot.app.focused.id == "endDate"
        assert outcome.result is NOTHING

    ask(form, act)


@pytest.mark.slow
def test_hostile_names_are_shown_visible_and_given_back_as_they_are() -> None:
    for text in ("[/x]", " leading", "new\nline", "caf\udce9"):
        odd = structs.replace(INVALID, name=text, sample=text, reasons=(text,))
        assert sent(partial(form, odd)) == filled(text, text)
        lines = looked_at(partial(form, odd), size=(150, 40))
        assert all(line.isprintable() for line in lines), text
        assert " ".join(visible(text)[:60].split()) in words(lines), text


# -- what does not suffice -------------------------------------------------------------------------------------------


def refused(guide: Guide, **values: str) -> tuple[dict[str, str], str]:
    """Return what is said to be wrong, and which field has the focus; what was typed is still there."""
    said: list[tuple[dict[str, str], str]] = []

    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        await fill(pilot, **values)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: troubles(pilot))
        assert outcome.result is NOTHING
        for name, value in values.items():
            assert pilot.app.screen.query_one(f"#{name}", Input).value == value
        said.append((troubles(pilot), (pilot.app.focused and pilot.app.focused.id) or ""))

    ask(lambda: form(guide=guide), act)
    return said[0]


def test_what_is_needed_and_empty_is_said_beside_each_field_before_anybody_is_asked() -> None:
    guide = Guide()
    assert refused(guide, dataset=" ", sample="") == ({"dataset": "it is needed", "sample": "it is needed"}, "dataset")
    assert guide.asked == []


@pytest.mark.parametrize("name", ["startDate", "endDate"])
def test_a_time_that_is_none_is_said_beside_it(name: str) -> None:
    said, focus = refused(Guide(), **{name: "yesterday"})
    assert (list(said), focus) == ([name], name)
    assert said[name].startswith("'yesterday' is not a date and time by ISO 8601: write it like ")


@pytest.mark.parametrize(
    ("error", "beside", "says"),
    [
        (LATE, "startDate", "its end comes before its start"),
        (UsageError("it holds U+0001", names=("datasetName",)), "dataset", "it holds U+0001"),
        (UsageError("it holds U+0001", names=("Sample_name",)), "sample", "it holds U+0001"),
        (UsageError("it is odd", names=("location",), advice="mend it"), "", "it is odd: mend it"),
        (UsageError("ICAT could not be asked whether it has it (no answer)"), "", "ICAT could not be asked whether"),
        (SaveError("the journal is [/x]"), "", "the journal is [/x]"),
        (ValueError("a mistake"), "", "a mistake of ours (ValueError: a mistake)"),
    ],
)  # fmt: skip
def test_why_there_is_no_message_is_said_beside_the_field_it_is_about(error: Exception, beside: str, says: str) -> None:
    said, focus = refused(Guide().refuse(error), sample="typed")
    assert list(said) == [beside]
    assert said[beside].startswith(says)
    assert not beside or focus == beside


def test_what_is_wrong_is_seen_in_a_low_window_and_gone_with_the_next_try() -> None:
    guide = Guide().refuse(UsageError("its end is wrong", names=("endDate",)))

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: troubles(pilot))
        await until(pilot, lambda: "its end is wrong" in words(screen(pilot)))
        guide.fault = lambda _filled, _stop: None
        await pilot.press("ctrl+s")
        await until(pilot, lambda: confirms(pilot))
        await pilot.press("n")
        await until(pilot, lambda: back_in_form(pilot))
        assert troubles(pilot) == {}

    ask(lambda: form(guide=guide), act, size=(40, 12))


# -- nothing typed is lost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["n", "escape", "enter", "q"])
def test_who_does_not_send_the_message_comes_back_to_what_was_typed(key: str) -> None:
    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        await fill(pilot, sample="typed")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: confirms(pilot))
        await pilot.press(key)
        await until(pilot, lambda: back_in_form(pilot))
        assert outcome.result is NOTHING
        assert pilot.app.screen.query_one("#sample", Input).value == "typed"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: confirms(pilot))
        await pilot.press("y")

    assert ask(form, act).filled == filled(sample="typed")


@pytest.mark.parametrize("keys", [["escape"], ["tab", "tab", "enter"]])
def test_leaving_gives_nothing_back_and_what_was_typed_is_there_the_next_time(keys: list[str]) -> None:
    guide = Guide()

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await fill(pilot, sample="typed [x]")
        await pilot.press(*keys)

    assert ask(lambda: form(guide=guide), act) is None
    assert sent(lambda: form(guide=guide)) == filled(sample="typed [x]")


def test_while_icat_is_asked_esc_stops_that_and_stays() -> None:
    guide, gate = Guide(), threading.Event()

    def hang(_: Filled, stop: Cancellation) -> None:
        stop.on_cancel(gate.set)
        assert gate.wait(PATIENCE)
        raise Cancelled

    guide.fault = hang

    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        await fill(pilot, sample="typed")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "asking ICAT" in words(screen(pilot)))
        await pilot.press("escape")
        await until(pilot, gate.is_set)
        assert outcome.result is NOTHING
        assert "asking ICAT" not in words(screen(pilot))
        assert pilot.app.screen.query_one("#sample", Input).value == "typed"
        gate.clear()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(guide.asked) == 2)
        await fill(pilot, sample="another")  # what is asked about is no longer what is meant
        await until(pilot, gate.is_set)
        assert isinstance(pilot.app.screen, StoreForm)

    ask(lambda: form(guide=guide), act)


# -- the message -----------------------------------------------------------------------------------------------------


def test_the_message_is_shown_before_the_question_is_answered() -> None:
    lines: list[str] = []

    async def act(pilot: Pilot[None], _: Outcome) -> None:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: confirms(pilot))
        lines.extend(screen(pilot))

    ask(form, act)
    told = words(lines)
    order = ["Send this message to broker:61613 (from --queue)?", INVALID.path, "! a doubt", "<tns:body/>", "y send"]
    assert sorted(order, key=told.index) == order


def test_where_nothing_can_be_sent_the_message_is_shown_and_why() -> None:
    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: confirms(pilot))
        told = words(screen(pilot))
        assert "nobody allowed it" in told
        assert "y send" not in told
        await pilot.press("y")
        assert outcome.result is NOTHING

    ask(lambda: form(guide=Guide("nobody allowed it")), act)


def test_a_message_hears_nothing_before_it_was_seen() -> None:
    async def act(pilot: Pilot[None], outcome: Outcome) -> None:
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmMessage))
        await pilot.press("y", "y")
        assert outcome.result is NOTHING

    ask(form, act)


def test_a_long_message_scrolls() -> None:
    body = b"".join(b"<tns:x>%d</tns:x>" % number for number in range(100))
    message = Message(action=Action.REGISTER, destination="icatIngest", body=body, dataset="/d")

    def make() -> ConfirmMessage:
        return ConfirmMessage(message, (), "broker:1")

    assert "<tns:x>2</tns:x>" in words(looked_at(make, size=(40, 12)))
    for keys, seen in (("jjj", False), ("jjjkkk", True), ("Gg", True)):
        assert ("<tns:x>2</tns:x>" in words(looked_at(make, *keys, size=(40, 12)))) is seen
    assert "<tns:x>99</tns:x>" in words(looked_at(make, "end", size=(40, 12)))
    assert press(make, "y") is True
    assert press(make, "enter") is None


def screen(pilot: Pilot[None]) -> list[str]:
    return screen_lines(pilot.app)
