"""Situations of a dataset: its state on disk, in ICAT, in `__icat__` and in the journal, and the status they lead to.

What must stay true: the status is given here and never computed with the rules of the program, which are tested against
the sandbox. The situations come from icat.md, "HDF5 files of BLISS", "Datasets in JSON", "Dataset statuses", and from
interface.md, "Status of a dataset".
"""

from enum import StrEnum

from msgspec import Struct

from icat_tui.domain.status import Status


class OnDisk(StrEnum):
    """Content of the dataset directory."""

    COMPLETE = "complete"
    OPEN_SCAN = "open scan"
    """The last scan has no end, the one before has one."""
    NO_END = "no end"
    """No scan has an end."""
    NO_SAMPLE = "no sample"
    NOT_BLISS = "not BLISS"
    TRUNCATED = "truncated"
    DANGLING_LINKS = "dangling links"
    """The scans are external links to files that are not there."""
    NO_FILE = "no file"
    """There is a file, but not the metadata file."""
    EMPTY = "empty"
    GONE = "gone"
    """There is no directory."""


class InIcat(StrEnum):
    """Entry in the catalogue."""

    NOTHING = "nothing"
    FILES = "files"
    NO_FILES = "no files"
    UNCOUNTED = "uncounted"
    """Without `__fileCount`, as right after ingestion."""
    ELSEWHERE = "elsewhere"
    """In the first investigation of the proposal, which is not the session's."""
    OTHER_CASE = "other case"
    """At a location whose proposal is written in upper case."""
    UNREADABLE = "unreadable"
    """Without a location."""
    PROCESSED = "processed"


class StoredState(StrEnum):
    """Stored message in `__icat__` under the name of the dataset."""

    NOTHING = "nothing"
    USABLE = "usable"
    BROKEN = "broken"
    """XML that ends in the middle."""
    FOREIGN = "foreign"
    """A message of another proposal."""


class InJournal(StrEnum):
    """Outcome of an earlier message about the dataset, whose effect ICAT does not show."""

    NOTHING = "nothing"
    ACCEPTED = "accepted"
    """A short while ago."""
    NO_RECEIPT = "no receipt"
    """A short while ago; it is not known whether the broker has it."""
    REJECTED = "rejected"
    LONG_AGO = "long ago"
    """Accepted, longer ago than `pending_timeout`."""


class Touched(StrEnum):
    """Time of the last change of the directory and its file."""

    AT_ITS_END = "at its end"
    JUST_NOW = "just now"
    FILE_JUST_NOW = "file just now"
    """The file grows, which does not change the directory's own time."""
    AHEAD = "ahead"
    """In the future: the clock of a detector computer is wrong."""


class Situation(Struct, frozen=True, kw_only=True):
    """State of a dataset in all places, with its status; None: it is no dataset of the session."""

    status: Status | None
    disk: OnDisk = OnDisk.COMPLETE
    icat: InIcat = InIcat.NOTHING
    stored: StoredState = StoredState.NOTHING
    touched: Touched = Touched.AT_ITS_END
    journal: InJournal = InJournal.NOTHING


REGISTERED = Situation(status=Status.REGISTERED, icat=InIcat.FILES)
REGISTERED_EMPTY = Situation(status=Status.REGISTERED, disk=OnDisk.EMPTY, icat=InIcat.NO_FILES)
REGISTERED_UNCOUNTED = Situation(status=Status.REGISTERED, icat=InIcat.UNCOUNTED)
REGISTERED_ELSEWHERE = Situation(status=Status.REGISTERED, icat=InIcat.ELSEWHERE)
REGISTERED_AND_STORED = Situation(status=Status.REGISTERED, icat=InIcat.FILES, stored=StoredState.USABLE)
REGISTERED_JUST_NOW = Situation(status=Status.REGISTERED, icat=InIcat.FILES, touched=Touched.JUST_NOW)
WITHOUT_FILES = Situation(status=Status.REGISTERED_WITHOUT_FILES, icat=InIcat.NO_FILES)

UNREGISTERED = Situation(status=Status.UNREGISTERED)
UNREGISTERED_BROKEN_STORED = Situation(status=Status.UNREGISTERED, stored=StoredState.BROKEN)
UNREGISTERED_FOREIGN_STORED = Situation(status=Status.UNREGISTERED, stored=StoredState.FOREIGN)
NOT_UPLOADED = Situation(status=Status.NOT_UPLOADED, stored=StoredState.USABLE)
NOT_UPLOADED_TRUNCATED = Situation(status=Status.NOT_UPLOADED, disk=OnDisk.TRUNCATED, stored=StoredState.USABLE)

INVALID_NAME = Situation(status=Status.INVALID)
"""Everything is correct but the name of the directory."""
INVALID_NO_FILE = Situation(status=Status.INVALID, disk=OnDisk.NO_FILE)
INVALID_EMPTY = Situation(status=Status.INVALID, disk=OnDisk.EMPTY)
INVALID_NOT_BLISS = Situation(status=Status.INVALID, disk=OnDisk.NOT_BLISS)
INVALID_TRUNCATED = Situation(status=Status.INVALID, disk=OnDisk.TRUNCATED)
INVALID_NO_SAMPLE = Situation(status=Status.INVALID, disk=OnDisk.NO_SAMPLE)
INVALID_NO_END = Situation(status=Status.INVALID, disk=OnDisk.NO_END)

PENDING = Situation(status=Status.PENDING, journal=InJournal.ACCEPTED)
PENDING_STORED = Situation(status=Status.PENDING, stored=StoredState.USABLE, journal=InJournal.ACCEPTED)
PENDING_WITHOUT_FILES = Situation(status=Status.PENDING, icat=InIcat.NO_FILES, journal=InJournal.ACCEPTED)
PENDING_NO_RECEIPT = Situation(status=Status.PENDING, journal=InJournal.NO_RECEIPT)
NEVER_ARRIVED = Situation(status=Status.UNREGISTERED, journal=InJournal.LONG_AGO)
REJECTED = Situation(status=Status.UNREGISTERED, journal=InJournal.REJECTED)

WRITER_DIED = Situation(status=Status.UNREGISTERED, disk=OnDisk.OPEN_SCAN)
"""It looks the same as a scan that is running, but for its age."""

# In a session that is ongoing:
NEWEST = Situation(status=Status.IN_PROGRESS)
"""It differs from an unregistered one only in being the newest."""
SCANNING = Situation(status=Status.IN_PROGRESS, disk=OnDisk.OPEN_SCAN)
FRESH_DIRECTORY = Situation(status=Status.IN_PROGRESS, touched=Touched.JUST_NOW)
FRESH_FILE = Situation(status=Status.IN_PROGRESS, touched=Touched.FILE_JUST_NOW)
FRESH_TRUNCATED = Situation(status=Status.IN_PROGRESS, disk=OnDisk.TRUNCATED, touched=Touched.JUST_NOW)
FROM_THE_FUTURE = Situation(status=Status.IN_PROGRESS, touched=Touched.AHEAD)

MISSING = Situation(status=Status.MISSING_ON_DISK, disk=OnDisk.GONE, icat=InIcat.FILES)
PROCESSED = Situation(status=None, disk=OnDisk.GONE, icat=InIcat.PROCESSED)
"""ICAT lists it with the acquisitions, but it has nothing to do with raw data on disk."""

UNKNOWN_DANGLING_LINKS = Situation(status=Status.UNKNOWN, disk=OnDisk.DANGLING_LINKS)
UNKNOWN_OTHER_CASE = Situation(status=Status.UNKNOWN, icat=InIcat.OTHER_CASE)
UNREADABLE_ENTRY = Situation(status=None, disk=OnDisk.GONE, icat=InIcat.UNREADABLE)
# In an investigation with an unreadable entry, which may belong to any of these:
UNKNOWN_UNREGISTERED = Situation(status=Status.UNKNOWN)
UNKNOWN_NOT_UPLOADED = Situation(status=Status.UNKNOWN, stored=StoredState.USABLE)
UNKNOWN_INVALID = Situation(status=Status.UNKNOWN, disk=OnDisk.NOT_BLISS)
