"""Registering an invalid dataset by hand: what `store-raw` asks for, filled in as far as it is known."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from icat_tui.domain.model import Dataset, Session
from icat_tui.text import visible
from icat_tui.tui.screens.dialog import Question, hint

NAMES, TIMES = ("dataset", "sample"), ("startDate", "endDate")
FIELDS = NAMES + TIMES


class Filled(Struct, frozen=True, kw_only=True):
    """Values of the form; what is empty is read from the dataset."""

    beamline: str
    proposal: str
    path: str
    dataset: str
    sample: str
    start: str
    end: str


class StoreForm(Question[Filled]):
    """Form for what an invalid dataset lacks; dismissed with the values."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "send", "go on", tooltip="Look at the message")]
    DEFAULT_CSS = """
    StoreForm Horizontal.field { height: 1; & Label { width: 12; } & Input { width: 1fr; } }
    """

    def __init__(self, session: Session, dataset: Dataset) -> None:
        """Ask about this dataset."""
        super().__init__()
        self._session, self._dataset = session, dataset
        self._partly_known = (dataset.start is None) != (dataset.end is None)
        self._known = {
            "dataset": dataset.name or dataset.path.rpartition("/")[2],
            "sample": dataset.sample or dataset.collection.rpartition("/")[2],
            "startDate": dataset.start.isoformat() if dataset.start else "",
            "endDate": dataset.end.isoformat() if dataset.end else "",
        }

    def compose(self) -> ComposeResult:
        """Lay out why it is invalid, and the fields."""
        dataset = self._dataset
        with Vertical(id="box"):
            yield Static(Content(visible(dataset.path)), classes="title")
            for reason in dataset.reasons:
                yield Static(Content(visible(reason)), classes="warning")
            for name in FIELDS:
                with Horizontal(classes="field"):
                    yield Label(Content(name))
                    empty = "read from the dataset" if name in TIMES and not self._partly_known else "needed"
                    yield Input(value=visible(self._known[name]), placeholder=empty, id=name, compact=True)
            yield Static(Content(""), id="trouble", classes="warning")
            with Horizontal(id="foot"):
                yield Static(hint(("ctrl+s", "look at the message"), ("tab", "next field")), classes="hint")
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin with the first field that is empty."""
        empty = [field for field in self.query(Input) if not field.value]
        (empty or [self.query_one("#dataset", Input)])[0].focus()

    def action_send(self) -> None:
        """Go on with what was filled in; a dataset without a name or a sample can't be registered."""
        if not self.listens:
            return
        values = {name: self._value_of(name) for name in FIELDS}
        if trouble := _trouble(values):
            self.query_one("#trouble", Static).update(Content(trouble))
            return
        directory = self._session.directory
        self.dismiss(
            Filled(
                beamline=directory.beamline,
                proposal=directory.proposal,
                path=self._dataset.path,
                dataset=values["dataset"],
                sample=values["sample"],
                start=values["startDate"],
                end=values["endDate"],
            )
        )

    def on_input_submitted(self) -> None:
        """Go from field to field."""
        self.focus_next()

    def _value_of(self, name: str) -> str:
        """Return what a field says; what nobody has touched is as it was known, not as it was shown."""
        value = self.query_one(f"#{name}", Input).value
        return self._known[name] if value == visible(self._known[name]) else value.strip()

    def on_button_pressed(self) -> None:
        """Cancel."""
        self.dismiss(None)


def _trouble(values: Mapping[str, str]) -> str:
    """Return what is wrong with what was filled in."""
    if empty := [name for name in NAMES if not values[name]]:
        return f"{' and '.join(empty)} can't be empty"
    for name in TIMES:
        try:
            datetime.fromisoformat(values[name] or "2000-01-01")
        except ValueError:
            return f"{name} is no time: write it like 2023-10-19T08:00:00+02:00, or leave it empty"
    return ""
