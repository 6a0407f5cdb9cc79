"""The only way to send: locks sessions, drops their cache files, journals, sends and reports messages.

What must stay true (promises.md 3, 4, 6, 8): nothing else imports the sender; nothing is sent where it is forbidden;
and a session's lock is held from before it is scanned again until everything is sent.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import SaveError, UsageError
from icat_tui.domain.message import Message
from icat_tui.domain.model import Session, SessionDirectory
from icat_tui.domain.scan_events import SavingFailed, SessionScanned
from icat_tui.domain.surroundings import Surroundings
from icat_tui.ingest.broker import Broker
from icat_tui.ingest.send_events import SendEvent
from icat_tui.ingest.sender import send
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.scan import ScanPlan, scan
from icat_tui.sync.session_lock import locked


class SessionLocked(Struct, frozen=True):
    """Event: somebody else is registering a session, and nothing of it was sent."""

    directory: SessionDirectory
    holder: str


class MessageSkipped(Struct, frozen=True):
    """Event: a confirmed message was not sent, because something is not as it was when it was confirmed."""

    message: Message
    reason: str


SubmitEvent = SessionLocked | MessageSkipped | SavingFailed | SendEvent


class Submission(Struct, frozen=True, kw_only=True):
    """Catalogue, journal, broker and directories that sending works with."""

    catalogue: Catalogue | None
    """Queried before anything is sent; None: there is none."""
    surroundings: Surroundings
    view: JournalView
    """View of the journal; the same as in `surroundings`."""
    journal: Journal
    broker: Broker
    state_dir: Path
    """The directory of the locks, beside the journal."""
    cache: SessionCache | None = None
    verify_wait: timedelta = timedelta(seconds=30)
    forbidden: str = ""
    """Why nothing may be sent, and what to do about it; empty where something may."""

    def check(self) -> None:
        """Raise UsageError where nothing may be sent."""
        if self.forbidden:
            raise UsageError(self.forbidden)


class Outbox:
    """Sending of one run: the locks of its sessions, and the events about its messages.

    A context manager; its end releases the locks.
    """

    def __init__(self, submission: Submission, cancellation: Cancellation) -> None:
        """Begin without a lock. Raises UsageError where nothing may be sent."""
        submission.check()
        self._submission, self._cancellation = submission, cancellation
        self._resources = ExitStack()
        self._locked: set[str] = set()
        self._events: deque[SubmitEvent] = deque()

    def __enter__(self) -> Self:
        """Return the outbox; from now on cancelling closes the catalogue, so that no answer is waited for."""
        if self._submission.catalogue is not None:
            self._resources.callback(self._cancellation.on_cancel(self._submission.catalogue.close))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release all locks."""
        self._resources.close()

    def lock(self, directory: SessionDirectory) -> None:
        """Lock a session until the end. Raises SessionLockedError, or SaveError where no lock can be made."""
        if directory.path not in self._locked:
            self._resources.enter_context(locked(self._submission.state_dir, directory))
            self._locked.add(directory.path)

    def drop_cached(self, directory: SessionDirectory) -> None:
        """Remove the cache file of a session, which sending makes out of date; what ICAT listed stays known."""
        cache = self._submission.cache
        if cache is None:
            return
        try:
            cache.outdate(directory)
        except SaveError as error:
            self.report(SavingFailed(str(cache.path(directory)), str(error)))

    def report(self, event: SubmitEvent) -> None:
        """Have an event yielded among those of sending."""
        self._events.append(event)

    def skip(self, messages: Iterable[Message], reason: str) -> None:
        """Report messages that are not sent."""
        self._events.extend(MessageSkipped(message, reason) for message in messages)

    def plan(self, messages: Iterable[Message]) -> None:
        """Write confirmed messages to the journal, before any of them is sent. Raises JournalError."""
        self._submission.journal.record_plans(list(messages))

    def send(self, messages: Iterable[Message]) -> Iterator[SubmitEvent]:
        """Send planned messages, and yield events; the last is `SendingFinished`.

        `messages` is iterated just before each is sent: the iterator may check a message again, and skip it. Raises
        JournalError where the journal can't be written: nothing more is sent then.
        """
        submission = self._submission
        for event in send(messages, submission.broker, submission.journal, cancelled=lambda: bool(self._cancellation)):
            yield from self.collected()
            yield event

    def collected(self) -> Iterator[SubmitEvent]:
        """Yield what was reported so far, for whoever does not send yet."""
        while self._events:
            yield self._events.popleft()


def look_again(
    directory: SessionDirectory,
    submission: Submission,
    cancellation: Cancellation,
    chosen: int | None = None,
    *,
    keep: bool = False,
) -> Session | None:
    """Return a session scanned now, without using the cache; None where that failed.

    `chosen` is the investigation that a person chose for it. With `keep` the result is saved in the cache. Raises
    JournalError where the journal can't be read.
    """
    if submission.catalogue is None:
        return None
    submission.view.refresh()
    plan = ScanPlan(
        found=(directory,),
        catalogue=submission.catalogue,
        around=submission.surroundings,
        cache=submission.cache if keep else None,
        known=submission.cache,
        use_cache=False,
        investigation=chosen,
        jobs=1,
    )
    scanned = [event.session for event in scan(plan, cancellation) if isinstance(event, SessionScanned)]
    return scanned[0] if scanned else None
