"""`--register` and `--auto-register`: what the sessions of a run lack is sent, after a question or without one.

What must stay true: without a person's yes only `registered_without_files` is touched (promises.md 6), and a session
is looked at afresh before anybody is asked about it.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec import structs

from icat_tui.cancel import Cancelled
from icat_tui.cli.logging_setup import log
from icat_tui.cli.prompts import MANY, Questions, Reply
from icat_tui.cli.scan_run import Scanning
from icat_tui.cli.session_reporter import Output
from icat_tui.cli.submit_reporter import RegistrationReporter
from icat_tui.domain import timeslot
from icat_tui.domain.errors import ExitCode, IcatTuiError, UsageError
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.status import ACTIONABLE, Category
from icat_tui.sync.plan import UNSUPERVISED, Group, Plan, Terms, make_plan, needs_choice
from icat_tui.sync.register import register
from icat_tui.sync.submit import Submission, look_again
from icat_tui.sync.verify import MessageConfirmed, verify
from icat_tui.text import counted, visible


class Registering:
    """The registrations of one run."""

    def __init__(self, scanning: Scanning, output: Output, now: datetime) -> None:
        """Prepare them. Raises UsageError where no broker is known, JournalError where the journal can't be used."""
        run = scanning.run
        self.scanning, self.output, self.stop = scanning, output, run.stop
        self.supervised = not run.asked.auto_register
        self.questions = Questions(run.stop)
        self.all_follow = self.quit = self.target_named = False
        self.reporter = RegistrationReporter(output)
        self.held: dict[SessionDirectory, int] = {}
        """The sessions to be registered, and how many messages that may be; none of those that were sent before."""
        self.left_out = 0
        self.submission = _submission(scanning)
        self.submission.check()
        self.submission.journal.check_writable()
        self.terms = scanning.services.terms(
            now,
            statuses=ACTIONABLE if self.supervised else UNSUPERVISED,
            chosen=run.asked.investigation,
            again=self.supervised,
        )

    # -- which sessions --

    def holds(self, session: Session) -> bool:
        """Return whether a scanned session is held back, to be registered once all are scanned."""
        if not set(self.terms.statuses).intersection(session.counts):
            return False
        if session.category not in (Category.TODO, Category.TODO_ONGOING):
            return False
        if session.category == Category.TODO_ONGOING and self.supervised and not self.scanning.selected.narrow:
            self.left_out += 1
            return False
        chosen = self.terms.chosen
        if chosen is None and session.fit:
            chosen = session.fit.id  # it may be chosen yet
        plan = make_plan(session, structs.replace(self.terms, chosen=chosen))
        self.held[session.directory] = sum(map(_first_time, plan.groups))
        return True

    def through(self, sessions: Iterator[Session]) -> Iterator[Session]:
        """Yield the sessions of a scan; those that are registered at the end, as they are then. Raises Cancelled."""
        yield from (session for session in sessions if session.directory not in self.held)
        try:
            self.register_all()
        except (Cancelled, IcatTuiError):
            self.scanning.totals.cancelled = True
            self.reporter.say_how_far()
            raise
        silent = Output(self.scanning.run, lambda _: ())  # for people, who have seen it before they were asked
        self.submission.view.refresh()
        yield from self.scanning.once_more(self.held, silent if self.supervised else self.output)
        self.conclude()

    def register_all(self) -> None:
        """Register session by session, then look whether ICAT has understood. Raises Cancelled."""
        left = sum(self.held.values())
        for directory, number in sorted(self.held.items(), key=lambda each: each[0].path):
            left -= number
            self.stop.check()
            if not (self.quit or self.reporter.trouble):
                self.one(directory, left)
        self.look_whether_icat_has_understood()

    def look_whether_icat_has_understood(self) -> None:
        """Wait for ICAT to list what was sent; once for the run, not for each session. Raises Cancelled."""
        outcomes, wait = self.reporter.outcomes, self.submission.verify_wait
        for event in verify(outcomes.open, self.scanning.catalogue, self.terms.facility, wait, self.stop):
            outcomes.confirm(event)
            if isinstance(event, MessageConfirmed):
                self.submission.journal.record_seen([event.message])
        self.stop.check()

    def conclude(self) -> None:
        """Say what is left, and what the exit code is to be made of."""
        self.reporter.conclude()
        self.scanning.happened |= self.reporter.codes() | ({ExitCode.STOPPED} if self.quit else set())
        if self.left_out:
            what = counted(self.left_out, "session")
            log.warning("%s that are not over were left out: select them to register what is missing there", what)

    # -- one session --

    def one(self, directory: SessionDirectory, later: int) -> None:
        """Look at a session afresh, ask, and send what is confirmed; `later` messages may follow after it."""
        session = look_again(directory, self.submission, self.stop, self.terms.chosen)
        self.stop.check()
        if session is None:
            return  # the last look says why
        if self.supervised and not self.scanning.run.asked.json:
            self.output.session(session)
        terms = self.terms
        if self.supervised and needs_choice(session, terms) and (chosen := self.choose(session)):
            terms = structs.replace(terms, chosen=chosen)
            session = look_again(directory, self.submission, self.stop, chosen) or session
        plan = make_plan(session, terms)
        for declined in plan.declined:
            log.warning("%s is not sent: %s", declined.dataset.path, declined.reason)
        for warning in plan.warnings:
            log.warning("%s: %s", directory.path, warning)
        confirmed = tuple(self.confirmed(plan, later))
        if confirmed:
            self.send(Plan(session, confirmed), terms)

    def confirmed(self, plan: Plan, later: int) -> Iterator[Group]:
        """Yield the groups that are to be sent. Raises Cancelled."""
        expected = self.held[plan.session.directory]
        for place, group in enumerate(plan.groups):
            if self.quit:
                return
            following = len(group.offers) + sum(map(_first_time, plan.groups[place + 1 :])) + later
            more = sum(map(_first_time, plan.groups)) > expected  # than when "all that follow" was said
            unasked = not self.supervised or (self.all_follow and not group.again and not more)
            if unasked or self.ask(group, plan.session, following):
                yield group

    def send(self, plan: Plan, terms: Terms) -> None:
        """Send what was confirmed of one session. Raises Cancelled, and SaveError."""
        if not self.supervised and not self.target_named:
            log.warning("sending to %s", self.target)
            self.target_named = True
        self.reporter.outcomes.plan(plan)
        for event in register([plan], terms, self.submission, self.stop):
            self.reporter.report(event)
        if rate := self.submission.broker.rate:  # each session is sent on a connection, and with a pace, of its own
            self.stop.wait(1 / rate)
        self.stop.check()

    # -- asking --

    @property
    def target(self) -> str:
        """Where messages go, and who said so."""
        return self.scanning.services.target()

    def ask(self, group: Group, session: Session, following: int) -> bool:
        """Return what a person says to a group; it and what may follow are that many messages. Raises Cancelled."""
        directory = session.directory
        if not self.target_named:  # with -q too: nobody says yes without knowing to what
            self.questions.say(f"What is confirmed is sent to {visible(self.target)}\n")
            self.target_named = True
        number = counted(len(group.offers), "dataset")
        again = " that were sent before and are not in ICAT" if group.again else ""
        name = visible(directory.label)
        reply = self.questions.ask(f'{name}: upload {number} "{group.status.word}"{again}?', lambda: self.show(group))
        self.quit = reply is Reply.QUIT
        if reply is Reply.ALL:
            return self.confirms_all(following)
        return reply is Reply.YES

    def confirms_all(self, number: int) -> bool:
        """Return whether all that follow are confirmed: where they are many, by their number. Raises Cancelled."""
        if number > MANY:
            what = counted(number, "dataset")
            if self.questions.number(f"That may be {what}. Type their number to confirm:") != number:
                self.questions.say(f"That is not {number}: none of this is sent\n")
                return False
        self.all_follow = True
        return True

    def show(self, group: Group) -> None:
        """Show the datasets of a group, and one message as it would be sent."""
        for offer in group.offers:
            self.questions.say(f"  {visible(offer.dataset.path)} -> {offer.message.destination}\n")
            for text in (offer.dataset.sent, *offer.warnings):
                self.questions.say(f"    {visible(text)}\n" if text else "")
        self.questions.say(f"{visible(group.offers[0].message.body.decode(errors='surrogateescape'))}\n")

    def choose(self, session: Session) -> int | None:
        """Return the investigation that a person says a session belongs to; None: nobody says. Raises Cancelled."""
        fit, facility = session.fit, self.terms.facility
        if fit is None:
            return None
        self.questions.say(f"{visible(session.directory.path)}: its investigation is {fit.match}. It may be\n")
        for candidate in session.candidates:
            if candidate.start is not None:
                slot = [
                    moment.astimezone(facility.zone).isoformat(" ", "minutes") if moment else "open"
                    for moment in (candidate.start, candidate.end)
                ]
                away = timeslot.distance(candidate, fit.target)
                url, title = facility.investigation_url(candidate.id), visible(candidate.title or "")
                self.questions.say(f"  {candidate.id}: {' to '.join(slot)}, {away} away, {url} {title}\n")
        typed = self.questions.number("Type the id of the investigation that is meant (Enter: none):")
        if typed in [candidate.id for candidate in session.candidates if candidate.start is not None]:
            return typed
        return None


def _first_time(group: Group) -> int:
    """Return how many of a group's messages were never sent before."""
    return 0 if group.again else len(group.offers)


def _submission(scanning: Scanning) -> Submission:
    """Return what a registration works with. Raises UsageError where the journal can't be read."""
    services = scanning.services
    if scanning.view is None:
        text = f"nothing can be sent, as the journal {services.journal_path} can't be read: {scanning.view_trouble}"
        raise UsageError(text)
    return services.submission(scanning.now, scanning.view, catalogue=scanning.catalogue, cache=scanning.cache)
