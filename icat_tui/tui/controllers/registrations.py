"""From the keys that register to dialogs, to the thread that sends, and back into the store and the log.

What must stay true: what a dialog gives back is sent, and nothing else; where sending is forbidden one sees what would
be sent.
"""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct, structs

from icat_tui.cancel import Cancellation
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.server_report import BrokerReport
from icat_tui.domain.status import Category, Status
from icat_tui.journal.sendings import Sending
from icat_tui.sync.plan import UNSUPERVISED, Plan, Terms
from icat_tui.text import counted
from icat_tui.tui.controllers.equivalent_command import EquivalentCommands
from icat_tui.tui.controllers.orders import (
    HandOrder,
    Order,
    OrderDone,
    OrderNumbers,
    PlanOrder,
    ResumeOrder,
    RunningOrder,
    sum_of,
)
from icat_tui.tui.controllers.registration_planner import RegistrationPlanner, first_invalid, session_to_choose_for
from icat_tui.tui.controllers.registration_results import RegistrationResults, Unmark
from icat_tui.tui.controllers.registration_worker import RegistrationEvent, RegistrationWorker
from icat_tui.tui.controllers.stoppable import StoppableWork
from icat_tui.tui.controllers.store_by_hand import StoreByHand
from icat_tui.tui.controllers.walk_guide import RegistrationGuide
from icat_tui.tui.host import Activity, Host
from icat_tui.tui.messages import RegistrationTold
from icat_tui.tui.screens.choose_investigation import ChooseInvestigation
from icat_tui.tui.screens.confirm_plan import Confirmation, ConfirmPlan
from icat_tui.tui.screens.message_preview import MessagePreview
from icat_tui.tui.screens.order_list import OrderList
from icat_tui.tui.screens.session_walk import SessionWalk
from icat_tui.tui.state.session_store import SessionStore
from icat_tui.tui.state.targets import Selected, directories_of, hidden_marks, marks_for, marks_in, selection_of
from icat_tui.tui.state.tree_model import TreeModel
from icat_tui.tui.workspace import Workspace

LAST_PLANS, LAST_RECEIPTS, SOON = 2.0, 3.2, 0.3
"""Seconds at the end for plans to be written, for receipts to come, and for what else is under way."""
LOOKING = "looking at what would be sent"


class Registrations:
    """Controller of everything that registers: keys to dialogs, dialogs to the worker, events to the store."""

    def __init__(
        self,
        host: Host,
        workspace: Workspace,
        store: SessionStore,
        model: TreeModel,
        unmark: Unmark,
    ) -> None:
        """Plan and send with what a workspace has; `unmark` takes marks off."""
        self._host, self._workspace, self._store, self._model = host, workspace, store, model
        self.order_done: Callable[[], None] = lambda: None
        """Called when nothing more of an order is sent."""
        self._looks = StoppableWork(host, "looking", "stopped: nothing is sent")
        """Looks at what would be sent."""
        self._planner = RegistrationPlanner(workspace, store, self._post)
        self._worker = RegistrationWorker(
            workspace.submission, lambda: workspace.services.site(workspace.now()), self._post
        )
        commands = EquivalentCommands(lambda: workspace.services.command_call(workspace.cache_dir), self._worker.orders)
        self._by_hand = StoreByHand(host, workspace, self._send_by_hand)
        self._results = RegistrationResults(host, store, unmark, commands.of)

    def _post(self, event: RegistrationEvent) -> None:
        self._host.post_message(RegistrationTold(event))

    # -- keys ------------------------------------------------------------------------------------------------------

    def register(self) -> None:
        """Ask about what is marked, else about what the cursor is on."""
        model = self._model
        marks = list(model.marks) or (marks_for(model, model.node) if model.node else [])
        selected = selection_of(marks)
        directories = [model.sessions[path].directory for path in selected if path in model.sessions]
        terms = self._workspace.terms()
        marked = len(model.marks)
        hidden = hidden_marks(model) if marked else 0

        def ask(plans: list[Plan]) -> None:
            if session := session_to_choose_for(plans, selected, terms):
                self._ask_for_investigation(session, selected, terms)
            elif invalid := first_invalid(plans, selected):
                self._by_hand.ask(*invalid)
            else:
                self._confirm(plans, terms, marked=marked, hidden=hidden)

        self._look(lambda stop: self._planner.plans(directories, selected, terms, stop), ask)

    def register_safe(self) -> None:
        """Ask about what is shown and safe unsupervised."""
        terms = structs.replace(self._workspace.terms(), statuses=UNSUPERVISED, again=False)
        number = list(Status).index(UNSUPERVISED[0])
        rows = [self._model.sessions[path] for path in self._model.sessions.shown()]
        counts = self._model.filter.counts
        directories = [row.directory for row in rows if any(counts(row)[number : number + 1])]
        if not directories:
            self._host.hint("nothing that is shown is safe to register unsupervised: there are no files to be added")
            return
        selected = selection_of(mark for each in directories for mark in marks_in(self._model, each.path))
        self._look(
            lambda stop: self._planner.plans(directories, selected, terms, stop),
            lambda plans: self._confirm(plans, terms),
        )

    def walk(self) -> None:
        """Walk through the sessions in view where something is to be done, the oldest first."""
        rows = [self._model.sessions[path] for path in self._model.sessions.shown()]
        wanted = {Category.TODO} | (self._model.filter.wanted.categories & {Category.TODO_ONGOING})
        directories = sorted(
            (row.directory for row in rows if row.category in wanted), key=lambda each: (each.date, each.path)
        )
        if not directories:
            self._host.hint(
                "nothing to walk: no session in view is todo (status:todo_ongoing in a filter asks for those)"
            )
            return
        plan = partial(self._planner.plans_for_chosen, {})
        guide = RegistrationGuide(self._workspace, plan, self._send, self._worker.summary)
        self._host.ask(SessionWalk(directories, guide), self._host.hint)

    def preview(self) -> None:
        """Show the first message that would be sent about what the cursor is on."""
        model = self._model
        if model.node is None:
            return
        selected = selection_of(marks_for(model, model.node))
        terms = self._workspace.terms()

        def show(plans: list[Plan]) -> None:
            offers = [offer for plan in plans for offer in plan.offers]
            declined = [each for plan in plans for each in plan.declined]
            if offers:
                self._host.ask(MessagePreview(offers[0]), lambda _: None)
            elif declined:
                self._host.hint(f"no message can be made: {declined[0].reason}")
            else:
                self._host.hint("there is nothing here to be sent")

        directories = directories_of(model, model.node)
        self._look(lambda stop: self._planner.plans(directories, selected, terms, stop), show)

    def show_orders(self) -> None:
        """List the orders of this run."""
        zone, worker = self._workspace.facility.zone, self._worker

        def lines() -> list[str]:
            return [
                f"{each.number}  {each.given_at.astimezone(zone):%H:%M:%S}  "
                f"{counted(each.numbers.confirmed, 'message')} confirmed: {each.numbers.how_far()}"
                for each in list(worker.orders)
            ]

        self._host.ask(OrderList(lines), lambda _: None)

    # -- what is under way -----------------------------------------------------------------------------------------

    def _look(self, work: Callable[[Cancellation], list[Plan]], then: Callable[[list[Plan]], None]) -> None:
        """Look in a thread at what would be sent, and do something with it unless that was stopped meanwhile."""
        self._looks.begin(LOOKING, work, then)

    @property
    def looking(self) -> bool:
        """Whether somebody waits for what would be sent."""
        return bool(self._looks)

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many messages of the orders under way are seen to, and of how many; None: none is on its way."""
        numbers = sum_of([running.numbers for running in self._worker.unfinished])
        return (numbers.confirmed - numbers.to_go, numbers.confirmed) if numbers.confirmed else None

    @property
    def numbers(self) -> OrderNumbers:
        """How many messages of this run became what."""
        return self._worker.numbers

    @property
    def looked_for(self) -> tuple[int, int] | None:
        """How many messages ICAT lists of the orders that it is asked about, and of how many; None: of none."""
        numbers = sum_of([running.numbers for running in self._worker.looked_for])
        return (numbers.in_icat, numbers.sent + numbers.unknown) if numbers.confirmed else None

    @property
    def waiting(self) -> frozenset[str]:
        """The ids of messages that this run still sends."""
        return frozenset().union(*(running.waiting for running in self._worker.unfinished))

    @property
    def activities(self) -> list[Activity]:
        """What is under way and can be stopped."""
        found = self._looks.activities
        if sending := self._worker.unfinished:
            numbers = sum_of([running.numbers for running in sending])
            question = f"Stop sending? {numbers.how_far()}: what is not sent stays planned (icat-tui journal --resume)"
            found.append(Activity(sending[0].since, "sending", self.cancel, question))
        if looking := self._worker.looked_for:
            found.append(Activity(looking[0].since, "asking ICAT", self.stop_looking))
        return found

    def cancel(self) -> None:
        """Stop sending, and say how far it came."""
        self._worker.cancel()
        self._host.hint(f"sending is being stopped: {self._worker.summary()}")

    def stop_looking(self) -> None:
        """Ask ICAT no more for what was sent."""
        self._worker.stop_looking()
        self._host.hint("ICAT is not asked any more: what was sent stays pending")

    def close(self) -> None:
        """Stop everything; give the journal its time to take what was confirmed, and receipts theirs to come."""
        self._looks.cancel()
        self._worker.stop(LAST_PLANS, LAST_RECEIPTS if self._worker.unfinished else SOON)

    # -- dialogs ---------------------------------------------------------------------------------------------------

    def _confirm(self, plans: Sequence[Plan], terms: Terms, *, marked: int = 0, hidden: int = 0) -> None:
        if not any(plan.groups for plan in plans):
            declined = [each for plan in plans for each in plan.declined]
            why = f"nothing can be sent: {declined[0].reason}" if declined else "there is nothing here to be sent"
            self._host.hint(why)
            return
        confirmation = Confirmation(
            plans=tuple(plans),
            marked=marked,
            hidden=hidden,
            zone=self._workspace.facility.zone,
            target=self._workspace.services.target(),
            forbidden=self._workspace.forbidden,
        )
        self._host.ask(ConfirmPlan(confirmation), lambda confirmed: self._send(confirmed, terms))

    def _ask_for_investigation(self, session: Session, selected: Selected, terms: Terms) -> None:
        """Let a person choose the investigation, look again with it, and ask."""

        def chosen(investigation: int) -> None:
            with_it = structs.replace(terms, chosen=investigation)
            self._look(
                lambda stop: self._planner.plans_for_chosen(selected, session.directory, with_it, stop),
                lambda plans: self._confirm(plans, with_it),
            )

        self._host.ask(ChooseInvestigation(session, self._workspace.facility), chosen)

    def _send(self, plans: Sequence[Plan], terms: Terms) -> None:
        for plan in plans:
            self._results.expect(plan.session)
        self._give(PlanOrder(tuple(plans), terms))

    def _send_by_hand(self, order: HandOrder, session: Session) -> None:
        self._results.expect(session)
        self._give(order)

    def resume(
        self, planned: Sequence[Sending], directories: Sequence[SessionDirectory], sessions: Sequence[Session]
    ) -> int:
        """Have planned messages sent, and return the number of their order; `sessions` are those of their rows."""
        for session in sessions:
            self._results.expect(session)
        return self._give(ResumeOrder(tuple(planned), tuple(directories))).number

    def _give(self, order: Order) -> RunningOrder:
        running = self._worker.give(order)
        target = self._workspace.services.target()
        self._host.say(
            f"order {running.number}: {counted(running.numbers.confirmed, 'message')} confirmed for {target}"
        )
        self._host.show_state()
        return running

    @property
    def broker(self) -> BrokerReport | None:
        """How the brokers were seen last; None: not yet."""
        return self._results.broker

    # -- what becomes of it ----------------------------------------------------------------------------------------

    def handle(self, event: Struct) -> None:
        """Show what became of a message, and take in how a session is now."""
        self._results.handle(event)
        if isinstance(event, OrderDone):
            self.order_done()
