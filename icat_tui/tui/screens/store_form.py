"""Registering an invalid dataset by hand: what `store-raw` asks for, filled in as far as it is known.

What must stay true: nothing that was typed is lost. What does not suffice is said beside its field, and who does not
send the message comes back to the form.
"""

import logging
from collections.abc import Mapping
from datetime import UTC
from typing import ClassVar, Protocol

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from icat_tui.cancel import Cancellation, Cancelled
from icat_tui.domain import timeslot
from icat_tui.domain.errors import IcatTuiError, UsageError, unexpected
from icat_tui.domain.message import Message
from icat_tui.domain.model import Dataset, Session
from icat_tui.text import visible
from icat_tui.tui.background import WorkDone, in_background
from icat_tui.tui.screens.confirm_message import ConfirmMessage
from icat_tui.tui.screens.dialog import Question, hint

log = logging.getLogger(__name__)

NAMES, TIMES = ("dataset", "sample"), ("startDate", "endDate")
FIELDS = NAMES + TIMES
FIELD_OF = {"datasetName": "dataset", "Sample_name": "sample"} | {name: name for name in TIMES}
"""Fields by the names that messages have for what is in them."""
LOOKING = "asking ICAT ..."


class Filled(Struct, frozen=True, kw_only=True):
    """Values of the form; what is empty is read from the dataset."""

    beamline: str
    proposal: str
    path: str
    dataset: str
    sample: str
    start: str
    end: str


class Offered(Protocol):
    """Protocol of what can be confirmed: a message, and what is doubtful about it."""

    @property
    def message(self) -> Message:
        """The message as it would be sent."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before it is sent."""


class StoreGuide(Protocol):
    """Protocol of what the form asks; everything but `make` is quick."""

    @property
    def forbidden(self) -> str:
        """Why nothing can be sent, and how to allow it; empty where it can."""

    @property
    def target(self) -> str:
        """Where messages go, and who said so."""

    @property
    def draft(self) -> Mapping[str, str]:
        """What was typed before and not sent, by field."""

    def keep(self, typed: Mapping[str, str]) -> None:
        """Keep what was typed."""

    def make(self, filled: Filled, stop: Cancellation) -> Offered:
        """Return the message for what was filled in; takes its time.

        Raises IcatTuiError that says why there is none, Cancelled where it is stopped.
        """


class StoreForm(Question[Offered]):
    """Form for what an invalid dataset lacks; dismissed with the message that was confirmed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "send", "go on", tooltip="Look at the message")]
    DEFAULT_CSS = """
    StoreForm #box { height: 90%; }
    StoreForm.-low #box { height: 100%; & #origin { display: none; } & .hint { max-height: 1; } }
    StoreForm VerticalScroll { height: 1fr; }
    StoreForm Horizontal.field { height: 1; & Label { width: 12; } & Input { width: 1fr; } }
    StoreForm .trouble { color: $error; display: none; }
    StoreForm .beside { margin-left: 12; }
    """

    def __init__(self, session: Session, dataset: Dataset, guide: StoreGuide) -> None:
        """Ask about this dataset."""
        super().__init__()
        self._session, self._dataset, self._guide = session, dataset, guide
        self._partly_known = (dataset.start is None) != (dataset.end is None)
        self._known = {
            "dataset": dataset.name or dataset.path.rpartition("/")[2],
            "sample": dataset.sample or dataset.collection.rpartition("/")[2],
            "startDate": dataset.start.isoformat() if dataset.start else "",
            "endDate": dataset.end.isoformat() if dataset.end else "",
        }
        self._look: Cancellation | None = None
        """Of the look at what would be sent, while there is one."""

    def compose(self) -> ComposeResult:
        """Lay out why it is invalid, and the fields, each with room for what is wrong with it."""
        dataset, directory, draft = self._dataset, self._session.directory, self._guide.draft
        with Vertical(id="box"):
            yield Static(Content(visible(dataset.path)), classes="title")
            with VerticalScroll(can_focus=False):
                for reason in dataset.reasons:
                    yield Static(Content(visible(reason)), classes="warning")
                yield Static(Content(f"of {visible(directory.proposal)} at {visible(directory.beamline)}"), id="origin")
                yield Static(Content(""), id="trouble", classes="trouble")
                for name in FIELDS:
                    with Horizontal(classes="field"):
                        yield Label(Content(name))
                        empty = "read from the dataset" if name in TIMES and not self._partly_known else "needed"
                        value = draft.get(name, visible(self._known[name]))
                        yield Input(value=value, placeholder=empty, id=name, compact=True)
                    yield Static(Content(""), id=f"{name}-trouble", classes="trouble beside")
            with Horizontal(id="foot"):
                yield Static(self._hint(), id="keys", classes="hint")
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def _hint(self) -> Content:
        if self._look is not None:
            return Content.assemble(LOOKING, "  ", hint(("esc", "stop")))
        return hint(("ctrl+s", "look at the message"), ("tab", "next field"), ("esc", "leave"))

    def on_mount(self) -> None:
        """Begin with the first field that is empty."""
        empty = [field for field in self.query(Input) if not field.value]
        (empty or [self.query_one("#dataset", Input)])[0].focus()

    # -- the message -----------------------------------------------------------------------------------------------

    def action_send(self) -> None:
        """Have the message made of what was filled in, and show it."""
        if not self.listens or self._look is not None:
            return
        values = {name: self._value_of(name) for name in FIELDS}
        if wrong := _wrong(values):
            self._show_troubles(wrong)
            return
        self._show_troubles({})
        directory = self._session.directory
        filled = Filled(
            beamline=directory.beamline,
            proposal=directory.proposal,
            path=self._dataset.path,
            dataset=values["dataset"],
            sample=values["sample"],
            start=values["startDate"],
            end=values["endDate"],
        )
        stop = self._look = Cancellation()
        self.query_one("#keys", Static).update(self._hint())
        in_background(self, "making a message", lambda: self._made(filled, stop), lambda made: self._answer(made, stop))

    def _made(self, filled: Filled, stop: Cancellation) -> Offered | IcatTuiError | None:
        try:
            return self._guide.make(filled, stop)
        except Cancelled:
            return None
        except IcatTuiError as error:
            return error
        except Exception as error:
            log.exception("no message could be made for %s", filled.path)
            return UsageError(unexpected(error))

    def _answer(self, made: Offered | IcatTuiError | None, stop: Cancellation) -> None:
        """Show the message that was made, or why there is none, unless that was stopped meanwhile."""
        if stop or made is None:
            return
        self._looked()
        if isinstance(made, IcatTuiError):
            self._show_error(made)
            return

        def confirmed(sure: bool | None) -> None:
            self._keep()
            if sure:
                self.dismiss(made)
            else:
                self.await_paint()  # a second `n` is no part of a name

        guide = self._guide
        self.app.push_screen(ConfirmMessage(made.message, made.warnings, guide.target, guide.forbidden), confirmed)

    def on_work_done(self, message: WorkDone) -> None:
        """Go on with what came of a look."""
        message.stop()
        message.then()

    def _stop_look(self) -> None:
        look = self._look
        if look is not None:
            self._looked()
            look.cancel_unwaited()

    def _looked(self) -> None:
        self._look = None
        self.query_one("#keys", Static).update(self._hint())

    # -- what does not suffice -------------------------------------------------------------------------------------

    def _show_error(self, error: IcatTuiError) -> None:
        """Say why no message could be made, beside the field that it is about, if it is about one."""
        names = error.names if isinstance(error, UsageError) else ()
        fields = sorted((FIELD_OF[name] for name in names if name in FIELD_OF), key=FIELDS.index)
        what = error.what if isinstance(error, UsageError) and fields else str(error)
        for name in fields:
            self.query_one(f"#{name}", Input).placeholder = "needed"
        self._show_troubles({fields[0] if fields else "": what})

    def _show_troubles(self, wrong: Mapping[str, str]) -> None:
        """Say what is wrong, by field ("": with none in particular), and go to the first of these."""
        for name in ("", *FIELDS):
            shown = self.query_one(f"#{name}-trouble" if name else "#trouble", Static)
            shown.update(Content(visible(wrong.get(name, ""))))
            shown.display = name in wrong
            if name in wrong:
                self.call_after_refresh(shown.scroll_visible, animate=False)
        if field := next((name for name in FIELDS if name in wrong), ""):
            self.query_one(f"#{field}", Input).focus()

    # -- typing ----------------------------------------------------------------------------------------------------

    def on_input_submitted(self) -> None:
        """Go from field to field."""
        self.focus_next()

    def on_input_changed(self) -> None:
        """Give up a look at what was filled in before."""
        self._stop_look()

    def _value_of(self, name: str) -> str:
        """Return what a field says; what nobody has touched is as it was known, not as it was shown."""
        value = self.query_one(f"#{name}", Input).value
        return self._known[name] if value == visible(self._known[name]) else value.strip()

    # -- leaving ---------------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Stop the look at what would be sent; without one leave, and keep what was typed."""
        if self._look is not None:
            self._stop_look()
            return
        self._keep()
        self.dismiss(None)

    def _keep(self) -> None:
        self._guide.keep({name: self.query_one(f"#{name}", Input).value for name in FIELDS})

    def on_button_pressed(self) -> None:
        """Leave."""
        self._stop_look()
        self.action_leave()


def _wrong(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with what was filled in, by field, as far as that can be known at once."""
    wrong = {name: "it is needed" for name in NAMES if not values[name]}
    for name in TIMES:
        try:
            if values[name]:
                timeslot.parse_time(values[name], UTC)
        except ValueError as error:
            wrong[name] = f"{error}: write it like 2023-10-19T08:00:00+02:00, or leave it empty"
    return wrong
