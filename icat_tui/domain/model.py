"""Values of the comparison: sessions and datasets on disk, in ICAT, and both compared.

All of them are immutable and have the same form in cache files and in memory. Paths are text without a trailing slash;
bytes that are not UTF-8 are written by surrogateescape. Every time has an offset. What must stay true: something that
could not be determined is a value with its reason, never an empty list.
"""

from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from icat_tui.domain.formats import RawFormat, raw_directory
from icat_tui.domain.status import Category, Status

FIRST_MOMENT, LAST_MOMENT = -62_135_510_400, 253_402_214_399
"""The first and last second that a `datetime` can express in every time zone, in seconds since the epoch."""
NANOSECONDS = 1_000_000_000
"""In a second."""


class SessionDirectory(Struct, frozen=True):
    """Directory of a session as it was found on disk.

    All paths of the session are derived from this one (icat.md, "Known faults", D6).
    """

    path: str
    proposal: str
    """The name of the proposal directory, unchanged."""
    beamline: str
    """The normalised name (`id23-1`), also where the directory is called otherwise (`id23eh1`, `ID23-1`)."""
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
    """Values of `stat` that show a change of a file or directory; times in nanoseconds."""

    inode: int
    modified: int
    changed: int
    links: int
    size: int


class TroubleKind(StrEnum):
    """Distinction between what is not usable and what could not be read (interface.md, "Invalid or unknown")."""

    INVALID = "invalid"
    """It was read and is not usable, or it is not there."""
    UNKNOWN = "unknown"
    """The system refused: permission, I/O, a stale handle, a loop, a time-out."""


class Trouble(Struct, frozen=True):
    """Reason why something on disk can't be used."""

    kind: TroubleKind
    text: str


class Metadata(Struct, frozen=True):
    """Metadata that was read from a dataset: enough to register it."""

    start: datetime
    end: datetime
    sample: str
    parameters: dict[str, str] = {}
    """Further ICAT parameters by name (mx only: everything that `metadata.json` holds)."""


class PartialMetadata(Struct, frozen=True):
    """Metadata that do not suffice to register a dataset; None: it was not there, or not usable."""

    start: datetime | None = None
    end: datetime | None = None
    sample: str | None = None


class StoredMessage(Struct, frozen=True):
    """Dataset message that BLISS left in `__icat__`, with its content checked but not yet compared with the disk."""

    path: str
    location: str
    """The dataset directory that the message names, unchanged."""
    name: str
    proposal: str
    beamline: str
    sample: str
    start: datetime
    end: datetime


class DiskDataset(Struct, frozen=True, kw_only=True):
    """Dataset directory on disk. Datasets that ICAT has with files are listed, but not read."""

    path: str
    collection: str
    """Path of the parent directory below the raw directory (`colA`), by which the tree groups datasets."""
    name: str | None
    """None: the name of the directory does not fit the format."""
    location: str | None = None
    """Where it lies, if a link leads there; None: in the raw directory where that lies (`DiskSession.location_of`)."""
    modified: int | None = None
    """Modification time of the directory in nanoseconds; None where it was not needed or not readable."""
    read: bool = False
    """Whether the dataset was opened, with or without success, to fill the fields below."""
    metadata: Metadata | None = None
    partial: PartialMetadata = PartialMetadata()
    """What is known without `metadata`."""
    trouble: Trouble | None = None
    """Why there is no `metadata`, if it was read; otherwise why `entries` is not known."""
    doubt: str = ""
    """What is odd about `metadata`, for a person."""
    open_scan: bool = False
    """The last scan has no end: running, or its writer died."""
    file_modified: int | None = None
    """Modification time of the metadata file in nanoseconds."""
    entries: bool | None = None
    """Whether the directory holds anything at all; only determined where ICAT counts 0 files."""
    content_modified: int | None = None
    """Latest modification time of anything in the directory, in nanoseconds; determined with `entries`."""
    stamps: tuple[Stamp | None, Stamp | None] | None = None
    """Stamps of the directory and of its metadata file (None: it is not there), equal before and after reading.

    None: they changed meanwhile, the system refused them, or some of the content lies in other files.
    """
    first_seen: float = 0.0
    """When these stamps were first seen, in seconds since the epoch."""
    read_at: float = 0.0
    """When the scan began that read it or looked for entries, in seconds since the epoch; 0: no scan has."""


class DiskSession(Struct, frozen=True, kw_only=True):
    """Content of a session on disk: the disk half of a cache file."""

    listed_at: float
    """When the scan began that listed it, in seconds since the epoch."""
    first_seen: float
    """When the scan began that first saw this fingerprint, in seconds since the epoch."""
    trouble: Trouble | None = None
    """Why the raw directory could not be listed: absent (invalid) or refused (unknown)."""
    fingerprint: dict[str, Stamp | None] = {}
    """Stamps by path of the raw directory, every directory visited, `__icat__` and its files.

    None: it changed while it was read.
    """
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
    """Why a file in `__icat__` can't be used, by the name of the dataset directory it is named after."""
    raw_location: str | None = None
    """Where the raw directory lies, with links and mounts resolved; None: where its path says."""

    def location_of(self, dataset: DiskDataset, raw_path: str) -> str:
        """Return where a dataset directory lies, with links and mounts resolved."""
        if dataset.location or not self.raw_location:
            return dataset.location or dataset.path
        return self.raw_location + dataset.path[len(raw_path) :]


class NeededFromDisk(Struct, frozen=True):
    """Paths of the datasets that need a closer look at the disk before a session can be compared."""

    to_read: tuple[str, ...] = ()
    """Datasets to be opened: ICAT does not list them, and there is no usable stored message about them."""
    to_date: tuple[str, ...] = ()
    """Datasets whose directory's modification time is needed to find the newest."""
    to_count: tuple[str, ...] = ()
    """Datasets whose directory is checked for entries: ICAT counts 0 files."""


def last_change(disk: DiskSession) -> datetime | None:
    """Return when a session changed last, by its fingerprint; None where that has no stamps.

    A time in the future counts as when it was first seen.
    """
    newest = max((stamp.modified for stamp in disk.fingerprint.values() if stamp), default=None)
    if newest is None:
        return None
    changed = newest / NANOSECONDS
    return moment(changed if changed <= disk.listed_at else disk.first_seen)


def moment(seconds: float) -> datetime:
    """Return a time since the epoch as a moment; the first or last there is, where it lies beyond them.

    File systems keep times before year 1 and after 9999.
    """
    return datetime.fromtimestamp(min(max(seconds, FIRST_MOMENT), LAST_MOMENT), UTC)


# -- the catalogue ---------------------------------------------------------------------------------------------------


class Investigation(Struct, frozen=True):
    """Time slot of a proposal at a beamline in ICAT."""

    id: int
    name: str
    """The proposal in the catalogue's own spelling (`HG-333`)."""
    start: datetime | None = None
    end: datetime | None = None
    """None: open-ended, made by a message that fitted no official time slot."""
    title: str | None = None
    described: tuple[tuple[str, str], ...] = ()
    """What else ICAT+ sent of it, as it was spelled there: `DESCRIBED` of `catalogue.parse`."""


class CatalogueDataset(Struct, frozen=True):
    """Dataset in ICAT."""

    id: int
    location: str
    investigation: int
    """The investigation it is listed in."""
    name: str = ""
    file_count: int | None = None
    """None: ICAT+ did not say, which is not 0 (icat.md, "Datasets in JSON")."""
    acquisition: bool = True
    """False: processed data."""
    start: str = ""
    """As ICAT+ sent it, like `end`: times are read only where they are compared."""
    end: str = ""
    sample: str = ""


class ForeignRow(Struct, frozen=True):
    """Row whose location lies in a session of another proposal or beamline than its investigation's."""

    location: str
    id: int
    investigation: int
    proposal: str
    """The investigation's, as well as `beamline`."""
    beamline: str
    file_count: int | None = None


class Outcome(StrEnum):
    """Outcome of a question to ICAT+."""

    OK = "ok"
    EMPTY = "empty"
    """A complete answer with nothing in it: the only one that means "ICAT has none"."""
    UNAUTHORISED = "unauthorised"
    UNAVAILABLE = "unavailable"
    MALFORMED = "malformed"


Row = TypeVar("Row")


class Answer(Struct, Generic[Row], frozen=True):
    """Answer of ICAT+ to a question."""

    outcome: Outcome
    rows: tuple[Row, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Elements of the list that could not be read, each by its id or its position; `rows` has the others.

    Of investigations it also says what is wrong, with the value.
    """
    reason: str = ""
    """Text for a person, without the API key: why there is no usable answer."""

    @property
    def usable(self) -> bool:
        """Whether ICAT+ answered the question."""
        return self.outcome in (Outcome.OK, Outcome.EMPTY)


# -- both compared ---------------------------------------------------------------------------------------------------


class Match(StrEnum):
    """Quality of the fit between an investigation and a session (interface.md, "Investigation of a session")."""

    INSIDE = "inside"
    EDGE = "edge"
    FAR = "far"
    AMBIGUOUS = "ambiguous"


class SentMessage(Struct, frozen=True):
    """Message about a dataset that was sent and whose effect ICAT has not shown yet."""

    at: datetime
    reason: str
    """Text for a person: when it was sent, by whom, and whether the broker has it."""


class LastListed(Struct, frozen=True):
    """Sight of a dataset in ICAT that an earlier run had."""

    id: int | None
    """None: it is not known any more."""
    at: datetime
    gone: bool = False
    """Whether ICAT, answering in full, does not list it now."""


class MessageHistory(Struct, frozen=True, kw_only=True):
    """What the journal has about one dataset (interface.md, "What the latest record means")."""

    pending: SentMessage | None = None
    rejection: str = ""
    """The reason, where the broker rejected the last message."""
    seen: LastListed | None = None
    """When ICAT was last seen to have it, where nothing was sent since."""
    doubt: str = ""
    """Why sending it takes a confirmation of its own, besides what is pending."""
    trouble: str = ""
    """Why it is not known what was sent."""


NO_HISTORY = MessageHistory()


class Fit(Struct, frozen=True):
    """Investigation that a session belongs to, with the quality of the fit."""

    id: int
    match: Match
    target: datetime
    """The moment that stands for the session: T of icat.md, "Rules of choice", 5."""
    start: datetime | None = None
    end: datetime | None = None


class Dataset(Struct, frozen=True, kw_only=True):
    """Dataset after the comparison of disk and catalogue."""

    path: str
    """The directory on disk; for a dataset that is missing on disk, the location that ICAT has."""
    collection: str
    name: str | None
    status: Status
    location: str = ""
    """Where the directory lies, with links and mounts resolved, by which journal and locks know it; empty: there."""
    reasons: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    sample: str | None = None
    icat_id: int | None = None
    investigation: int | None = None
    """The investigation that ICAT lists it in."""
    file_count: int | None = None
    """Number of files that ICAT has of it; None where ICAT gives none."""
    sent: str | None = None
    """When and by whom it was sent, if ICAT did not show it in time; to send it again takes a new confirmation."""
    moved: str | None = None
    """Why it looks moved from a location that ICAT has, if it does; to send it takes a confirmation of its own."""
    last_listed: LastListed | None = None
    """When ICAT listed it, where it is not known whether ICAT has it now."""
    stored: str | None = None
    """The file in `__icat__` that would be sent for it."""
    parameters: dict[str, str] = {}
    """Further ICAT parameters that would be sent."""


class Session(Struct, frozen=True, kw_only=True):
    """Session after the comparison of disk and catalogue."""

    directory: SessionDirectory
    category: Category
    determined: bool = True
    """Whether ICAT answered and the raw directory could be listed; where False, the datasets are not known."""
    reasons: tuple[str, ...] = ()
    fit: Fit | None = None
    candidates: tuple[Investigation, ...] = ()
    """All investigations of the proposal and beamline, from which a person can choose."""
    datasets: tuple[Dataset, ...] = ()
    """Datasets in the order of their paths."""
    seen_at: datetime
    """When ICAT was asked."""
    cached: bool = False
    """Whether this comes from the cache, without access to disk or ICAT."""
    stale: bool = False
    """Whether it could not be determined now, and this is an earlier state."""

    @property
    def counts(self) -> dict[Status, int]:
        """Number of datasets by status; a status that no dataset has is left out."""
        counts = Counter(dataset.status for dataset in self.datasets)
        return {status: counts[status] for status in Status if counts[status]}


MOST_FILES_IN_ICAT = 30_000
"""ICAT lists no more files of a dataset (icat.md, "After the queue")."""


class FileCount(Struct, frozen=True):
    """Number of files of a dataset on disk and in ICAT; None: not known."""

    on_disk: int | None
    in_icat: int | None
    complete: bool = True
    """Whether all files on disk were counted; otherwise there are at least so many."""

    @property
    def short(self) -> bool:
        """Whether ICAT is known to have fewer files than the disk, although it could list more."""
        if self.on_disk is None or self.in_icat is None:
            return False
        return self.in_icat < min(self.on_disk, MOST_FILES_IN_ICAT)


def category_now(session: Session) -> Category:
    """Return the category of a session; `unknown` for an earlier state, as it could not be determined now."""
    return Category.UNKNOWN if session.stale else session.category
