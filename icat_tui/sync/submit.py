"""The only way to send: locks sessions, drops their cache files, looks again, journals, sends and reports messages.

What must stay true (promises.md 3, 4, 6, 8): nothing else imports the sender; nothing is sent where it is forbidden; a
session's lock is held from before it is looked at until everything is sent; and no message goes out on a look at disk,
ICAT and journal that ended more than `recheck_age` ago.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from types import TracebackType
from typing import Self

from msgspec import Struct, structs

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
from icat_tui.journal.directory import check_for_sending
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.scan import ScanPlan, scan
from icat_tui.sync.session_lock import SessionLockedError, locked


class SessionLocked(Struct, frozen=True):
    """Event: somebody else is registering a session, and nothing of it was sent."""

    path: str
    holder: str


class MessageSkipped(Struct, frozen=True):
    """Event: a confirmed message was not sent, because something is not as it was when it was confirmed."""

    message: Message
    reason: str


SubmitEvent = SessionLocked | MessageSkipped | SavingFailed | SendEvent


OrderJournal = Journal
"""Writer of the journal for the messages of one confirmation."""


class Submission(Struct, frozen=True, kw_only=True):
    """Catalogue, journal, broker and directories that sending works with."""

    catalogue: Catalogue | None
    """Queried before anything is sent; None: there is none."""
    surroundings: Surroundings
    view: JournalView
    """View of the journal; the same as in `surroundings`."""
    journal: Journal
    broker: Broker
    cache: SessionCache | None = None
    verify_wait: timedelta = timedelta(seconds=30)
    recheck_age: timedelta = timedelta(seconds=10)
    lock_wait: timedelta = timedelta()
    """How long a session is waited for that another process is registering."""
    forbidden: str = ""
    """Why nothing may be sent, and what to do about it; empty where something may."""

    def check(self) -> None:
        """Raise UsageError where nothing may be sent, JournalError where the journal can't be read."""
        if self.forbidden:
            raise UsageError(self.forbidden)
        check_for_sending(self.journal.directory)

    def plan(self, messages: Iterable[Message]) -> OrderJournal:
        """Write confirmed messages to the journal, and return the writer to send them with.

        Raises UsageError where nothing may be sent, JournalError where the journal can't be read or written.
        """
        self.check()
        journal = self.journal.for_order()
        journal.record_plans(list(messages))
        return journal

    @property
    def look_size(self) -> int:
        """How many messages a look covers at most: as many as go out while it is young, but not fewer than a window."""
        if not self.broker.rate:
            return 1_000_000
        return max(self.broker.window, int(self.broker.rate * self.recheck_age.total_seconds()))


Look = Callable[[Sequence[Message]], Mapping[str, str]]
"""Look at disk, ICAT and journal; returns why messages no longer hold, by their id."""


class Parcel(Struct, frozen=True):
    """Confirmed messages of one session, or about one dataset that lies in none, which are sent under one lock."""

    messages: Sequence[Message]
    path: str
    """The directory that is locked."""
    look: Look
    directory: SessionDirectory | None = None
    """The session, whose cache file is dropped; None: there is none."""
    keep_where_locked: bool = False
    """Whether the messages stay planned where somebody else holds the lock, rather than being skipped."""
    looked: float | None = None
    """When a look at them ended, of `time.monotonic`; None: they were not looked at under the lock yet."""


class Outbox:
    """Sending of one run: the locks of its sessions, and the events about its messages.

    A context manager; its end releases the locks.
    """

    def __init__(self, submission: Submission, cancellation: Cancellation, journal: OrderJournal | None = None) -> None:
        """Begin without a lock; `journal` is a writer that planned the messages already.

        Raises UsageError where nothing may be sent, JournalError where the journal can't be read.
        """
        submission.check()
        self._submission, self._cancellation = submission, cancellation
        self._journal = journal or submission.journal.for_order()
        self._resources = ExitStack()
        self._locked: set[str] = set()
        self._events: deque[SubmitEvent] = deque()
        self._looked: dict[str, float] = {}
        """When the look ended that a message may go out on, by its id."""
        self._looks: dict[str, Look] = {}

    def __enter__(self) -> Self:
        """Return the outbox; from now on cancelling closes the catalogue, so that no answer is waited for.

        Raises JournalError where the journal can't be written.
        """
        self._journal.check_writable()
        if self._submission.catalogue is not None:
            self._resources.callback(self._cancellation.on_cancel(self._submission.catalogue.close))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release all locks."""
        self._resources.close()

    def lock(self, path: str) -> None:
        """Lock a session until the end. Raises SessionLockedError, or SaveError where no lock can be made."""
        submission = self._submission
        if path not in self._locked:
            state_dir, facility = submission.journal.directory.path, submission.surroundings.facility
            self._resources.enter_context(locked(state_dir, path, facility, submission.lock_wait, self._cancellation))
            self._locked.add(path)

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

    def skip(self, messages: Iterable[tuple[Message, str]]) -> None:
        """Record messages as not sent, each with the reason, and report them. Raises JournalError."""
        skipped = list(messages)
        self._journal.record_skipped(skipped)
        self._events.extend(MessageSkipped(message, reason) for message, reason in skipped)

    def plan(self, messages: Iterable[Message]) -> None:
        """Write confirmed messages to the journal, before any of them is sent. Raises JournalError."""
        self._journal.record_plans(list(messages))

    def send(self, parcels: Iterable[Parcel]) -> Iterator[SubmitEvent]:
        """Send planned messages, and yield events; the last is `SendingFinished`.

        Each parcel is locked, and its messages looked at, just before they are sent. Raises JournalError where the
        journal can't be written: nothing more is sent then.
        """
        messages = (message for parcel in parcels for message in self._opened(parcel))
        for event in send(
            messages,
            self._submission.broker,
            self._journal,
            cancelled=lambda: bool(self._cancellation),
            recheck=self._still_valid,
        ):
            yield from self.collected()
            yield event

    def collected(self) -> Iterator[SubmitEvent]:
        """Yield what was reported so far, for whoever does not send yet."""
        while self._events:
            yield self._events.popleft()

    # -- looks ---------------------------------------------------------------------------------------------------------

    def _opened(self, parcel: Parcel) -> Iterator[Message]:
        """Yield the messages of a parcel that hold, each while the look that covers it is young."""
        try:
            self.lock(parcel.path)
        except SessionLockedError as error:
            self.report(SessionLocked(parcel.path, error.holder))
            if not parcel.keep_where_locked:
                self.skip((message, str(error)) for message in parcel.messages)
            return
        if parcel.directory:
            self.drop_cached(parcel.directory)
        self._looks.update((message.id, parcel.look) for message in parcel.messages)
        if parcel.looked is not None:
            self._looked.update((message.id, parcel.looked) for message in parcel.messages)
        waiting = deque(parcel.messages)
        while waiting and not self._cancellation:
            if not self._is_young(waiting[0]):
                covered = [waiting.popleft() for _ in range(min(len(waiting), self._submission.look_size))]
                waiting.extendleft(reversed(self._looked_at(covered, parcel.look)))
            if waiting and waiting[0].id in self._looked:
                yield waiting.popleft()

    def _still_valid(self, messages: list[Message]) -> list[Message]:
        """Return the messages that may go out now: those that had to wait since they were looked at are again."""
        valid: list[Message] = []
        for message in messages:
            young = self._is_young(message)
            valid += [message] if young else self._looked_at([message], self._looks[message.id])
        return valid

    def _looked_at(self, messages: Sequence[Message], look: Look) -> list[Message]:
        """Return the messages that hold by a look that is made now; the others are skipped. None once cancelled."""
        reasons = look(messages)
        if self._cancellation:
            return []  # nothing was found out, and nothing is sent any more
        ended = time.monotonic()
        self._looked.update((message.id, ended) for message in messages)
        self.skip((message, reasons[message.id]) for message in messages if message.id in reasons)
        return [message for message in messages if message.id not in reasons]

    def _is_young(self, message: Message) -> bool:
        ended = self._looked.get(message.id)
        return ended is not None and time.monotonic() - ended <= self._submission.recheck_age.total_seconds()


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
    plan = _look_plan(directory, submission, chosen)
    return _scanned(plan and structs.replace(plan, cache=submission.cache if keep else None), submission, cancellation)


def look_at_datasets(
    directory: SessionDirectory,
    paths: Iterable[str],
    submission: Submission,
    cancellation: Cancellation,
    chosen: int | None = None,
) -> Session | None:
    """Return a session scanned now, of which only the datasets at `paths` are read; otherwise as `look_again`."""
    plan = _look_plan(directory, submission, chosen)
    return _scanned(plan and structs.replace(plan, only=frozenset(paths)), submission, cancellation)


def _look_plan(directory: SessionDirectory, submission: Submission, chosen: int | None) -> ScanPlan | None:
    if submission.catalogue is None:
        return None
    return ScanPlan(
        found=(directory,),
        catalogue=submission.catalogue,
        around=submission.surroundings,
        known=submission.cache,
        use_cache=False,
        investigation=chosen,
        jobs=1,
    )


def _scanned(plan: ScanPlan | None, submission: Submission, cancellation: Cancellation) -> Session | None:
    if plan is None:
        return None
    submission.view.refresh()
    scanned = [event.session for event in scan(plan, cancellation) if isinstance(event, SessionScanned)]
    return scanned[0] if scanned else None
