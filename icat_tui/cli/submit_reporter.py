"""Reporting of messages that are sent: to people, to programs, and as an exit code.

What must stay true: every request is reported once, and "accepted" is never called "registered".
"""

from collections import Counter
from collections.abc import Iterator

from icat_tui.cli.console import write, write_lines
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.cli.session_reporter import SessionOutput
from icat_tui.domain.errors import ExitCode, exit_code
from icat_tui.domain.message import Message
from icat_tui.domain.scan_events import SavingFailed
from icat_tui.ingest.send_events import (
    BrokerConnected,
    BrokerLost,
    MessageAccepted,
    MessageRejected,
    MessageUnknown,
    SendingFinished,
)
from icat_tui.journal.sendings import Sending
from icat_tui.report.jsonl import SCHEMA, json_line
from icat_tui.report.lines import Line
from icat_tui.report.totals import SentCounts
from icat_tui.sync.outcomes import MessageOutcome, Outcomes
from icat_tui.sync.store import AlreadyRegistered, Doubted, ReadyToSend, Refused, StoreEvent
from icat_tui.sync.submit import MessageSkipped, SessionLocked
from icat_tui.text import counted, visible

COLOURS = {
    MessageOutcome.ACCEPTED: "blue",
    MessageOutcome.REJECTED: "red",
    MessageOutcome.UNKNOWN: "reverse",
    MessageOutcome.SKIPPED: "grey",
}


def subject_of(message: Message | Sending) -> str:
    """Return the name for people of what a message is about."""
    return message.dataset or f"dataset {message.icat_id}"


class SubmitReporter:
    """Base of reporters of messages that are sent."""

    def __init__(self, output: SessionOutput) -> None:
        """Report failures to `output`."""
        self.output = output
        self.outcomes = Outcomes()
        self.trouble = False
        """Whether nothing more can be sent."""
        self.connected = False
        self.unsaved = False

    def report(self, event: StoreEvent) -> None:
        """Record an event of sending, and report what concerns the broker or the cache."""
        self.outcomes.add(event)
        match event:
            case BrokerConnected(broker=broker):
                log.info("%s took the connection", broker)
            case BrokerLost(broker=broker, reason=reason):
                log.warning("%s: %s", broker, reason)
            case SavingFailed(path=path, reason=reason):
                self.unsaved = True
                self.output.report_failure(reason, path)
            case SendingFinished(trouble=trouble, connected=connected):
                self.connected = self.connected or connected
                if trouble:
                    self.trouble = True
                    self.output.report_failure(trouble)
            case _:
                pass

    def codes(self) -> set[ExitCode]:
        """Return the exit codes of what went wrong."""
        counts, codes = self.outcomes.counts, set()
        if counts[MessageOutcome.REJECTED] or counts[MessageOutcome.UNKNOWN] or self.unsaved:
            codes.add(ExitCode.PARTIAL)
        if self.trouble:
            codes.add(ExitCode.PARTIAL if self.connected else ExitCode.NOTHING)
        return codes

    def sent(self) -> SentCounts:
        """Return the counts of messages by outcome, for the summary."""
        counts = self.outcomes.counts
        return SentCounts(
            confirmed=counts.total(),
            accepted=counts[MessageOutcome.ACCEPTED] + counts[MessageOutcome.SEEN],
            seen=counts[MessageOutcome.SEEN],
            rejected=counts[MessageOutcome.REJECTED],
            unknown=counts[MessageOutcome.UNKNOWN],
            skipped=counts[MessageOutcome.SKIPPED],
            not_sent=counts[MessageOutcome.NOT_SENT],
        )


class EachMessageReporter(SubmitReporter):
    """Reporter of messages that a person named, with a line for each."""

    def __init__(self, run: Run, target: str) -> None:
        """Report as the arguments say, also in the summary of the run; `target` names the broker."""
        super().__init__(SessionOutput(run, lambda _: ()))
        self.run, self.target = run, target
        self.ready = 0
        """Number of messages to be sent."""
        self.refusals: list[ExitCode] = []
        self.other_exit_codes: set[ExitCode] = set()
        """Exit codes of what is not about a message, such as a missing file."""
        run.summary.sent = self.sent
        if not run.arguments.quiet:
            run.summary.closing_lines = self.closing_text()

    def report(self, event: StoreEvent) -> None:
        """Record an event of sending, and write a line about its message or request."""
        super().report(event)
        match event:
            case MessageAccepted(message=message):
                self.write_line(MessageOutcome.ACCEPTED, subject_of(message))
            case MessageRejected(message=message, words=words):
                self.report_failed(MessageOutcome.REJECTED, message, f"the broker said: {words}")
            case MessageUnknown(message=message, reason=reason):
                why = f"{reason}; `icat-tui journal --verify` tells if ICAT has it"
                self.report_failed(MessageOutcome.UNKNOWN, message, why)
            case MessageSkipped(message=message, reason=reason):
                self.write_line(MessageOutcome.SKIPPED, subject_of(message), reason)
            case AlreadyRegistered(subject=subject, reason=reason):
                self.outcomes.skip(subject, reason)
                self.write_line(MessageOutcome.SKIPPED, subject, reason)
            case Refused(subject=subject, reason=reason, code=code):
                self.report_refused(subject, reason, code)
            case SessionLocked():
                self.refusals.append(ExitCode.LOCKED)
            case ReadyToSend(messages=number):
                self.ready = number
                log.warning("sending %s to %s", counted(number, "message"), self.target)
            case Doubted(subject=subject, warning=warning):
                log.warning("%s: %s", subject, warning)
            case _:
                pass

    def report_failed(self, outcome: MessageOutcome, message: Message, reason: str) -> None:
        """Report a message that the broker has not accepted, or may not have."""
        log.error("%s: %s: %s", subject_of(message), outcome, reason)
        self.write_line(outcome, subject_of(message), reason)

    def report_refused(self, subject: str, reason: str, code: ExitCode = ExitCode.PARTIAL) -> None:
        """Report a request that was not sent, for a reason."""
        self.refusals.append(code)
        log.error("%s was not sent: %s", subject, reason)
        self.output.write_without_result(subject, reason)

    def write_line(self, outcome: MessageOutcome, subject: str, reason: str = "") -> None:
        """Write a line of data about the outcome of a message."""
        if self.run.arguments.json:
            record = {"type": "message", "schema": SCHEMA, "subject": subject, "fate": outcome, "reason": reason}
            write(json_line(record) + "\n")
        elif not self.run.arguments.quiet:
            why = f" ({visible(reason)})" if reason else ""
            write_lines([Line(f"{outcome}: {visible(subject)}{why}", COLOURS[outcome])])

    @property
    def code(self) -> ExitCode:
        """The exit code; those of refused requests count only where no message had an outcome, else as PARTIAL."""
        refused = {ExitCode.PARTIAL if len(self.outcomes) else code for code in self.refusals}
        return exit_code(self.other_exit_codes | refused | self.codes())

    def closing_text(self) -> Iterator[Line]:
        """Yield the last lines for people."""
        sent = self.sent()
        if sent.accepted:
            number = counted(sent.accepted, "message")
            yield Line(f"{number} accepted by the broker. Whether ICAT has understood: icat-tui journal --verify")
        left = self.ready - sent.accepted - sent.rejected - sent.unknown
        if left > 0:
            yield Line(f"{counted(left, 'message')} not sent. To take them up: icat-tui journal --resume", "red")


class RegistrationReporter(SubmitReporter):
    """Reporter of the registrations of a scan: errors at once, and numbers at the end."""

    def __init__(self, output: SessionOutput) -> None:
        """Report failures to `output`."""
        super().__init__(output)
        self._locked: set[str] = set()
        """Paths of sessions that another process is registering."""
        self._locked_out = 0
        """Number of messages about these."""

    def report(self, event: StoreEvent) -> None:
        """Record an event of sending, and report what went wrong."""
        super().report(event)
        match event:
            case MessageRejected(message=message, words=words):
                self._fail(message, f"the broker rejected it: {words}")
            case MessageSkipped(message=message, reason=reason):
                if any(message.dataset.startswith(f"{path}/") for path in self._locked):
                    self._locked_out += 1  # reported once, for the session
                else:
                    log.warning("%s was not sent: %s", message.dataset, reason)
            case SessionLocked(path=path, holder=holder):
                self._locked.add(path)
                what = f"{path} is being registered by {holder}: nothing of it was sent; try again later"
                self.output.report_failure(what, path)
            case _:
                pass

    def _fail(self, message: Message, why: str) -> None:
        self.output.report_failure(f"{message.dataset}: {why}", message.dataset)

    def conclude(self) -> None:
        """Report the messages whose outcome is still not known at the end."""
        unasked: Counter[str] = Counter()
        for message in self.outcomes.open:
            reason = self.outcomes.reason(message.id)
            if self.outcomes.of(message.id) is MessageOutcome.UNKNOWN:
                self._fail(message, f"nobody knows whether the broker has it ({reason}): see `icat-tui journal`")
            elif reason:
                unasked[reason] += 1
        for reason, number in unasked.items():
            log.warning("whether ICAT has %s that the broker has is not known: %s", counted(number, "message"), reason)
        if self.trouble:
            self.log_how_far()

    def log_how_far(self) -> None:
        """Log how far sending came, where it was not completed."""
        if len(self.outcomes):
            log.error("%s: `icat-tui journal` says which", self.outcomes.how_far())

    def codes(self) -> set[ExitCode]:
        """Return the exit codes of what went wrong."""
        codes = super().codes()
        if self._locked:
            codes.add(ExitCode.LOCKED if self._locked_out == len(self.outcomes) else ExitCode.PARTIAL)
        return codes

    def closing_text(self) -> Iterator[Line]:
        """Yield the last lines for people."""
        counts = self.outcomes.counts
        if counts:
            yield Line(
                f"Of {counted(counts.total(), 'message')}: "
                + ", ".join(f"{counts[each]:,} {each}" for each in MessageOutcome if counts[each])
            )
        if counts[MessageOutcome.ACCEPTED] or counts[MessageOutcome.UNKNOWN]:
            yield Line("What ICAT does not list yet is pending: `icat-tui journal --verify` looks again")
