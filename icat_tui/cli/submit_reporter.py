"""What a person and a program are told of messages that are sent, and the exit code that it comes to.

What must stay true: everything that was asked for has one line, and "accepted" is never called "registered".
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
from icat_tui.report.jsonl import SCHEMA, error_record, json_line
from icat_tui.report.lines import Line
from icat_tui.report.totals import SentCounts
from icat_tui.sync.outcomes import Fate, KnownFates
from icat_tui.sync.store import AlreadyRegistered, Doubted, ReadyToSend, Refused, StoreEvent
from icat_tui.sync.submit import MessageSkipped, RegisterEvent, SessionLocked
from icat_tui.sync.verify import MessageConfirmed, VerifyEvent
from icat_tui.text import counted, visible

COLOURS = {"accepted": "blue", "rejected": "red", "unknown": "reverse", "skipped": "grey"}
"""Of what can become of a message, by its name in `SentCounts`."""
FAILED = ("rejected", "unknown")


def subject_of(message: Message | Sending) -> str:
    """Return what a message is about, for a person."""
    return message.dataset or f"dataset {message.icat_id}"


class Telling:
    """What became of what was to be sent in one run."""

    def __init__(self, run: Run, broker_text: str) -> None:
        """Tell of it as the arguments want it; the end of the run is told from here too."""
        self.run, self.target = run, broker_text
        self.fates: dict[str, str] = {}
        """What became of each, by the id of its message or what it is about: a late receipt changes it."""
        self.ready = 0
        """How many messages were to be sent."""
        self.refusals: list[ExitCode] = []
        self.happened: set[ExitCode] = set()
        run.ending.sent = self.sent
        if not run.asked.quiet:
            run.ending.closing = self.closing_text()

    def tell(self, event: StoreEvent | RegisterEvent) -> None:
        """Tell what has happened."""
        match event:
            case MessageAccepted(message=message):
                self.message("accepted", message)
            case MessageRejected(message=message, words=words):
                self.message("rejected", message, f"the broker said: {words}")
            case MessageUnknown(message=message, reason=reason):
                self.message("unknown", message, f"{reason}; `icat-tui journal --verify` tells if ICAT has it")
            case MessageSkipped(message=message, reason=reason):
                self.message("skipped", message, reason)
            case AlreadyRegistered(subject=subject, reason=reason):
                self.fates[subject] = "skipped"
                self.line("skipped", subject, reason)
            case Refused(subject=subject, reason=reason, code=code):
                self.refuse(subject, reason, code)
            case SendingFinished(trouble=trouble, connected=connected):
                if trouble:
                    self.fail(trouble, ExitCode.PARTIAL if connected else ExitCode.NOTHING)
            case _:
                self.aside(event)

    def aside(self, event: StoreEvent | RegisterEvent) -> None:
        """Tell what is no result."""
        match event:
            case ReadyToSend(messages=number):
                self.ready = number
                log.warning("sending %s to %s", counted(number, "message"), self.target)
            case Doubted(subject=subject, warning=warning):
                log.warning("%s: %s", subject, warning)
            case SessionLocked():
                self.refusals.append(ExitCode.LOCKED)
            case SavingFailed(reason=reason):
                self.fail(reason)
            case BrokerConnected(broker=broker):
                log.info("%s took the connection", broker)
            case BrokerLost(broker=broker, reason=reason):
                log.warning("%s: %s", broker, reason)

    def message(self, fate: str, message: Message, reason: str = "") -> None:
        """Tell what became of a message."""
        self.fates[message.id] = fate
        if fate in FAILED:
            log.error("%s: %s: %s", subject_of(message), fate, reason)
        self.line(fate, subject_of(message), reason)

    def refuse(self, subject: str, reason: str, code: ExitCode = ExitCode.PARTIAL) -> None:
        """Tell why something was not sent."""
        self.refusals.append(code)
        log.error("%s was not sent: %s", subject, reason)
        if self.run.asked.json:
            write(json_line(error_record(reason, subject)) + "\n")

    def fail(self, what: str, code: ExitCode = ExitCode.PARTIAL) -> None:
        """Tell what went wrong with more than one of them."""
        self.happened.add(code)
        log.error("%s", what)
        if self.run.asked.json:
            write(json_line(error_record(what)) + "\n")

    def line(self, fate: str, subject: str, reason: str) -> None:
        """Write a line of data."""
        if self.run.asked.json:
            record = {"type": "message", "schema": SCHEMA, "subject": subject, "fate": fate, "reason": reason}
            write(json_line(record) + "\n")
        elif not self.run.asked.quiet:
            why = f" ({visible(reason)})" if reason else ""
            write_lines([Line(f"{fate}: {visible(subject)}{why}", COLOURS[fate])])

    @property
    def code(self) -> ExitCode:
        """What it came to. What was refused counts for what it is only where nothing else was done."""
        fates = set(self.fates.values())
        refused = {ExitCode.PARTIAL if fates else code for code in self.refusals}
        failed = {ExitCode.PARTIAL for fate in FAILED if fate in fates}
        return exit_code(self.happened | refused | failed)

    def sent(self) -> SentCounts:
        """Return what became of messages."""
        counts = Counter(self.fates.values())
        return SentCounts(**{fate: counts[fate] for fate in COLOURS})

    def closing_text(self) -> Iterator[Line]:
        """Yield what is said at the end."""
        sent = self.sent()
        if sent.accepted:
            number = counted(sent.accepted, "message")
            yield Line(f"{number} accepted by the broker. Whether ICAT has understood: icat-tui journal --verify")
        left = self.ready - sent.accepted - sent.rejected - sent.unknown
        if left > 0:
            yield Line(f"{counted(left, 'message')} not sent. To take them up: icat-tui journal --resume", "red")


class Fates(KnownFates):
    """The fates of all messages that were confirmed in one run."""

    def __init__(self, output: Output) -> None:
        """Tell `output` of what goes wrong."""
        super().__init__()
        self._output = output
        self._reasons: dict[str, str] = {}
        """Why it is not known what became of a message."""
        self._locked: set[str] = set()
        """Sessions that somebody else registers, by path."""
        self._locked_out = 0
        """Messages of these."""
        self._unsaved = False
        self._connected = False
        self.trouble = False
        """Whether nothing more can be sent."""

    # -- as it happens --

    def hear(self, event: RegisterEvent) -> None:
        """Take up what has happened, and tell what went wrong."""
        super().hear(event)
        match event:
            case MessageAccepted(message=message):
                self._reasons.pop(message.id, None)
            case MessageUnknown(message=message, reason=reason):
                self._reasons[message.id] = reason
            case MessageRejected(message=message, words=words):
                self._reasons.pop(message.id, None)
                self._fail(message, f"the broker rejected it: {words}")
            case MessageSkipped(message=message, reason=reason):
                if any(message.dataset.startswith(f"{path}/") for path in self._locked):
                    self._locked_out += 1  # said once, of the session
                else:
                    log.warning("%s was not sent: %s", message.dataset, reason)
            case SendingFinished(trouble=trouble, connected=connected):
                self._connected = self._connected or connected
                if trouble:
                    self.trouble = True
                    self._output.failure(trouble)
            case _:
                self._aside(event)

    def _aside(self, event: RegisterEvent) -> None:
        match event:
            case SessionLocked(directory=directory, holder=holder):
                self._locked.add(directory.path)
                what = f"{directory.path} is being registered by {holder}: nothing of it was sent; try again later"
                self._output.failure(what, directory.path)
            case SavingFailed(path=path, reason=reason):
                self._unsaved = True
                self._output.failure(reason, path)
            case BrokerConnected(broker=broker):
                log.info("%s took the connection", broker)
            case BrokerLost(broker=broker, reason=reason):
                log.warning("%s: %s", broker, reason)

    def confirm(self, event: VerifyEvent) -> None:
        """Take up what ICAT shows of a message, or that nobody could ask it."""
        super().confirm(event)
        if not isinstance(event, MessageConfirmed):
            self._reasons.setdefault(event.message.id, event.reason)

    def _fail(self, message: Message, why: str) -> None:
        self._output.failure(f"{message.dataset}: {why}", message.dataset)

    # -- at the end --

    def conclude(self) -> None:
        """Tell what is still not known."""
        unasked: Counter[str] = Counter()
        for message in self.open:
            reason = self._reasons.get(message.id)
            if self._fates[message.id] is Fate.UNKNOWN:
                self._fail(message, f"nobody knows whether the broker has it ({reason}): see `icat-tui journal`")
            elif reason:
                unasked[reason] += 1
        for reason, number in unasked.items():
            log.warning("whether ICAT has %s that the broker has is not known: %s", counted(number, "message"), reason)
        if self.trouble:
            self.say_how_far()

    def say_how_far(self) -> None:
        """Tell how far sending came, where it did not come to its end."""
        if self.counts:
            log.error("%s: `icat-tui journal` says which", self.how_far())

    def codes(self) -> set[ExitCode]:
        """Return what the exit code is to be made of."""
        counts, codes = self.counts, set()
        if counts[Fate.REJECTED] or counts[Fate.UNKNOWN] or self._unsaved:
            codes.add(ExitCode.PARTIAL)
        if self.trouble:
            codes.add(ExitCode.PARTIAL if self._connected else ExitCode.NOTHING)
        if self._locked:
            codes.add(ExitCode.LOCKED if self._locked_out == len(self._fates) else ExitCode.PARTIAL)
        return codes

    def sent(self) -> SentCounts:
        """Return what became of the messages, for programs."""
        counts = self.counts
        return SentCounts(**{fate.value: counts[fate] for fate in Fate if fate is not Fate.NOT_SENT})

    def closing_text(self) -> Iterator[Line]:
        """Yield what a person is told last."""
        counts = self.counts
        if counts:
            yield Line(
                f"Of {counted(counts.total(), 'message')}: "
                + ", ".join(f"{counts[fate]:,} {fate}" for fate in Fate if counts[fate])
            )
        if counts[Fate.ACCEPTED] or counts[Fate.UNKNOWN]:
            yield Line("What ICAT does not list yet is pending: `icat-tui journal --verify` looks again")
