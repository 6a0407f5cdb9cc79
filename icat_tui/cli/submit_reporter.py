"""Reporting of messages that are sent: to people, to programs, and as an exit code.

What must stay true: everything that was asked for is told of once, and "accepted" is never called "registered".
"""

from collections import Counter
from collections.abc import Iterator

from icat_tui.cli.console import write, write_lines
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.cli.session_reporter import Output
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
from icat_tui.journal.reader import Sending
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
    """Return what a message is about, for a person."""
    return message.dataset or f"dataset {message.icat_id}"


class SubmitReporter:
    """Reporter of a run that sends; what both kinds of such runs have in common."""

    def __init__(self, output: Output) -> None:
        """Report failures to `output`."""
        self.output = output
        self.outcomes = Outcomes()
        self.trouble = False
        """Whether nothing more can be sent."""
        self.connected = False
        self.unsaved = False

    def report(self, event: StoreEvent) -> None:
        """Take up what has happened, and tell of it."""
        self.outcomes.add(event)
        match event:
            case BrokerConnected(broker=broker):
                log.info("%s took the connection", broker)
            case BrokerLost(broker=broker, reason=reason):
                log.warning("%s: %s", broker, reason)
            case SavingFailed(path=path, reason=reason):
                self.unsaved = True
                self.output.failure(reason, path)
            case SendingFinished(trouble=trouble, connected=connected):
                self.connected = self.connected or connected
                if trouble:
                    self.trouble = True
                    self.output.failure(trouble)
            case _:
                pass

    def codes(self) -> set[ExitCode]:
        """Return what the exit code is to be made of."""
        counts, codes = self.outcomes.counts, set()
        if counts[MessageOutcome.REJECTED] or counts[MessageOutcome.UNKNOWN] or self.unsaved:
            codes.add(ExitCode.PARTIAL)
        if self.trouble:
            codes.add(ExitCode.PARTIAL if self.connected else ExitCode.NOTHING)
        return codes

    def sent(self) -> SentCounts:
        """Return what became of the messages, for programs."""
        counts = self.outcomes.counts
        return SentCounts(
            **{each.value: counts[each] for each in MessageOutcome if each is not MessageOutcome.NOT_SENT}
        )


class EachMessageReporter(SubmitReporter):
    """Reporter of what a person named: a line for each."""

    def __init__(self, run: Run, target: str) -> None:
        """Report as the arguments want it, the end of the run too; `target` is where messages go."""
        super().__init__(Output(run, lambda _: ()))
        self.run, self.target = run, target
        self.ready = 0
        """How many messages were to be sent."""
        self.refusals: list[ExitCode] = []
        self.happened: set[ExitCode] = set()
        run.ending.sent = self.sent
        if not run.asked.quiet:
            run.ending.closing = self.closing_text()

    def report(self, event: StoreEvent) -> None:
        """Take up what has happened, and write a line of it."""
        super().report(event)
        match event:
            case MessageAccepted(message=message):
                self.line(MessageOutcome.ACCEPTED, subject_of(message))
            case MessageRejected(message=message, words=words):
                self.failed(MessageOutcome.REJECTED, message, f"the broker said: {words}")
            case MessageUnknown(message=message, reason=reason):
                why = f"{reason}; `icat-tui journal --verify` tells if ICAT has it"
                self.failed(MessageOutcome.UNKNOWN, message, why)
            case MessageSkipped(message=message, reason=reason):
                self.line(MessageOutcome.SKIPPED, subject_of(message), reason)
            case AlreadyRegistered(subject=subject, reason=reason):
                self.outcomes.skip(subject, reason)
                self.line(MessageOutcome.SKIPPED, subject, reason)
            case Refused(subject=subject, reason=reason, code=code):
                self.refuse(subject, reason, code)
            case SessionLocked():
                self.refusals.append(ExitCode.LOCKED)
            case ReadyToSend(messages=number):
                self.ready = number
                log.warning("sending %s to %s", counted(number, "message"), self.target)
            case Doubted(subject=subject, warning=warning):
                log.warning("%s: %s", subject, warning)
            case _:
                pass

    def failed(self, outcome: MessageOutcome, message: Message, reason: str) -> None:
        """Tell of a message that the broker has not, or may not have."""
        log.error("%s: %s: %s", subject_of(message), outcome, reason)
        self.line(outcome, subject_of(message), reason)

    def refuse(self, subject: str, reason: str, code: ExitCode = ExitCode.PARTIAL) -> None:
        """Tell why something was not sent."""
        self.refusals.append(code)
        log.error("%s was not sent: %s", subject, reason)
        self.output.without_result(subject, reason)

    def line(self, outcome: MessageOutcome, subject: str, reason: str = "") -> None:
        """Write a line of data."""
        if self.run.asked.json:
            record = {"type": "message", "schema": SCHEMA, "subject": subject, "fate": outcome, "reason": reason}
            write(json_line(record) + "\n")
        elif not self.run.asked.quiet:
            why = f" ({visible(reason)})" if reason else ""
            write_lines([Line(f"{outcome}: {visible(subject)}{why}", COLOURS[outcome])])

    @property
    def code(self) -> ExitCode:
        """The exit code. What was refused counts for what it is only where nothing else was done."""
        refused = {ExitCode.PARTIAL if len(self.outcomes) else code for code in self.refusals}
        return exit_code(self.happened | refused | self.codes())

    def closing_text(self) -> Iterator[Line]:
        """Yield what a person is told last."""
        sent = self.sent()
        if sent.accepted:
            number = counted(sent.accepted, "message")
            yield Line(f"{number} accepted by the broker. Whether ICAT has understood: icat-tui journal --verify")
        left = self.ready - sent.accepted - sent.rejected - sent.unknown
        if left > 0:
            yield Line(f"{counted(left, 'message')} not sent. To take them up: icat-tui journal --resume", "red")


class RegistrationReporter(SubmitReporter):
    """Reporter of the registrations of a scan: what goes wrong as it happens, and numbers at the end."""

    def __init__(self, output: Output) -> None:
        """Report failures to `output`."""
        super().__init__(output)
        self._locked: set[str] = set()
        """Sessions that somebody else registers, by path."""
        self._locked_out = 0
        """Messages of these."""

    def report(self, event: StoreEvent) -> None:
        """Take up what has happened, and tell what went wrong."""
        super().report(event)
        match event:
            case MessageRejected(message=message, words=words):
                self._fail(message, f"the broker rejected it: {words}")
            case MessageSkipped(message=message, reason=reason):
                if any(message.dataset.startswith(f"{path}/") for path in self._locked):
                    self._locked_out += 1  # said once, of the session
                else:
                    log.warning("%s was not sent: %s", message.dataset, reason)
            case SessionLocked(directory=directory, holder=holder):
                self._locked.add(directory.path)
                what = f"{directory.path} is being registered by {holder}: nothing of it was sent; try again later"
                self.output.failure(what, directory.path)
            case _:
                pass

    def _fail(self, message: Message, why: str) -> None:
        self.output.failure(f"{message.dataset}: {why}", message.dataset)

    def conclude(self) -> None:
        """Tell what is still not known at the end."""
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
            self.say_how_far()

    def say_how_far(self) -> None:
        """Tell how far sending came, where it did not come to its end."""
        if len(self.outcomes):
            log.error("%s: `icat-tui journal` says which", self.outcomes.how_far())

    def codes(self) -> set[ExitCode]:
        """Return what the exit code is to be made of."""
        codes = super().codes()
        if self._locked:
            codes.add(ExitCode.LOCKED if self._locked_out == len(self.outcomes) else ExitCode.PARTIAL)
        return codes

    def closing_text(self) -> Iterator[Line]:
        """Yield what a person is told last."""
        counts = self.outcomes.counts
        if counts:
            yield Line(
                f"Of {counted(counts.total(), 'message')}: "
                + ", ".join(f"{counts[each]:,} {each}" for each in MessageOutcome if counts[each])
            )
        if counts[MessageOutcome.ACCEPTED] or counts[MessageOutcome.UNKNOWN]:
            yield Line("What ICAT does not list yet is pending: `icat-tui journal --verify` looks again")
