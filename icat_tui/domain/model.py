"""What is spoken about: sessions and datasets on disk, and what ICAT says of them.

Everything here is a value: made once, never changed, the same in the cache files as in memory. Paths are text without
a trailing slash; bytes that are not UTF-8 stand in them by surrogateescape. Every time has an offset. What could not be
determined is a value with its reason, never an empty list.
"""

from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from icat_tui.domain.formats import RawFormat, raw_directory
from icat_tui.domain.status import Category, Status

NANOSECONDS = 1_000_000_000
"""In a second."""


class SessionDirectory(Struct, frozen=True):
    """Where a session was found; everything about it is derived from this place and no other (icat.md, "Known faults", D6)."""

    path: str
    proposal: str
    """As the directory is called."""
    beamline: str
    """The normalised name (`id23-1`), whatever the directory is called (`id23eh1`, `ID23-1`)."""
    date: str
    """The name of the directory: YYYYMMDD."""
    format: RawFormat

    @property
    def label(self) -> str:
        """The session in a few words, as on disk: it is to be made visible where it is shown."""
        return f"{self.proposal} {self.beamline} {self.date}"

    @property
    def raw_path(self) -> str:
        """The directory that holds the collections."""
        return raw_directory(self.path, self.format)


# -- the disk --------------------------------------------------------------------------------------------------------


class Stamp(NamedTuple):
    """What `stat` says of a file or directory, as far as it tells of a change; times in nanoseconds."""

    inode: int
    modified: int
    changed: int
    links: int
    size: int


class TroubleKind(StrEnum):
    """The border between "it says no" and "nobody could say"."""

    INVALID = "invalid"
    """It was read and says no, or it is not there."""
    UNKNOWN = "unknown"
    """The system refused: permission, I/O, a stale handle, a loop, a time-out."""


class Trouble(Struct, frozen=True):
    """Why something on disk can't be used."""

    kind: TroubleKind
    text: str


class Metadata(Struct, frozen=True):
    """What a dataset says of itself: enough to register it."""

    start: datetime
    end: datetime
    sample: str
    parameters: dict[str, str] = {}
    """Further ICAT parameters by name (mx only: everything that `metadata.json` holds)."""


class StoredMessage(Struct, frozen=True):
    """A dataset message that BLISS left in `__icat__`, checked as far as it can be without the disk."""

    path: str
    location: str
    """The dataset directory that the message itself names, as it stands there."""
    name: str
    proposal: str
    beamline: str
    sample: str
    start: datetime
    end: datetime


class DiskDataset(Struct, frozen=True, kw_only=True):
    """One dataset directory as the disk shows it. What ICAT has with files is listed, not read."""

    path: str
    collection: str
    """Where the directory lies below the raw directory (`colA`); what the tree groups by."""
    name: str | None
    """None: the directory is not called as its format wants it."""
    modified: int | None = None
    """Modification time of the directory in nanoseconds, where it was needed."""
    read: bool = False
    """Whether the dataset was opened (or the attempt was made) to fill what follows."""
    metadata: Metadata | None = None
    trouble: Trouble | None = None
    """Why there is no `metadata`, once it was read; else why `entries` could not be looked at."""
    open_scan: bool = False
    """The last scan has no end: running, or its writer died."""
    file_modified: int | None = None
    """Modification time of the metadata file in nanoseconds."""
    entries: bool | None = None
    """Whether the directory holds anything at all; only looked at where ICAT counts 0 files."""
    stamps: tuple[Stamp | None, Stamp | None] | None = None
    """Of the directory and of its metadata file (None: it is not there), the same before and after.

    None: they changed meanwhile, the system refused them, or what was read lies in other files too.
    """
    first_seen: float = 0.0
    """When these stamps were seen first, in seconds since the epoch."""
    read_at: float = 0.0
    """When the scan began that read it or looked for entries, in seconds since the epoch; 0: none has."""


class DiskSession(Struct, frozen=True, kw_only=True):
    """What lies in a session: the disk half of a cache file."""

    listed_at: float
    """When the scan began that listed it, in seconds since the epoch."""
    first_seen: float
    """When the scan began that met this fingerprint first, in seconds since the epoch."""
    trouble: Trouble | None = None
    """Why the raw directory could not be listed: absent (invalid) or refused (unknown)."""
    fingerprint: dict[str, Stamp | None] = {}
    """Stamps by path of the raw directory, every directory visited, `__icat__` and its files; None: it moved."""
    names: str = ""
    """Digest of the names found by listing."""
    unlisted: dict[str, Trouble] = {}
    """Directories below the raw directory, and files in `__icat__`, that the system refused, and why."""
    listed: tuple[str, ...] = ()
    """Directories that were listed in full, the raw directory among them."""
    datasets: tuple[DiskDataset, ...] = ()
    stored: tuple[StoredMessage, ...] = ()
    """Usable messages in `__icat__`."""
    stored_trouble: dict[str, str] = {}
    """Why a file in `__icat__` can't be used, by the name of the dataset directory it is called after."""


def last_change(disk: DiskSession) -> datetime | None:
    """Return when anything that was listed changed last."""
    newest = max((stamp.modified for stamp in disk.fingerprint.values() if stamp), default=None)
    return None if newest is None else datetime.fromtimestamp(newest / NANOSECONDS, UTC)


# -- the catalogue ---------------------------------------------------------------------------------------------------


class Investigation(Struct, frozen=True):
    """A time slot of a proposal at a beamline, as ICAT has it."""

    id: int
    name: str
    """The proposal in the catalogue's own spelling (`HG-333`)."""
    start: datetime | None = None
    end: datetime | None = None
    """None: open-ended, made by a message that fitted no official slot."""
    title: str | None = None


class CatalogueDataset(Struct, frozen=True):
    """A dataset as ICAT has it."""

    id: int
    location: str
    investigation: int
    """The investigation it is listed in."""
    name: str = ""
    file_count: int | None = None
    """None: ICAT+ did not say, which is not 0 (icat.md, "Datasets in JSON")."""
    acquisition: bool = True
    """False: processed data."""


class Outcome(StrEnum):
    """How a question to ICAT+ ended."""

    OK = "ok"
    EMPTY = "empty"
    """A complete answer with nothing in it: the only one that means "ICAT has none"."""
    UNAUTHORISED = "unauthorised"
    UNAVAILABLE = "unavailable"
    MALFORMED = "malformed"


Row = TypeVar("Row")


class Answer(Struct, Generic[Row], frozen=True):
    """What came back from ICAT+."""

    outcome: Outcome
    rows: tuple[Row, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Elements of the list that could not be read, each by its id or its place: the rest is as good as ever."""
    reason: str = ""
    """For a person, and without the API key: why there is no usable answer."""

    @property
    def usable(self) -> bool:
        """Whether ICAT+ answered the question."""
        return self.outcome in (Outcome.OK, Outcome.EMPTY)


# -- both compared ---------------------------------------------------------------------------------------------------


class Match(StrEnum):
    """How an investigation fits a session (interface.md, "Status of a dataset")."""

    INSIDE = "inside"
    EDGE = "edge"
    FAR = "far"
    AMBIGUOUS = "ambiguous"


class Sent(Struct, frozen=True):
    """A message about a dataset that went out, and whose effect ICAT has not shown."""

    at: datetime
    reason: str
    """When, by whom, and whether the broker has it: for a person."""


class Fit(Struct, frozen=True):
    """The investigation that a session belongs to, and how well it fits."""

    id: int
    match: Match
    target: datetime
    """The moment that stands for the session: T of icat.md, "Rules of choice", 5."""
    start: datetime | None = None
    end: datetime | None = None


class Dataset(Struct, frozen=True, kw_only=True):
    """A dataset, disk and catalogue compared."""

    path: str
    """The directory as it is on disk; for what is missing on disk the location that ICAT has."""
    collection: str
    name: str | None
    status: Status
    reasons: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    sample: str | None = None
    icat_id: int | None = None
    investigation: int | None = None
    """The investigation that ICAT lists it in."""
    file_count: int | None = None
    """How many files ICAT has of it, where it says so."""
    sent: str | None = None
    """When it was sent and by whom, where ICAT has not shown it since: to send it again takes a person's own word."""
    stored: str | None = None
    """The file in `__icat__` that would be sent for it."""
    parameters: dict[str, str] = {}
    """Further ICAT parameters that would be sent."""


class Session(Struct, frozen=True, kw_only=True):
    """A session, disk and catalogue compared."""

    directory: SessionDirectory
    category: Category
    determined: bool = True
    """Whether ICAT answered and the raw directory could be listed: False says nothing of the datasets."""
    reasons: tuple[str, ...] = ()
    fit: Fit | None = None
    candidates: tuple[Investigation, ...] = ()
    """All investigations of the proposal and beamline: what a person chooses from."""
    datasets: tuple[Dataset, ...] = ()
    """By path."""
    seen_at: datetime
    """When ICAT was asked."""
    cached: bool = False
    """Whether this comes from the cache, without a look at disk or ICAT."""
    stale: bool = False
    """Whether it could not be determined now, and this is what was known before."""

    @property
    def counts(self) -> dict[Status, int]:
        """How many datasets have each status; a status that none has is left out."""
        counts = Counter(dataset.status for dataset in self.datasets)
        return {status: counts[status] for status in Status if counts[status]}


class FileCount(Struct, frozen=True):
    """How many files a dataset has on disk and in ICAT; None: not known."""

    on_disk: int | None
    in_icat: int | None


def category_now(session: Session) -> Category:
    """Return what a session counts as: whatever it was before, `unknown` when it could not be determined now."""
    return Category.UNKNOWN if session.stale else session.category
