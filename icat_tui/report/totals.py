"""What a run adds up to (interface.md, "Exit codes")."""

from collections import Counter
from collections.abc import Collection

from msgspec import Struct, field

from icat_tui.domain.errors import ExitCode
from icat_tui.domain.model import Session, category_now
from icat_tui.domain.scan_events import (
    DirectoryFailed,
    SavingFailed,
    ScanEvent,
    ScanFinished,
    SessionFailed,
    SessionScanned,
)
from icat_tui.domain.status import Category, Status

TODO = frozenset({Category.TODO, Category.TODO_ONGOING})
"""What `--exit-code` asks about."""
TODO_OR_MORE = TODO | {Category.HAS_INVALID, Category.NOT_IN_ICAT}
"""What `check` asks about."""


class Sent(Struct, frozen=True, kw_only=True):
    """What became of the messages of a run."""

    accepted: int = 0
    """By the broker, and not seen in ICAT yet."""
    confirmed: int = 0
    """Seen in ICAT."""
    rejected: int = 0
    unknown: int = 0
    """No receipt came."""
    skipped: int = 0
    """Not sent: changed since it was planned, or declined."""


class Totals(Struct):
    """What the events of a run add up to; sessions themselves are not kept."""

    sessions: int = 0
    failed: int = 0
    """Sessions and directories without a result."""
    undetermined: int = 0
    """Sessions nothing could be found out about now."""
    categories: Counter[Category] = field(default_factory=Counter)
    counts: Counter[Status] = field(default_factory=Counter)
    troubles: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By what went wrong: the first path it happened to, and to how many."""
    unsaved: int = 0
    """Cache files that could not be written."""
    first_unsaved: str = ""
    """Why the first of them could not be."""
    cancelled: bool = False
    seconds: float = 0.0

    def add(self, event: ScanEvent) -> None:
        """Count what has happened."""
        match event:
            case SessionScanned(session=session):
                self._add_session(session)
            case SessionFailed(directory=directory, reason=reason):
                self.failed += 1
                self._add_trouble(directory.path, reason)
            case DirectoryFailed(path=path, reason=reason):
                self.failed += 1
                self._add_trouble(path, reason)
            case SavingFailed(reason=reason):
                self.unsaved += 1
                self.first_unsaved = self.first_unsaved or reason
            case ScanFinished(cancelled=cancelled, seconds=seconds):
                self.cancelled = cancelled
                self.seconds += seconds  # a run that registers looks twice

    def happened(self, asked: Collection[Category] = ()) -> set[ExitCode]:
        """Return what the exit code is to be made of; TODO where a session has one of the categories asked about."""
        codes = set()
        if self.failed or self.unsaved or self.categories[Category.UNKNOWN] or self.counts[Status.UNKNOWN]:
            codes.add(ExitCode.PARTIAL)
        if self.failed + self.undetermined > 0 and self.sessions == self.undetermined:
            codes.add(ExitCode.NOTHING)
        if any(self.categories[category] for category in asked):
            codes.add(ExitCode.TODO)
        return codes

    def _add_session(self, session: Session) -> None:
        category = category_now(session)
        self.sessions += 1
        self.undetermined += session.stale or not session.determined
        self.categories[category] += 1
        self.counts.update(session.counts)
        if category == Category.UNKNOWN:
            self._add_trouble(session.directory.path, _why_unknown(session))

    def _add_trouble(self, path: str, reason: str) -> None:
        first, number = self.troubles.get(reason, (path, 0))
        self.troubles[reason] = (first, number + 1)


def _why_unknown(session: Session) -> str:
    unknown = (dataset for dataset in session.datasets if dataset.status == Status.UNKNOWN)
    reasons = (*session.reasons, *(reason for dataset in unknown for reason in dataset.reasons))
    return next(iter(reasons), "could not be determined")
