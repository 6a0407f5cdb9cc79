"""`--register` and `--auto-register`: registers what the sessions of a run lack, after a question or without one.

What must stay true: without confirmation only `registered_without_files` is sent (promises.md 6), and a session is
scanned again before a person is asked about it.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from msgspec import structs

from icat_tui.cancel import Cancelled
from icat_tui.cli.logging_setup import log
from icat_tui.cli.named_datasets import Unmatched
from icat_tui.cli.prompts import MANY, Questions, Reply
from icat_tui.cli.scan_run import ScanRun
from icat_tui.cli.session_reporter import SessionOutput
from icat_tui.cli.submit_reporter import RegistrationReporter
from icat_tui.domain import timeslot
from icat_tui.domain.errors import ExitCode, IcatTuiError, SaveError, UsageError
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.status import ACTIONABLE, Category, Status
from icat_tui.sync.plan import UNSUPERVISED, Declined, Group, Plan, Terms, make_plan, needs_choice
from icat_tui.sync.register import register
from icat_tui.sync.submit import Submission, look_again
from icat_tui.sync.verify import MessageConfirmed, verify
from icat_tui.text import counted, visible

NOT_NEEDED = (Status.REGISTERED, Status.PENDING)
"""Statuses of datasets that are not sent because they have been: naming one is no failure."""


class JournalUnusableError(UsageError):
    """Error: the journal is not there, or can't be read or written."""


class RegisterRun:
    """Registrations of the sessions of one scan."""

    def __init__(self, scan_run: ScanRun, output: SessionOutput, now: datetime) -> None:
        """Prepare them. Raises UsageError where no broker is known, or the journal can't be used."""
        run = scan_run.run
        self.scan_run, self.output, self.cancellation = scan_run, output, run.cancellation
        self.supervised = not run.arguments.auto_register
        self.questions = Questions(run.cancellation)
        self.all_confirmed = self.quit = self.target_shown = False
        self.reporter = RegistrationReporter(output)
        self.held_back: dict[SessionDirectory, int] = {}
        """Sessions to be registered, with the number of messages about them that were never sent before."""
        self.sessions_left_out = 0
        self.unmatched: list[Unmatched] = []
        """What was named by `--dataset` and is no dataset, as far as that is known."""
        self.submission = _submission(scan_run)
        log.warning("%s", scan_run.services.journal_words())
        self.terms = scan_run.services.terms(
            now,
            statuses=ACTIONABLE if self.supervised else UNSUPERVISED,
            paths=None if scan_run.selected.datasets is None else (),
            chosen=run.arguments.investigation,
            again=self.supervised,
        )

    # -- which sessions --

    def hold_back(self, session: Session) -> bool:
        """Hold back a scanned session that is to be registered once all are scanned; return whether it is."""
        if self.terms.paths is not None and not self.has_named_to_send(session, self.terms.paths):
            return False
        if not set(self.terms.statuses).intersection(session.counts):
            return False
        if session.category not in (Category.TODO, Category.TODO_ONGOING):
            return False
        if session.category == Category.TODO_ONGOING and self.supervised and not self.scan_run.selected.narrow:
            self.sessions_left_out += 1
            return False
        chosen = self.terms.chosen
        if chosen is None and session.fit:
            chosen = session.fit.id  # it may be chosen yet
        plan = make_plan(session, structs.replace(self.terms, chosen=chosen))
        self.held_back[session.directory] = sum(map(_first_time, plan.groups))
        return True

    def has_named_to_send(self, session: Session, before: frozenset[str]) -> bool:
        """Add the named datasets of a session to the terms, `before` being those already there.

        Return whether any of them may be sent; where none may, say why not.
        """
        if self.scan_run.selected.datasets is None:
            return False
        named, unmatched = self.scan_run.selected.datasets.find(session)
        self.unmatched += unmatched
        self.terms = structs.replace(self.terms, paths=before.union(dataset.path for dataset in named))
        if any(dataset.status in self.terms.statuses for dataset in named):
            return True  # of the others it is said when those are asked about
        for declined in make_plan(session, self.terms).declined:
            self.report_declined(declined)
        return False

    def is_wrongly_named(self) -> bool:
        """Report what `--dataset` names and is no dataset; return whether that is a mistake: then nothing is sent."""
        if (datasets := self.scan_run.selected.datasets) is None:
            return False
        unmatched = self.unmatched + datasets.of_no_session()
        for each in unmatched:
            self.output.report_failure(f"{each.path} is not sent: {each.reason}", each.path)
            self.scan_run.exit_codes.add(ExitCode.USAGE if each.certain else ExitCode.PARTIAL)
        wrong = any(each.certain for each in unmatched)
        if wrong and self.held_back:
            log.error("nothing is sent, as not all that --dataset names is a dataset")
        return wrong

    def sessions(self, scanned: Iterator[Session]) -> Iterator[Session]:
        """Yield the sessions of a scan, then register those held back and yield them rescanned. Raises Cancelled."""
        yield from (session for session in scanned if session.directory not in self.held_back)
        if self.scan_run.totals.doubt or self.is_wrongly_named():
            yield from self.scan_run.rescan(self.held_back, self.output)  # they were not reported yet
            return
        try:
            self.register_all()
        except (Cancelled, IcatTuiError):
            self.scan_run.totals.cancelled = True
            self.reporter.log_how_far()
            raise
        silent = SessionOutput(self.scan_run.run, lambda _: ())  # for people, who have seen it before they were asked
        self.submission.view.refresh()
        yield from self.scan_run.rescan(self.held_back, silent if self.supervised else self.output)
        self.conclude()

    def register_all(self) -> None:
        """Register session by session, then verify that ICAT lists what was sent. Raises Cancelled."""
        left = sum(self.held_back.values())
        confirmed: list[tuple[Plan, Terms]] = []
        for directory, number in sorted(self.held_back.items(), key=lambda each: each[0].path):
            left -= number
            self.cancellation.check()
            if not (self.quit or self.reporter.trouble):
                confirmed += self.confirmed_plan(directory, left)
            if self.supervised and not self.all_confirmed:
                self.send(confirmed)
                confirmed = []
        self.send(confirmed)  # after "all that follow" everything is planned before the first message goes out
        self.verify_sent()

    def verify_sent(self) -> None:
        """Wait until ICAT lists what was sent, once for the run rather than for each session. Raises Cancelled."""
        outcomes, wait = self.reporter.outcomes, self.submission.verify_wait
        for event in verify(outcomes.open, self.scan_run.catalogue, self.terms.facility, wait, self.cancellation):
            outcomes.confirm(event)
            if isinstance(event, MessageConfirmed):
                self.submission.journal.record_seen([(event.message, event.icat_id)])
        self.cancellation.check()

    def conclude(self) -> None:
        """Report what is left, and add the exit codes to those of the scan."""
        self.reporter.conclude()
        self.scan_run.exit_codes |= self.reporter.codes()
        if self.sessions_left_out:
            what = counted(self.sessions_left_out, "session")
            log.warning("%s that are not over were left out: select them to register what is missing there", what)

    # -- one session --

    def confirmed_plan(self, directory: SessionDirectory, later: int) -> list[tuple[Plan, Terms]]:
        """Scan a session again and ask; return what is confirmed. After it `later` messages may follow."""
        session = look_again(directory, self.submission, self.cancellation, self.terms.chosen)
        self.cancellation.check()
        if session is None:
            return []  # rescanning it at the end shows why
        if self.supervised and not self.scan_run.run.arguments.json:
            self.output.write_session(session)
        terms = self.terms
        if self.supervised and needs_choice(session, terms) and (chosen := self.choose_investigation(session)):
            terms = structs.replace(terms, chosen=chosen)
            session = look_again(directory, self.submission, self.cancellation, chosen) or session
        if self.quit:
            return []
        plan = make_plan(session, terms)
        for declined in plan.declined:
            self.report_declined(declined)
        for path in sorted(_not_there(session, terms)):
            self.output.report_failure(f"{path} is not sent: it is no longer on disk", path)
            self.scan_run.exit_codes.add(ExitCode.PARTIAL)
        for warning in plan.warnings:
            log.warning("%s: %s", directory.path, warning)
        confirmed = tuple(self.confirmed_groups(plan, later))
        return [(Plan(session, confirmed), terms)] if confirmed else []

    def report_declined(self, declined: Declined) -> None:
        """Report that a dataset is not sent, which is a failure where it was named and ICAT lacks it."""
        path = declined.dataset.path
        what = f"{path} is not sent: {declined.reason}"
        if self.terms.paths is None or declined.dataset.status in NOT_NEEDED:
            log.warning("%s", what)
            return
        self.scan_run.exit_codes.add(ExitCode.PARTIAL)
        self.output.report_failure(what, path)

    def confirmed_groups(self, plan: Plan, later: int) -> Iterator[Group]:
        """Yield the groups that are to be sent. Raises Cancelled."""
        expected = self.held_back[plan.session.directory]
        for place, group in enumerate(plan.groups):
            if self.quit:
                return
            following = len(group.offers) + sum(map(_first_time, plan.groups[place + 1 :])) + later
            more = sum(map(_first_time, plan.groups)) > expected  # than when "all that follow" was confirmed
            unasked = not self.supervised or (self.all_confirmed and not group.doubts and not more)
            if unasked or self.confirms_group(group, plan.session, following):
                yield group

    def send(self, confirmed: Sequence[tuple[Plan, Terms]]) -> None:
        """Plan all that was confirmed, then send it session by session. Raises Cancelled, and SaveError."""
        if confirmed and not self.supervised and not self.target_shown:
            log.warning("sending to %s", self.target)
            self.target_shown = True
        for plan, _ in confirmed:
            self.reporter.outcomes.plan(plan)
        journal = self.submission.plan(offer.message for plan, _ in confirmed for offer in plan.offers)
        self.cancellation.expect_receipts()
        for plan, terms in confirmed:
            if self.reporter.trouble:
                return  # the rest stays planned
            for event in register([plan], terms, self.submission, self.cancellation, journal):
                self.reporter.report(event)
            if rate := self.submission.broker.rate:  # each session has its own connection and rate limit
                self.cancellation.wait(1 / rate)
            self.cancellation.check()

    # -- asking --

    @property
    def target(self) -> str:
        """Brokers that messages go to, and the setting that names them."""
        return self.scan_run.services.target()

    def confirms_group(self, group: Group, session: Session, following: int) -> bool:
        """Return whether a person confirms a group; `following` counts it and all that may follow. Raises Cancelled."""
        directory = session.directory
        if not self.target_shown:  # with -q too: nobody confirms without knowing the target
            self.questions.write(f"What is confirmed is sent to {visible(self.target)}\n")
            self.target_shown = True
        number = counted(len(group.offers), "dataset")
        doubts = " that were sent before and are not in ICAT" if group.again else ""
        doubts += " that look moved" if group.moved else ""
        name = visible(directory.label)
        question = f'{name}: upload {number} "{group.status.word}"{doubts}?'
        reply = self.questions.ask(question, lambda: self.show_group(group))
        while reply is Reply.ALL and group.moved:
            self.questions.write("What looks moved is not sent by a: answer y or n\n")
            reply = self.questions.ask(question, lambda: self.show_group(group))
        self.stop_where_told()
        if reply is Reply.ALL:
            return self.confirms_all_following(following)
        return reply is Reply.YES

    def confirms_all_following(self, number: int) -> bool:
        """Return whether all messages that follow are confirmed; many by typing their number. Raises Cancelled."""
        if number > MANY:
            what = counted(number, "dataset")
            if self.questions.ask_number(f"That may be {what}. Type their number to confirm:") != number:
                self.stop_where_told()
                self.questions.write(f"That is not {number}: none of this is sent\n")
                return False
        self.all_confirmed = True
        return True

    def stop_where_told(self) -> None:
        """Ask nothing more where the last question was answered by `q`, or by nobody."""
        if self.questions.end is Reply.NOBODY:
            log.error("nobody answered: nothing more is sent")
        if self.questions.end is not None:  # NOBODY is an empty text
            self.quit = True
            self.scan_run.run.summary.exit_codes.add(ExitCode.STOPPED)

    def show_group(self, group: Group) -> None:
        """Show the datasets of a group, and one message as it would be sent."""
        for offer in group.offers:
            self.questions.write(f"  {visible(offer.dataset.path)} -> {offer.message.destination}\n")
            for text in (offer.dataset.sent, offer.dataset.moved, *offer.warnings):
                self.questions.write(f"    {visible(text)}\n" if text else "")
        self.questions.write(f"{visible(group.offers[0].message.body.decode(errors='surrogateescape'))}\n")

    def choose_investigation(self, session: Session) -> int | None:
        """Return the investigation that a person chooses for a session; None: no choice. Raises Cancelled."""
        fit, facility = session.fit, self.terms.facility
        if fit is None:
            return None
        self.questions.write(f"{visible(session.directory.path)}: its investigation is {fit.match}. It may be\n")
        for candidate in session.candidates:
            if candidate.start is not None:
                slot = [
                    moment.astimezone(facility.zone).isoformat(" ", "minutes") if moment else "open"
                    for moment in (candidate.start, candidate.end)
                ]
                away = timeslot.distance(candidate, fit.target)
                url, title = facility.investigation_url(candidate.id), visible(candidate.title or "")
                self.questions.write(f"  {candidate.id}: {' to '.join(slot)}, {away} away, {url} {title}\n")
        typed = self.questions.ask_number("Type the id of the investigation that is meant (Enter: none):")
        self.stop_where_told()
        if typed in [candidate.id for candidate in session.candidates if candidate.start is not None]:
            return typed
        return None


def _not_there(session: Session, terms: Terms) -> Collection[str]:
    """Return the named datasets of a session that it does not have, or no longer."""
    inside = {path for path in terms.paths or () if path.startswith(f"{session.directory.path}/")}
    return inside.difference(dataset.path for dataset in session.datasets)


def _first_time(group: Group) -> int:
    """Return how many of a group's messages need no confirmation of their own, as they were never sent before."""
    return 0 if group.doubts else len(group.offers)


def _submission(scan_run: ScanRun) -> Submission:
    """Return the submission of a registration. Raises UsageError where nothing may be sent, JournalUnusableError."""
    services = scan_run.services
    if scan_run.view is None:
        raise JournalUnusableError(scan_run.view_trouble)
    submission = services.submission(scan_run.now, scan_run.view, catalogue=scan_run.catalogue, cache=scan_run.cache)
    if submission.forbidden:
        raise UsageError(submission.forbidden)
    try:
        submission.check()
        submission.journal.check_writable()
    except (UsageError, SaveError) as error:
        raise JournalUnusableError(str(error)) from error
    return submission
