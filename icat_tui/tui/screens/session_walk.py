"""The walk: session after session, one question a status, as `todo.sh --register` was.

Each session is scanned afresh before it is shown; sending goes on behind. What was skipped is remembered for this walk.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import ClassVar, Protocol

from msgspec import structs
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from icat_tui.cancel import Cancellation
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Dataset, SessionDirectory
from icat_tui.sync.plan import Group, Plan
from icat_tui.text import counted, visible
from icat_tui.tui.screens.choose_investigation import ChooseInvestigation
from icat_tui.tui.screens.dialog import hint
from icat_tui.tui.screens.message_preview import MessagePreview
from icat_tui.tui.screens.send_question import SendQuestion
from icat_tui.tui.theme import style
from icat_tui.tui.widgets.investigation_text import candidate_lines, investigation_text
from icat_tui.tui.widgets.text_pane import TextView

log = logging.getLogger(__name__)

SHOWN = 200
"""Datasets that `d` lists."""
FEW = 3
"""Datasets that are listed before `d` is pressed, at least; of those that can't be sent, at most."""
AROUND = 6
"""Lines of a question beside its datasets."""


class WalkGuide(Protocol):
    """Protocol of what a walk needs from outside: plans, sending, and how far it is."""

    stop: Cancellation
    """Ends a look under way."""

    def plan(self, directory: SessionDirectory, chosen: int | None) -> Plan | None:
        """Return what a session lacks, looked at afresh; None where it could not be looked at. Takes its time.

        `chosen` is the investigation that a person chose for it.
        """

    def needs_choice(self, plan: Plan, chosen: int | None) -> bool:
        """Return whether a person has to choose the investigation before all of it can be sent."""

    def send(self, plan: Plan, chosen: int | None) -> None:
        """Have a plan sent, behind."""

    @property
    def summary(self) -> Callable[[], str]:
        """Returns how far sending has come, in words."""

    @property
    def forbidden(self) -> str:
        """Why nothing can be sent; empty where it can."""

    @property
    def target(self) -> str:
        """Where messages go, and who said so."""

    @property
    def facility(self) -> Facility:
        """The rules of the place."""


class SessionWalk(SendQuestion[str]):
    """Dialog that walks through sessions, one question a status; dismissed with a summary."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "send", tooltip="Send this group"),
        Binding("n", "answer(False)", "skip", tooltip="Skip this group"),
        Binding("b", "back", "back", tooltip="Back to the question before"),
        Binding("d", "datasets", "datasets", tooltip="Show or hide the datasets"),
        Binding("x", "preview", "message", tooltip="Show a message as it would be sent"),
        Binding("q", "leave", "leave", tooltip="Leave the walk, not the program"),
    ]
    DEFAULT_CSS = """
    SessionWalk #box { height: 90%; }
    SessionWalk.-low #box { height: 100%; & #behind { max-height: 1; } }
    SessionWalk VerticalScroll { height: 1fr; }
    """

    def __init__(self, directories: Sequence[SessionDirectory], guide: WalkGuide) -> None:
        """Walk through these, in this order."""
        super().__init__(guide.forbidden)
        self._directories, self._guide = list(directories), guide
        self._at = 0
        self._plan: Plan | None = None
        """What was found at the session where one is, without what was confirmed on this walk before."""
        self._looked = False
        self._chosen: int | None = None
        """The investigation that was chosen for the session by hand."""
        self._choice_skipped = False
        """Whether one goes on without having chosen it."""
        self._trouble = ""
        """Why the session could not be looked at."""
        self._number = 0
        """The place of the group that is asked about."""
        self._backwards = False
        """Whether one came back to this session, and so to its last question."""
        self._confirmed: set[str] = set()
        self._skipped: set[str] = set()
        """Datasets by path, on this walk."""
        self._listed = False

    def compose(self) -> ComposeResult:
        """Lay out where one is, the question, and how to answer."""
        with Vertical(id="box"):
            yield Static(Content(""), id="where", classes="title")
            yield TextView(id="question", can_focus=False)
            yield Static(Content(""), id="summary", classes="title")
            yield self.number_line()
            yield Static(Content(""), id="behind", classes="hint")
            keys = (("n", "skip"), ("b", "back"), ("d", "datasets"), ("x", "message"), ("q", "leave"))
            yield Static(hint(*(() if self.forbidden else (("y", "send"),)), *keys), classes="hint")

    def on_mount(self) -> None:
        """Begin with the first session."""
        self.set_interval(1.0, self._show_behind)
        self._go_to(0)

    # -- the way --

    def _go_to(self, at: int, *, backwards: bool = False) -> None:
        self._at, self._backwards = at, backwards
        if at >= len(self._directories):
            self.dismiss(self._summary())
            return
        self._look_at(at, None)

    def _look_at(self, at: int, chosen: int | None) -> None:
        """Look at a session, with the investigation that was chosen for it."""
        self._chosen, self._choice_skipped = chosen, False
        self._plan, self._looked, self._trouble = None, False, ""
        self._number, self._listed = 0, False
        self._look(at, chosen)
        self._ask()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _look(self, at: int, chosen: int | None) -> tuple[int, Plan | None]:
        return at, self._guide.plan(self._directories[at], chosen)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what was found, or why nothing was."""
        if event.state == WorkerState.ERROR:
            error = event.worker.error
            log.error("%s could not be looked at", self._directories[self._at].path, exc_info=error)
            self._found(None, f"{type(error).__name__}: {error}")
        elif event.state == WorkerState.SUCCESS and event.worker.result is not None:
            at, plan = event.worker.result
            if at == self._at:
                self._found(plan)

    def _found(self, plan: Plan | None, trouble: str = "") -> None:
        self._looked, self._trouble = True, trouble
        self._plan = plan and _without(plan, self._confirmed)
        if self._plan and not self._plan.groups and not self._plan.declined and not self._backwards:
            self._go_to(self._at + 1)  # nothing is left to be done there
            return
        if self._plan and self._backwards:
            self._number = max(len(self._plan.groups) - 1, 0)
        self._ask()

    @property
    def _choosing(self) -> bool:
        """Whether the investigation has to be chosen before anything else is asked."""
        if self._plan is None or self._chosen is not None or self._choice_skipped:
            return False
        return self._guide.needs_choice(self._plan, None)

    @property
    def _asked(self) -> Group | None:
        """The group that is asked about."""
        groups = self._plan.groups if self._plan and not self._choosing else ()
        return groups[self._number] if self._number < len(groups) else None

    # -- what is shown --

    def _ask(self) -> None:
        """Show another question; what was typed before it could be read does not answer it."""
        self._show()
        self.await_paint()

    def _show(self) -> None:
        """Show where one is and what is asked."""
        directory = self._directories[self._at]
        name = visible(directory.label)
        self.query_one("#where", Static).update(Content(f"{self._at + 1:,} of {len(self._directories):,}: {name}"))
        self.query_one(TextView).show_text(Content("\n").join(self._lines()))
        self.query_one(TextView).scroll_home(animate=False)
        self.hide_number()
        self._show_behind()

    def _show_behind(self) -> None:
        self.query_one("#behind", Static).update(Content(visible(self._guide.summary())))

    def _lines(self) -> Iterator[Content]:
        plan, group = self._plan, self._asked
        if not self._looked:
            yield Content("looking at it ...")
            return
        if plan is None:
            because = f" ({visible(self._trouble)})" if self._trouble else ""
            yield Content.styled(f"It could not be looked at{because}: n goes on", style("yellow"))
            return
        yield Content(investigation_text(plan.session, self._guide.facility.zone))
        for warning in plan.warnings:
            yield Content.styled(f"! {visible(warning)}", style("yellow"))
        if self._choosing:
            yield from self._choice(plan)
        elif group:
            yield from self._question(group)
        else:
            yield Content("Nothing is left to be sent here: n goes on")
        yield from self._declined(plan)

    def _choice(self, plan: Plan) -> Iterator[Content]:
        """Yield the investigations to choose from."""
        yield Content.styled("Which investigation is it? y chooses one of these, n goes on", "bold")
        lines = list(candidate_lines(plan.session, self._guide.facility.zone))
        yield from map(Content, lines or ["ICAT knows none that has a time slot"])

    def _question(self, group: Group) -> Iterator[Content]:
        status, number = group.status, counted(len(group.offers), "dataset")
        relation = "that is" if len(group.offers) == 1 else "that are"
        why = "".join(f", {doubt}" for doubt in group.doubts)
        forbidden = self.forbidden
        yield Content.assemble(
            (f"{status.glyph} ", style(status.colour)),
            (f"{'Would be sent:' if forbidden else 'Send'} {number} {relation} ", "bold"),
            (status.word, style(status.colour)),
            (f"{why}{'' if forbidden else '?'}", "bold"),
            self._note(group),
        )
        if forbidden:
            yield Content.styled(visible(forbidden), style("yellow"))
        shown = SHOWN if self._listed else self._room
        for offer in group.offers[:shown]:
            yield Content(f"  {self._within(offer.dataset)}")
            yield from (Content.styled(f"    {visible(reason)}", style("grey")) for reason in offer.dataset.reasons)
            doubts = (offer.dataset.sent, *offer.warnings)
            yield from (Content.styled(f"    {visible(doubt)}", style("yellow")) for doubt in doubts if doubt)
        if len(group.offers) > shown:
            yield Content(f"  and {len(group.offers) - shown:,} more{'' if self._listed else ': d lists them'}")

    @property
    def _room(self) -> int:
        """How many datasets fit under a question."""
        return max(FEW, self.query_one(TextView).size.height - AROUND)

    def summary_text(self) -> Content:
        """Return what would be sent."""
        group = self._asked
        if group is None:
            return Content("")
        verb = "would go" if self.forbidden else "goes" if len(group.offers) == 1 else "go"
        return Content(f"{counted(len(group.offers), 'message')} {verb} to {visible(self._guide.target)}")

    def _note(self, group: Group) -> str:
        """Return how the question was answered before on this walk."""
        paths = {offer.dataset.path for offer in group.offers}
        if paths <= self._confirmed:
            return " (confirmed: n goes on)"
        return " (skipped before)" if paths <= self._skipped else ""

    def _declined(self, plan: Plan) -> Iterator[Content]:
        if not plan.declined:
            return
        yield Content("")
        if len(plan.declined) > FEW and not self._listed:
            yield Content.styled(f"{counted(len(plan.declined), 'dataset')} can't be sent: d says why", style("grey"))
            return
        for declined in plan.declined[:SHOWN]:
            text = f"not sent: {self._within(declined.dataset)}: {visible(declined.reason)}"
            yield Content.styled(text, style("grey"))
        if len(plan.declined) > SHOWN:
            yield Content.styled(f"and {len(plan.declined) - SHOWN:,} more that are not sent", style("grey"))

    def _within(self, dataset: Dataset) -> str:
        return visible(dataset.path.removeprefix(f"{self._directories[self._at].raw_path}/"))

    # -- answers --

    def action_answer(self, yes: bool) -> None:
        """Take an answer and go to the next question; a yes to many takes their number, too."""
        if not self.listens or not self._looked:
            return
        if not yes:
            self._answer(yes=False)
        elif self._choosing and self._plan:
            choice = ChooseInvestigation(self._plan.session, self._guide.facility)
            self.app.push_screen(choice, self._take_choice)
        elif self._asked is None:
            self.app.bell()
        else:
            self.confirm()

    def _take_choice(self, investigation: int | None) -> None:
        """Look again with the investigation that was chosen."""
        if investigation is not None:
            self._look_at(self._at, investigation)

    @property
    def messages(self) -> int:
        """How many messages the group has."""
        return len(self._asked.offers) if self._asked else 0

    def confirmed(self) -> None:
        """Send the group, and go to the next question."""
        self._answer(yes=True)

    def _answer(self, *, yes: bool) -> None:
        if self._choosing:
            self._choice_skipped, self._number = True, -1
        elif group := self._asked:
            self._record_answer(group, yes=yes)
        if self._plan and self._number + 1 < len(self._plan.groups):
            self._number += 1
            self._listed = False
            self._ask()
            return
        self._go_to(self._at + 1)

    def _record_answer(self, group: Group, *, yes: bool) -> None:
        paths = {offer.dataset.path for offer in group.offers}
        if self._plan is None or paths <= self._confirmed:
            return  # it was sent when it was confirmed
        if yes:
            self._guide.send(Plan(self._plan.session, (group,)), self._chosen)
            self._confirmed |= paths
            self._skipped -= paths
        else:
            self._skipped |= paths

    def action_back(self) -> None:
        """Go back to the question before."""
        if self._number > 0:
            self._number -= 1
            self._listed = False
            self._ask()
        elif self._at > 0:
            self._go_to(self._at - 1, backwards=True)

    def action_datasets(self) -> None:
        """Show or hide the datasets of the group."""
        if self._looked:
            self._listed = not self._listed
            self._show()

    def action_preview(self) -> None:
        """Show the first message of the group."""
        if group := self._asked:
            self.app.push_screen(MessagePreview(group.offers[0]))

    def action_leave(self) -> None:
        """Leave, with a summary of what was done, in datasets; leave the line for the number first."""
        if self.leaves_number():
            return
        self._guide.stop.cancel_unwaited()
        self.dismiss(self._summary())

    def _summary(self) -> str:
        confirmed, skipped = len(self._confirmed), len(self._skipped)
        return f"Walk: {counted(confirmed, 'dataset')} confirmed, {skipped:,} skipped; {self._guide.summary()}"


def _without(plan: Plan, paths: Collection[str]) -> Plan:
    """Return a plan without the datasets at these paths; groups that have no others are gone."""
    groups = [
        structs.replace(group, offers=tuple(offer for offer in group.offers if offer.dataset.path not in paths))
        for group in plan.groups
    ]
    return Plan(plan.session, tuple(group for group in groups if group.offers), plan.declined, plan.warnings)
