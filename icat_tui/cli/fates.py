"""What becomes of the messages of a run, as people and programs are told, and the exit code that it comes to."""

from collections import Counter
from collections.abc import Iterator

from icat_tui.cli.narration import log
from icat_tui.cli.output import Output
from icat_tui.domain.errors import ExitCode
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
from icat_tui.report.lines import Line
from icat_tui.report.totals import Sent
from icat_tui.sync.outcomes import Fate, KnownFates
from icat_tui.sync.submit import MessageSkipped, RegisterEvent, SessionLocked
from icat_tui.sync.verify import MessageConfirmed, VerifyEvent
from icat_tui.text import counted


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

    def sent(self) -> Sent:
        """Return what became of the messages, for programs."""
        counts = self.counts
        return Sent(**{fate.value: counts[fate] for fate in Fate if fate is not Fate.NOT_SENT})

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
