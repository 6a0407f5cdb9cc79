"""The walk: session after session, one question a status, as `todo.sh --register` was.

Each session is scanned afresh before it is shown; sending goes on behind. What was skipped is remembered for this walk.
"""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Protocol

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.visible import visible
from icat_tui.sync.plan import Group, Plan
from icat_tui.sync.report import counted
from icat_tui.tui.screens.dialog import Dialog
from icat_tui.tui.screens.preview import PreviewScreen
from icat_tui.tui.theme import style

SHOWN = 200
"""Datasets that `d` lists."""


class Guide(Protocol):
    """Who knows the way: made by the app."""

    def plan(self, directory: SessionDirectory) -> Plan | None:
        """Return what a session lacks, looked at afresh; None where it could not be looked at. Takes its time."""

    def send(self, plan: Plan) -> None:
        """Have a plan sent, behind."""

    def summary(self) -> str:
        """Return how far sending has come, in words."""

    @property
    def forbidden(self) -> str:
        """Why nothing can be sent; empty where it can."""


class WalkScreen(Dialog[str]):
    """Walks through sessions; dismissed with a summary."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "send", tooltip="Send this group"),
        Binding("n", "answer(False)", "skip", tooltip="Skip this group"),
        Binding("b", "back", "back", tooltip="Back to the question before"),
        Binding("d", "datasets", "datasets", tooltip="Show or hide the datasets"),
        Binding("x", "preview", "message", tooltip="Show a message as it would be sent"),
        Binding("q", "leave", "leave", tooltip="Leave the walk, not the program"),
    ]
    DEFAULT_CSS = """
    WalkScreen #box { height: 90%; }
    WalkScreen VerticalScroll { height: 1fr; }
    """

    def __init__(self, directories: Sequence[SessionDirectory], guide: Guide) -> None:
        """Walk through these, in this order."""
        super().__init__()
        self._directories, self._guide = list(directories), guide
        self._at = 0
        self._plans: dict[int, Plan | None] = {}
        """What was found on the way, by the place of the session; scanned again on the way back."""
        self._group = 0
        self._from_the_end = False
        """Whether one came back to this session, and so to its last question."""
        self._answers: dict[tuple[int, int], bool] = {}
        self._listed = False

    def compose(self) -> ComposeResult:
        """Lay out where one is, the question, and how to answer."""
        with Vertical(id="box"):
            yield Static(Content(""), id="where", classes="title")
            with VerticalScroll(can_focus=False):
                yield Static(Content(""), id="question")
            yield Static(Content(""), id="behind", classes="hint")
            yield Static(Content("y send  n skip  b back  d datasets  x message  q leave"), classes="hint")

    def on_mount(self) -> None:
        """Begin with the first session."""
        super().on_mount()
        self.set_interval(1.0, self._show_behind)
        self._go_to(0)

    # -- the way --

    def _go_to(self, at: int, *, from_the_end: bool = False) -> None:
        self._at, self._from_the_end = at, from_the_end
        self._listed = False
        if at >= len(self._directories):
            self.dismiss(self._summary())
            return
        directory = self._directories[at]
        name = visible(f"{directory.proposal} {directory.beamline} {directory.date}")
        self.query_one("#where", Static).update(Content(f"{at + 1} of {len(self._directories)}: {name}"))
        self.query_one("#question", Static).update(Content("looking at it ..."))
        self._plans.pop(at, None)
        self._look(at)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _look(self, at: int) -> tuple[int, Plan | None]:
        return at, self._guide.plan(self._directories[at])

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what was found, or why nothing was."""
        if event.state == WorkerState.ERROR:
            text = f"It could not be looked at ({event.worker.error}): n goes on"
            self.query_one("#question", Static).update(Content(visible(text)))
        elif event.state == WorkerState.SUCCESS and event.worker.result is not None:
            at, plan = event.worker.result
            if at == self._at:
                self._found(plan)

    def _found(self, plan: Plan | None) -> None:
        self._plans[self._at] = plan
        groups = plan.groups if plan else ()
        self._group = len(groups) - 1 if self._from_the_end else 0
        if plan is not None and not groups and not self._from_the_end:
            self._go_to(self._at + 1)  # nothing is left to be done there
            return
        self._show()

    @property
    def _asked(self) -> Group | None:
        """The group that is asked about."""
        plan = self._plans.get(self._at)
        return plan.groups[self._group] if plan and 0 <= self._group < len(plan.groups) else None

    def _show(self) -> None:
        self.query_one("#question", Static).update(self._told())
        self._show_behind()

    def _told(self) -> Content:
        plan, group = self._plans.get(self._at), self._asked
        if plan is None:
            return Content("It could not be looked at: n goes on")
        lines = [Content.styled(f"! {visible(warning)}", style("yellow")) for warning in plan.warnings]
        lines += [
            Content.styled(f"not sent: {visible(declined.dataset.path)}: {visible(declined.reason)}", style("grey"))
            for declined in plan.declined[:SHOWN]
        ]
        if group is None:
            return Content("\n").join([*lines, Content("Nothing can be sent here: n goes on")])
        again = " that were sent before and are not in ICAT" if group.again else ""
        number = counted(len(group.offers), "dataset")
        verb = "Would be sent" if self._guide.forbidden else "Send"
        question = f"{group.status.glyph} {verb}: {number} {group.status.word}{again}?"
        lines += [Content(""), Content.styled(question, style(group.status.colour))]
        if self._guide.forbidden:
            lines.append(Content.styled(visible(self._guide.forbidden), style("yellow")))
        if (self._at, self._group) in self._answers:
            lines.append(Content("(skipped before)" if not self._answers[self._at, self._group] else "(sent)"))
        if self._listed:
            for offer in group.offers[:SHOWN]:
                lines.append(Content(f"  {visible(offer.dataset.path)}"))
                lines += [Content(f"    {visible(reason)}") for reason in offer.dataset.reasons]
            if len(group.offers) > SHOWN:
                lines.append(Content(f"  and {len(group.offers) - SHOWN:,} more"))
        return Content("\n").join(lines)

    def _show_behind(self) -> None:
        self.query_one("#behind", Static).update(Content(self._guide.summary()))

    # -- answers --

    def action_answer(self, yes: bool) -> None:
        """Take an answer and go to the next question."""
        plan, group = self._plans.get(self._at), self._asked
        if not self.painted or self._at not in self._plans:
            return
        if plan and group:
            if yes and self._guide.forbidden:
                self.app.bell()
                return
            if yes and not self._answers.get((self._at, self._group)):
                self._guide.send(Plan(plan.session, (group,)))
            self._answers[self._at, self._group] = yes
            if self._group + 1 < len(plan.groups):
                self._group += 1
                self._listed = False
                self._show()
                return
        elif yes:
            return
        self._go_to(self._at + 1)

    def action_back(self) -> None:
        """Go back to the question before."""
        if self._group > 0:
            self._group -= 1
            self._show()
        elif self._at > 0:
            self._go_to(self._at - 1, from_the_end=True)

    def action_datasets(self) -> None:
        """Show or hide the datasets of the group."""
        self._listed = not self._listed
        self._show()

    def action_preview(self) -> None:
        """Show the first message of the group."""
        if group := self._asked:
            self.app.push_screen(PreviewScreen(group.offers[0]))

    def action_leave(self) -> None:
        """Leave, with a summary of what was done."""
        self.dismiss(self._summary())

    def _summary(self) -> str:
        counts = Counter(self._answers.values())
        return f"Walk: {counts[True]} confirmed, {counts[False]} skipped; {self._guide.summary()}"
