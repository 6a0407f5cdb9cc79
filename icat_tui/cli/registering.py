"""`--register` and `--auto-register`: what the sessions of a run lack is sent, after a question or without one.

What must stay true: without a person's yes only `registered_without_files` is touched (promises.md 6), and a session
is looked at afresh before anybody is asked about it.
"""

import socket
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from icat_tui import __version__
from icat_tui.cli.asking import MANY, Questions, Reply
from icat_tui.cli.narration import log
from icat_tui.cli.output import Output
from icat_tui.cli.scanning import Scanning
from icat_tui.domain.errors import ExitCode, UsageError
from icat_tui.domain.events import SessionScanned
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.status import ACTIONABLE, Category
from icat_tui.domain.visible import visible
from icat_tui.ingest.events import (
    BrokerConnected,
    BrokerLost,
    MessageAccepted,
    MessageRejected,
    MessageUnknown,
    SendingFinished,
)
from icat_tui.ingest.journal import Journal
from icat_tui.ingest.messages import Message, Origin
from icat_tui.office import broker_for, target_text
from icat_tui.settings import Settings, journal_path
from icat_tui.sync.plan import UNSUPERVISED, Group, Plan, Terms, make_plan
from icat_tui.sync.records import Sent
from icat_tui.sync.register import MessageSkipped, Office, RegisterEvent, SessionLocked, look_again, register
from icat_tui.sync.report import Line, counted
from icat_tui.sync.verify import MessageConfirmed, VerifyFailed, verify


class Fate(StrEnum):
    """What became of a message in this run."""

    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Registering:
    """The registrations of one run."""

    def __init__(self, scanning: Scanning, output: Output, now: datetime) -> None:
        """Prepare them. Raises UsageError where no broker is known, JournalError where the journal can't be used."""
        run, settings = scanning.run, scanning.run.settings
        self.scanning, self.output, self.stop = scanning, output, run.stop
        self.supervised = not run.asked.auto_register
        self.questions = Questions(run.stop)
        self.all_follow = self.quit = False
        self.fates: dict[str, Fate] = {}
        """By the id of the message."""
        self.to_verify: dict[str, Message] = {}
        self.held: dict[SessionDirectory, int] = {}
        """The sessions to be registered, and of how many datasets each."""
        self.locked: list[SessionDirectory] = []
        self.left_out = 0
        self.office = office_for(scanning, settings)
        self.office.journal.check()
        chosen = run.asked.investigation
        self.terms = Terms(
            facility=settings.facility,
            origin=origin(now),
            statuses=ACTIONABLE if self.supervised else UNSUPERVISED,
            chosen=chosen,
            again=self.supervised,
        )
        log.warning("what is confirmed is sent to %s", target_text(settings, self.office.broker))

    # -- which sessions --

    def holds(self, session: Session) -> bool:
        """Return whether a scanned session is held back, to be registered once all are scanned."""
        if held := self.wants(session):
            self.held[session.directory] = self._actionable(session)
        return held

    def wants(self, session: Session) -> bool:
        """Return whether a session has something that this run registers."""
        if not set(self.terms.statuses).intersection(session.counts):
            return False
        if session.category == Category.TODO_ONGOING and self.supervised and not self.scanning.selected.narrow:
            self.left_out += 1
            return False
        return session.category in (Category.TODO, Category.TODO_ONGOING)

    def through(self, sessions: Iterator[Session]) -> Iterator[Session]:
        """Yield the sessions of a scan; those that are registered at the end, as they are then."""
        yield from (session for session in sessions if session.directory not in self.held)
        left = sum(self.held.values())
        for directory, number in self.held.items():
            self.stop.check()
            if not self.quit:
                self.one(directory, left)
            left -= number
        self.look_whether_icat_has_understood()
        for directory in self.held:
            if session_now := look_again(directory, self.office, self.stop, keep=True):
                self.tell(session_now)
                yield session_now
            self.stop.check()
        self.conclude()

    def _actionable(self, session: Session) -> int:
        return sum(number for status, number in session.counts.items() if status in self.terms.statuses)

    def tell(self, session: Session) -> None:
        """Count a session as it is in the end; people have seen it before they were asked."""
        self.scanning.totals.add(SessionScanned(session))
        if self.scanning.run.asked.json or not self.supervised:
            self.output.session(session)

    # -- one session --

    def one(self, directory: SessionDirectory, left: int) -> None:
        """Look at a session afresh, ask, and send what is confirmed; `left` datasets are in it and those to come."""
        session = look_again(directory, self.office, self.stop, self.terms.chosen)
        if session is None:
            return
        plan = make_plan(session, self.terms)
        if self.supervised and not self.scanning.run.asked.json:
            self.output.session(session)
        for declined in plan.declined:
            log.warning("%s is not sent: %s", visible(declined.dataset.path), visible(declined.reason))
        for warning in plan.warnings:
            log.warning("%s: %s", visible(directory.path), warning)
        confirmed = tuple(group for group in plan.groups if self.confirms(group, session, left))
        if confirmed:
            self.send(Plan(session, confirmed))

    def confirms(self, group: Group, session: Session, left: int) -> bool:
        """Return whether a group is to be sent."""
        if self.quit:
            return False
        if not self.supervised or self.all_follow:
            return not group.again or (self.supervised and self.ask(group, session, left))
        return self.ask(group, session, left)

    def ask(self, group: Group, session: Session, left: int) -> bool:
        """Return what a person says to a group. Raises Cancelled."""
        directory = session.directory
        number = counted(len(group.offers), "dataset")
        again = " that were sent before" if group.again else ""
        name = visible(f"{directory.proposal} {directory.beamline} {directory.date}")
        question = f'{name}: upload {number} "{group.status.word}"{again}?'
        reply = self.questions.ask(question, lambda: self.show(group))
        if reply is Reply.ALL:
            if left > MANY:
                typed = self.questions.number(f"That may be {counted(left, 'dataset')}. Type their number to confirm:")
                self.all_follow = typed == left
                return self.all_follow
            self.all_follow = True
        self.quit = reply is Reply.QUIT
        return reply in (Reply.YES, Reply.ALL)

    def show(self, group: Group) -> None:
        """Show the datasets of a group, and one message as it would be sent."""
        for offer in group.offers:
            sys.stderr.write(f"  {visible(offer.dataset.path)} -> {offer.message.destination}\n")
            sys.stderr.writelines(f"    {visible(warning)}\n" for warning in offer.warnings)
        sys.stderr.write(f"{visible(group.offers[0].message.body.decode(errors='surrogateescape'))}\n")

    def send(self, plan: Plan) -> None:
        """Send what was confirmed of one session. Raises Cancelled."""
        for event in register([plan], self.terms, self.office, self.stop):
            self.heard(event)
        self.stop.check()

    def heard(self, event: RegisterEvent) -> None:
        """Remember what became of a message, and say what went wrong."""
        match event:
            case MessageAccepted(message=message):
                self.fates[message.id] = Fate.ACCEPTED
                self.to_verify[message.id] = message
            case MessageRejected(message=message, words=words):
                self.fates[message.id] = Fate.REJECTED
                self.failed(message, f"the broker rejected it: {words}")
            case MessageUnknown(message=message, reason=reason):
                self.fates[message.id] = Fate.UNKNOWN
                self.to_verify[message.id] = message
                self.failed(message, f"nobody knows whether the broker has it ({reason}): see `icat-tui journal`")
            case MessageSkipped(message=message, reason=reason):
                self.fates[message.id] = Fate.SKIPPED
                log.warning("%s was not sent: %s", visible(message.dataset), visible(reason))
            case SessionLocked(directory=directory):
                self.locked.append(directory)
            case SendingFinished(trouble=trouble, connected=connected) if trouble:
                self.output.failure(trouble)
                self.scanning.happened.add(ExitCode.PARTIAL if connected else ExitCode.NOTHING)
                self.quit = True
            case BrokerConnected(broker=broker) | BrokerLost(broker=broker):
                log.info("%s: %s", broker, type(event).__name__)

    def failed(self, message: Message, why: str) -> None:
        """Say that a message was not accepted."""
        self.output.failure(f"{message.dataset}: {why}", message.dataset)
        self.scanning.happened.add(ExitCode.PARTIAL)

    # -- the end --

    def look_whether_icat_has_understood(self) -> None:
        """Wait for ICAT to list what was sent; once for the run, not for each session."""
        office = self.office
        sent = list(self.to_verify.values())
        looked = verify(sent, office.catalogue, self.terms.facility, office.verify_wait, self.stop)
        for event in looked:
            if isinstance(event, MessageConfirmed):
                self.fates[event.message.id] = Fate.CONFIRMED
                office.journal.seen([event.message])
            elif isinstance(event, VerifyFailed):
                log.warning("%s: it is not known whether ICAT has it: %s", event.message.dataset, event.reason)
        self.stop.check()

    def conclude(self) -> None:
        """Say what is left, and what the exit code is to be made of."""
        if self.quit and not self.scanning.happened:
            self.scanning.happened.add(ExitCode.STOPPED)
        if self.locked:
            all_of_it = not set(self.fates.values()) - {Fate.SKIPPED}
            self.scanning.happened.add(ExitCode.LOCKED if all_of_it else ExitCode.PARTIAL)
        if self.left_out:
            what = counted(self.left_out, "session")
            log.warning("%s that are not over were left out: select them to register what is missing there", what)

    def sent(self) -> Sent:
        """Return what became of the messages of the run."""
        return Sent(**Counter(fate.value for fate in self.fates.values()))

    def closing_text(self) -> Iterator[Line]:
        """Yield what is said of it at the end."""
        counts = Counter(self.fates.values())
        if counts:
            yield Line("Sent: " + ", ".join(f"{counts[fate]} {fate}" for fate in Fate if counts[fate]))
        if counts[Fate.ACCEPTED]:
            yield Line("What is accepted and not confirmed is pending: `icat-tui journal --verify` looks again")


def office_for(scanning: Scanning, settings: Settings) -> Office:
    """Return what a registration works with. Raises UsageError where nothing can be sent."""
    path = journal_path(settings)
    if scanning.view is None:
        raise UsageError(f"nothing can be sent, as the journal {path} can't be read: {scanning.view_trouble}")
    return Office(
        catalogue=scanning.catalogue,
        around=scanning.around,
        view=scanning.view,
        journal=Journal(path),
        broker=broker_for(settings),
        state_dir=path.parent,
        cache=scanning.cache,
        verify_wait=settings.verify_wait,
    )


def origin(now: datetime) -> Origin:
    """Return what messages say of where they come from."""
    return Origin(machine=socket.getfqdn(), software=f"icat-tui_v{__version__}", now=now)
