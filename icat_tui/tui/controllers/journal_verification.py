"""Asking of ICAT about pending messages of the journal, in a thread, which can be stopped.

What must stay true: nothing is sent; what ICAT shows stands in the journal before it is told.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

from msgspec import Struct

from icat_tui.cancel import Cancellation
from icat_tui.domain.errors import IcatTuiError
from icat_tui.journal.sendings import Sending
from icat_tui.sync.pending_messages import look_for
from icat_tui.sync.verify import MessageConfirmed
from icat_tui.tui.host import Activity, Host
from icat_tui.tui.state.journal_message import JournalMessage
from icat_tui.tui.workspace import Workspace

Pending = Callable[[Sequence[JournalMessage]], list[Sending]]
"""Reading of messages that are still pending, which takes its time."""


class Verified(Struct, frozen=True):
    """Result of asking ICAT about pending messages."""

    asked: tuple[Sending, ...] = ()
    seen: tuple[Sending, ...] = ()
    failed: int = 0
    reason: str = ""
    """Why the first of those could not be looked for."""
    stopped: bool = False
    trouble: str = ""
    """Why nothing could be asked; empty: it could."""

    def words(self) -> str:
        """Return what came of it."""
        if self.trouble:
            return f"ICAT could not be asked: {self.trouble}"
        waiting = len(self.asked) - len(self.seen) - self.failed
        if not self.asked:
            return "nothing is pending here any more"
        if self.stopped:
            return f"stopped: {len(self.seen):,} seen in ICAT, the others stay pending"
        text = f"{len(self.seen):,} seen in ICAT, {waiting:,} pending, {self.failed:,} could not be looked for"
        return text + (f": {self.reason}" if self.reason else "")


class JournalVerification:
    """Controller of the question to ICAT under way."""

    def __init__(self, host: Host, workspace: Workspace, pending: Pending, done: Callable[[Verified], None]) -> None:
        """Ask nothing yet; `done` is called with what came of it, in the UI's thread."""
        self._host, self._workspace, self._pending, self._done = host, workspace, pending, done
        self._asking: Cancellation | None = None
        self._since = 0.0

    def __bool__(self) -> bool:
        """Return whether ICAT is being asked."""
        return self._asking is not None

    def activities(self, stop: Callable[[], None]) -> list[Activity]:
        """Return what is under way, and can be stopped by calling `stop`."""
        return [Activity(self._since, "asking ICAT", stop)] if self else []

    def begin(self, messages: Sequence[JournalMessage]) -> None:
        """Ask whether pending messages have arrived."""
        stop = self._asking = Cancellation()
        self._since = time.monotonic()
        self._host.background("asking ICAT about pending messages", partial(self._ask, messages, stop), self._answered)

    def stop(self) -> None:
        """Ask no more, without waiting for what is under way."""
        stop, self._asking = self._asking, None
        if stop is not None:
            stop.cancel_unwaited()

    def _ask(self, messages: Sequence[JournalMessage], stop: Cancellation) -> tuple[Cancellation, Verified]:
        seen: list[Sending] = []
        reasons: list[str] = []
        try:
            pending = self._pending(messages)
            with closing(self._workspace.catalogue()) as catalogue:
                services = self._workspace.services
                for event in look_for(pending, catalogue, services.journal_directory, services.facility, stop):
                    if not isinstance(event, MessageConfirmed):
                        reasons.append(event.reason)
                    elif isinstance(event.message, Sending):
                        seen.append(event.message)
        except IcatTuiError as error:
            return stop, Verified(stopped=bool(stop), trouble=str(error))
        except BaseException:
            if self._asking is stop:
                self._asking = None
            raise
        failed = [] if stop else reasons
        reason = failed[0] if failed else ""
        return stop, Verified(tuple(pending), tuple(seen), len(failed), reason, bool(stop))

    def _answered(self, found: tuple[Cancellation, Verified]) -> None:
        stop, verified = found
        if self._asking is stop:
            self._asking = None
        if verified.seen or not verified.stopped:
            self._done(verified)
