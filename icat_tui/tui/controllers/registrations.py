"""From the keys that register to dialogs, to the desk that sends, and back into the tree and the log.

What must stay true: what a dialog gives back is sent, and nothing else; whoever may not send sees what would be.
"""

import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import structs

from icat_tui.domain.message import Message
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import SavingFailed, SessionScanned
from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import session_row
from icat_tui.ingest.send_events import (
    BrokerConnected,
    BrokerLost,
    MessageAccepted,
    MessageRejected,
    MessageUnknown,
    SendingFinished,
)
from icat_tui.sync.plan import UNSUPERVISED, Plan, Terms
from icat_tui.sync.store_request import RawDirectory
from icat_tui.sync.submit import MessageSkipped, SessionLocked
from icat_tui.sync.verify import MessageConfirmed, VerifyFailed
from icat_tui.text import visible
from icat_tui.tui.background import Done
from icat_tui.tui.controllers.registration_planner import RegistrationDesk, Walk, invalid_dataset, wants_choice
from icat_tui.tui.controllers.registration_worker import OrderDone, Told
from icat_tui.tui.screens.choose_investigation import CandidatesScreen
from icat_tui.tui.screens.confirm_plan import ConfirmScreen, Question
from icat_tui.tui.screens.message_preview import PreviewScreen
from icat_tui.tui.screens.session_walk import WalkScreen
from icat_tui.tui.screens.store_form import Filled, StoreForm
from icat_tui.tui.screens.yes_no import AskScreen
from icat_tui.tui.state.targets import Selected, directories_of, hidden_marks, selection_of, standing_for

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui

LOOKING = "looking at what would be sent"


class Registrations:
    """What the app does about registering."""

    def __init__(self, app: "IcatTui") -> None:
        """Work for an app."""
        self._app = app
        self.desk = RegistrationDesk(app.place, app.sessions, lambda told: _post(app, lambda: self.hear(told)))

    # -- keys ------------------------------------------------------------------------------------------------------

    def register(self) -> None:
        """Ask about what is marked, else about what the cursor is on."""
        app, model = self._app, self._app.model
        marks = list(model.marks) or (standing_for(model, model.node) if model.node else [])
        selected = selection_of(marks)
        directories = [model.sessions[path].directory for path in selected if path in model.sessions]
        terms = app.place.terms()
        marked = len(model.marks)
        hidden = hidden_marks(model) if marked else 0

        def ask(plans: list[Plan]) -> None:
            if invalid := next(invalid_dataset(plans, selected), None):
                self._by_hand(plans[0].session, invalid)
            elif session := wants_choice(plans, selected, terms):
                self._choose(session, selected, terms)
            else:
                self._confirm(plans, terms, marked=marked, hidden=hidden)

        app.background(LOOKING, lambda: self.desk.plans(directories, selected, terms), ask)

    def register_safe(self) -> None:
        """Ask about what is shown and safe unsupervised."""
        app = self._app
        terms = structs.replace(app.place.terms(), statuses=UNSUPERVISED, again=False)
        number = list(Status).index(UNSUPERVISED[0])
        rows = [app.model.sessions[path] for path in app.model.shown_sessions()]
        directories = [row.directory for row in rows if row.counts and row.counts[number]]
        if not directories:
            app.hint("nothing that is shown is safe to register unsupervised: there are no files to be added")
            return
        app.background(
            LOOKING, lambda: self.desk.plans(directories, {}, terms), lambda plans: self._confirm(plans, terms)
        )

    def walk(self) -> None:
        """Walk through the sessions in view where something is to be done, the oldest first."""
        app = self._app
        rows = [app.model.sessions[path] for path in app.model.shown_sessions()]
        wanted = {Category.TODO} | (app.model.filter.categories & {Category.TODO_ONGOING})
        directories = sorted(
            (row.directory for row in rows if row.category in wanted), key=lambda each: (each.date, each.path)
        )
        if not directories:
            app.hint("nothing to walk: no session in view is todo (status:todo_ongoing in a filter asks for those)")
            return
        guide = Walk(self.desk, app.place.terms(), app.place.forbidden)
        app.ask(WalkScreen(directories, guide), app.hint)

    def preview(self) -> None:
        """Show the first message that would be sent about what the cursor is on."""
        app, model = self._app, self._app.model
        if model.node is None:
            return
        selected = selection_of(standing_for(model, model.node))
        terms = app.place.terms()

        def show(plans: list[Plan]) -> None:
            offers = [offer for plan in plans for offer in plan.offers]
            declined = [each for plan in plans for each in plan.declined]
            if offers:
                app.push_screen(PreviewScreen(offers[0]))
            elif declined:
                app.hint(f"no message can be made: {declined[0].reason}")
            else:
                app.hint("there is nothing here to be sent")

        directories = directories_of(model, model.node)
        app.background(LOOKING, lambda: self.desk.plans(directories, selected, terms), show)

    def cancel(self) -> None:
        """Stop sending, and say how far it came."""
        self.desk.cancel()
        self._app.hint(f"sending is being stopped: {self.desk.summary}")

    # -- dialogs ---------------------------------------------------------------------------------------------------

    def _confirm(self, plans: Sequence[Plan], terms: Terms, *, marked: int = 0, hidden: int = 0) -> None:
        app = self._app
        if not any(plan.groups for plan in plans):
            declined = [each for plan in plans for each in plan.declined]
            app.hint(f"nothing can be sent: {declined[0].reason}" if declined else "there is nothing here to be sent")
            return
        question = Question(
            plans=tuple(plans), marked=marked, hidden=hidden, target=self.desk.target, forbidden=app.place.forbidden
        )
        app.ask(ConfirmScreen(question), lambda confirmed: self._send(confirmed, terms))

    def _choose(self, session: Session, selected: Selected, terms: Terms) -> None:
        """Let a person choose the investigation, look again by their word, and ask."""

        def chosen(investigation: int) -> None:
            by_word = structs.replace(terms, chosen=investigation)
            app.background(
                LOOKING,
                lambda: self.desk.plans_by_word(session.directory, selected, by_word),
                lambda plans: self._confirm(plans, by_word),
            )

        app = self._app
        app.ask(CandidatesScreen(session, app.place.facility), chosen)

    def _send(self, plans: Iterable[Plan], terms: Terms) -> None:
        confirmed = tuple(plans)

        def begun(_: object) -> None:
            number = sum(len(group.offers) for plan in confirmed for group in plan.groups)
            for plan in confirmed:
                self._app.model.marks.forget(plan.session.directory.path)
            self._app.say(f"{number} confirmed, going to {self.desk.target}")
            self._app.session_tree.refresh()
            self._app.show_state()

        self._app.background("sending", lambda: self.desk.send(confirmed, terms), begun)

    def _by_hand(self, session: Session, path: str) -> None:
        """Ask for what an invalid dataset lacks, show what would be sent, and send it."""
        app = self._app
        dataset = next(each for each in session.datasets if each.path == path)

        def filled(values: Filled) -> None:
            app.background("making a message", lambda: self.desk.by_hand(values), ask)

        def ask(made: tuple[RawDirectory, bytes]) -> None:
            request, body = made
            message = body.decode("utf-8", "surrogateescape").replace("><tns:", ">\n<tns:")
            for line in message.splitlines():
                app.say(line)
            if app.place.forbidden:
                app.hint(f"the message is in the log (L); {app.place.forbidden}")
                return
            question = f"Register {request.path} as {request.dataset}, by a message to {self.desk.target}? (L shows it)"
            app.ask(AskScreen(question), lambda _: app.background("sending", lambda: self.desk.store(request), done))

        def done(happened: list[object]) -> None:
            for event in happened:
                app.say(str(event))
            self.hear_all(happened)
            app.intake.scan([session.directory])

        app.ask(StoreForm(session, dataset), filled)

    # -- what becomes of it ----------------------------------------------------------------------------------------

    def hear_all(self, happened: Iterable[object]) -> None:
        """Take what came of sending by hand: the last word of it is told."""
        reasons = [reason for event in happened if (reason := getattr(event, "reason", ""))]
        self._app.hint(reasons[-1] if reasons else "sent: it is pending until ICAT lists it")

    def hear(self, told: Told) -> None:
        """Show what became of a message, or how a session is now."""
        app = self._app
        match told:
            case SessionScanned(session=session):
                app.sessions.keep(session)
                app.intake.take_row(session_row(session))
            case SessionLocked(directory=directory, holder=holder):
                app.complain(f"{_name(directory)} is being registered by {holder}: nothing of it was sent")
            case SavingFailed(reason=reason) | BrokerLost(reason=reason):
                app.say(reason, Status.INVALID.colour)
            case BrokerConnected(broker=broker):
                app.say(f"connected to {broker}")
            case SendingFinished(trouble=trouble) | OrderDone(trouble=trouble) if trouble:
                app.complain(trouble)
            case OrderDone():
                app.hint(f"registration: {self.desk.summary}")
            case _:
                self._hear_of_message(told)
        app.show_state()

    def _hear_of_message(self, told: Told) -> None:
        app = self._app
        match told:
            case MessageAccepted(message=message):
                app.say(f"accepted: {message.dataset}", Status.PENDING.colour, _command(message))
            case MessageRejected(message=message, words=words):
                app.complain(f"rejected by the broker: {message.dataset}: {words}")
            case MessageUnknown(message=message, reason=reason):
                app.complain(f"no receipt: {message.dataset}: {reason}")
            case MessageSkipped(message=message, reason=reason):
                app.say(f"not sent: {message.dataset}: {reason}", Status.NOT_UPLOADED.colour)
            case MessageConfirmed(message=message, investigation=investigation):
                app.say(f"ICAT has it, in {investigation}: {message.dataset}", Status.REGISTERED.colour)
            case VerifyFailed(message=message, reason=reason):
                app.say(f"not looked for: {message.dataset}: {reason}", Status.UNKNOWN.colour)


def _post(app: "IcatTui", then: Callable[[], None]) -> None:
    app.post_message(Done(then))


def _name(directory: SessionDirectory) -> str:
    return visible(f"{directory.proposal} {directory.beamline} {directory.date}")


def _command(message: Message) -> str:
    """Return what one would type in a shell for the same."""
    return f"icat-tui sync --register {shlex.quote(message.dataset)}"
