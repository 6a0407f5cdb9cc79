"""Sums of a run, and the exit codes that follow from them (interface.md, "Exit codes").

What must stay true: sessions are counted and not kept, however many there are.
"""

from collections import Counter
from collections.abc import Collection

from msgspec import Struct, field

from icat_tui.domain.errors import ExitCode
from icat_tui.domain.model import Session, category_now
from icat_tui.domain.scan_events import (
    CatalogueDoubted,
    DirectoryFailed,
    DirectoryIgnored,
    SavingFailed,
    ScanEvent,
    ScanFinished,
    SessionFailed,
    SessionScanned,
)
from icat_tui.domain.status import Category, Status

TODO = frozenset({Category.TODO, Category.TODO_ONGOING})
"""Categories for which `--exit-code` gives the exit code TODO."""
TODO_OR_MORE = TODO | {Category.HAS_INVALID, Category.NOT_IN_ICAT}
"""Categories for which `check` gives it."""


MOST_IGNORED = 20
"""Directories that hold raw data and are no sessions that are kept by name; more would not be read on a terminal."""
NO_REASON = "could not be determined"


class SentCounts(Struct, frozen=True, kw_only=True):
    """Numbers of messages of a run by their outcome; the field names are keys in JSON.

    They add up: `confirmed` is the sum of accepted, rejected, unknown, skipped and not sent.
    """

    confirmed: int = 0
    """By a person, or by the option to send without one."""
    accepted: int = 0
    """By the broker."""
    seen: int = 0
    """Of these: seen in ICAT; the rest is pending."""
    rejected: int = 0
    unknown: int = 0
    """Without a receipt."""
    skipped: int = 0
    """Not sent: changed since it was planned, or ICAT has it already."""
    not_sent: int = 0
    """Still planned, as sending ended before."""


class Totals(Struct):
    """Sums over the events of a run; sessions themselves are not kept."""

    sessions: int = 0
    failed: int = 0
    """Sessions and directories without a result."""
    undetermined: int = 0
    """Sessions that could not be determined now."""
    categories: Counter[Category] = field(default_factory=Counter)
    counts: Counter[Status] = field(default_factory=Counter)
    troubles: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Failures by their reason: the first path with it, and the number of paths."""
    unknown_elsewhere: int = 0
    """Unknown datasets of sessions that have another category, as something is to be done there anyway."""
    first_unknown: tuple[str, str] = ("", "")
    """Path of the first of them, and its reason."""
    ignored: int = 0
    """Directories that hold raw data and are no sessions."""
    first_ignored: list[tuple[str, str]] = field(default_factory=list)
    """Paths of the first of them, and why they are told of."""
    unsaved: int = 0
    """Cache files that could not be written."""
    first_unsaved: str = ""
    """The reason for the first of them."""
    doubt: str = ""
    """Why ICAT+ may not be the right one; empty: it is."""
    cancelled: bool = False
    seconds: float = 0.0

    def add(self, event: ScanEvent) -> None:
        """Count an event."""
        match event:
            case SessionScanned(session=session):
                self._add_session(session)
            case SessionFailed(directory=directory, reason=reason):
                self.failed += 1
                self._add_trouble(directory.path, reason)
            case DirectoryFailed(path=path, reason=reason):
                self.failed += 1
                self._add_trouble(path, reason)
            case DirectoryIgnored(path=path, reason=reason):
                self.ignored += 1
                if self.ignored <= MOST_IGNORED:
                    self.first_ignored.append((path, reason))
            case SavingFailed(reason=reason):
                self.unsaved += 1
                self.first_unsaved = self.first_unsaved or reason
            case CatalogueDoubted(reason=reason):
                self.doubt = reason
            case ScanFinished(cancelled=cancelled, seconds=seconds):
                self.cancelled = cancelled
                self.seconds += seconds  # a run that registers scans twice

    def exit_codes(self, todo: Collection[Category] = ()) -> set[ExitCode]:
        """Return the exit codes that apply; TODO is one of them where a session has one of the categories `todo`."""
        codes = set()
        if (
            self.doubt
            or self.failed
            or self.unsaved
            or self.categories[Category.UNKNOWN]
            or self.counts[Status.UNKNOWN]
        ):
            codes.add(ExitCode.PARTIAL)
        if self.failed + self.undetermined > 0 and self.sessions == self.undetermined:
            codes.add(ExitCode.NOTHING)
        if any(self.categories[category] for category in todo):
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
        else:
            self._add_unknown(session)

    def _add_unknown(self, session: Session) -> None:
        """Count the unknown datasets of a session that is not unknown itself."""
        for dataset in session.datasets:
            if dataset.status == Status.UNKNOWN:
                if not self.unknown_elsewhere:
                    self.first_unknown = (dataset.path, next(iter(dataset.reasons), NO_REASON))
                self.unknown_elsewhere += 1

    def _add_trouble(self, path: str, reason: str) -> None:
        first, number = self.troubles.get(reason, (path, 0))
        self.troubles[reason] = (first, number + 1)


def _why_unknown(session: Session) -> str:
    unknown = (dataset for dataset in session.datasets if dataset.status == Status.UNKNOWN)
    reasons = (*session.reasons, *(reason for dataset in unknown for reason in dataset.reasons))
    return next(iter(reasons), NO_REASON)
