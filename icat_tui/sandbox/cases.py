"""What can be the matter with a dataset: on disk, in ICAT, in `__icat__`, in the journal, and its status therefore.

The status is told here, never computed with the rules of the program: the sandbox is what those are compared with.
Each situation is a short line of icat.md, "HDF5 files of BLISS", "Datasets in JSON", "Dataset statuses" or of interface.md, "Status of a dataset".
"""

from enum import StrEnum

from msgspec import Struct

from icat_tui.domain.status import Status


class OnDisk(StrEnum):
    """What lies in the dataset directory."""

    COMPLETE = "complete"
    OPEN_SCAN = "open scan"
    """The last scan has no end, the one before has."""
    NO_END = "no end"
    """No scan has an end."""
    NO_SAMPLE = "no sample"
    NOT_BLISS = "not BLISS"
    TRUNCATED = "truncated"
    DANGLING_LINKS = "dangling links"
    """The scans are external links to files that are not there."""
    NO_FILE = "no file"
    """Something lies there, but not the file that says what it is."""
    EMPTY = "empty"
    GONE = "gone"
    """There is no directory."""


class InIcat(StrEnum):
    """What the catalogue has of it."""

    NOTHING = "nothing"
    FILES = "files"
    NO_FILES = "no files"
    UNCOUNTED = "uncounted"
    """Right after ingestion `__fileCount` is not there yet."""
    ELSEWHERE = "elsewhere"
    """In the first investigation of the proposal, which is not the session's."""
    OTHER_CASE = "other case"
    """At a location whose proposal is written in upper case."""
    UNREADABLE = "unreadable"
    """An entry without a location."""
    PROCESSED = "processed"


class Stored(StrEnum):
    """What BLISS left in `__icat__` under its name."""

    NOTHING = "nothing"
    USABLE = "usable"
    BROKEN = "broken"
    """XML that ends in the middle."""
    FOREIGN = "foreign"
    """A message of another proposal."""


class InJournal(StrEnum):
    """What became of a message that somebody sent about it; ICAT shows none of these."""

    NOTHING = "nothing"
    ACCEPTED = "accepted"
    """A short while ago."""
    NO_RECEIPT = "no receipt"
    """A short while ago; nobody knows whether the broker has it."""
    REJECTED = "rejected"
    LONG_AGO = "long ago"
    """Accepted, longer ago than `pending_timeout`."""


class Touched(StrEnum):
    """When the directory and its file were last written to."""

    AT_ITS_END = "at its end"
    JUST_NOW = "just now"
    FILE_JUST_NOW = "file just now"
    """The file grows; that leaves the directory's own time as it is."""
    AHEAD = "ahead"
    """In the future: the clock of a detector computer is wrong."""


class Situation(Struct, frozen=True, kw_only=True):
    """Where a dataset stands and what its status is therefore; `status` None: it is no dataset of the session."""

    status: Status | None
    disk: OnDisk = OnDisk.COMPLETE
    icat: InIcat = InIcat.NOTHING
    stored: Stored = Stored.NOTHING
    touched: Touched = Touched.AT_ITS_END
    journal: InJournal = InJournal.NOTHING


REGISTERED = Situation(status=Status.REGISTERED, icat=InIcat.FILES)
REGISTERED_EMPTY = Situation(status=Status.REGISTERED, disk=OnDisk.EMPTY, icat=InIcat.NO_FILES)
REGISTERED_UNCOUNTED = Situation(status=Status.REGISTERED, icat=InIcat.UNCOUNTED)
REGISTERED_ELSEWHERE = Situation(status=Status.REGISTERED, icat=InIcat.ELSEWHERE)
REGISTERED_AND_STORED = Situation(status=Status.REGISTERED, icat=InIcat.FILES, stored=Stored.USABLE)
REGISTERED_JUST_NOW = Situation(status=Status.REGISTERED, icat=InIcat.FILES, touched=Touched.JUST_NOW)
WITHOUT_FILES = Situation(status=Status.REGISTERED_WITHOUT_FILES, icat=InIcat.NO_FILES)

UNREGISTERED = Situation(status=Status.UNREGISTERED)
UNREGISTERED_BROKEN_STORED = Situation(status=Status.UNREGISTERED, stored=Stored.BROKEN)
UNREGISTERED_FOREIGN_STORED = Situation(status=Status.UNREGISTERED, stored=Stored.FOREIGN)
NOT_UPLOADED = Situation(status=Status.NOT_UPLOADED, stored=Stored.USABLE)
NOT_UPLOADED_TRUNCATED = Situation(status=Status.NOT_UPLOADED, disk=OnDisk.TRUNCATED, stored=Stored.USABLE)

INVALID_NAME = Situation(status=Status.INVALID)
"""All is well but what the directory is called."""
INVALID_NO_FILE = Situation(status=Status.INVALID, disk=OnDisk.NO_FILE)
INVALID_EMPTY = Situation(status=Status.INVALID, disk=OnDisk.EMPTY)
INVALID_NOT_BLISS = Situation(status=Status.INVALID, disk=OnDisk.NOT_BLISS)
INVALID_TRUNCATED = Situation(status=Status.INVALID, disk=OnDisk.TRUNCATED)
INVALID_NO_SAMPLE = Situation(status=Status.INVALID, disk=OnDisk.NO_SAMPLE)
INVALID_NO_END = Situation(status=Status.INVALID, disk=OnDisk.NO_END)
"""In format mx, which has no scans that could be open: a field is missing."""

PENDING = Situation(status=Status.PENDING, journal=InJournal.ACCEPTED)
PENDING_STORED = Situation(status=Status.PENDING, stored=Stored.USABLE, journal=InJournal.ACCEPTED)
PENDING_WITHOUT_FILES = Situation(status=Status.PENDING, icat=InIcat.NO_FILES, journal=InJournal.ACCEPTED)
PENDING_NO_RECEIPT = Situation(status=Status.PENDING, journal=InJournal.NO_RECEIPT)
NEVER_ARRIVED = Situation(status=Status.UNREGISTERED, journal=InJournal.LONG_AGO)
REJECTED = Situation(status=Status.UNREGISTERED, journal=InJournal.REJECTED)

WRITER_DIED = Situation(status=Status.IN_PROGRESS, disk=OnDisk.OPEN_SCAN)
NEVER_ENDED = Situation(status=Status.IN_PROGRESS, disk=OnDisk.NO_END)
"""An open scan may be running, however old its session: nobody can tell that from a writer that died."""

# In a session that is ongoing:
NEWEST = Situation(status=Status.IN_PROGRESS)
"""Nothing tells it from an unregistered one but that no other is newer."""
SCANNING = Situation(status=Status.IN_PROGRESS, disk=OnDisk.OPEN_SCAN)
FRESH_DIRECTORY = Situation(status=Status.IN_PROGRESS, touched=Touched.JUST_NOW)
FRESH_FILE = Situation(status=Status.IN_PROGRESS, touched=Touched.FILE_JUST_NOW)
FRESH_TRUNCATED = Situation(status=Status.IN_PROGRESS, disk=OnDisk.TRUNCATED, touched=Touched.JUST_NOW)
FROM_THE_FUTURE = Situation(status=Status.IN_PROGRESS, touched=Touched.AHEAD)

MISSING = Situation(status=Status.MISSING_ON_DISK, disk=OnDisk.GONE, icat=InIcat.FILES)
PROCESSED = Situation(status=None, disk=OnDisk.GONE, icat=InIcat.PROCESSED)
"""Listed beside the acquisitions, and nothing to do with raw data on disk."""

UNKNOWN_DANGLING_LINKS = Situation(status=Status.UNKNOWN, disk=OnDisk.DANGLING_LINKS)
UNKNOWN_OTHER_CASE = Situation(status=Status.UNKNOWN, icat=InIcat.OTHER_CASE)
UNREADABLE_ENTRY = Situation(status=None, disk=OnDisk.GONE, icat=InIcat.UNREADABLE)
# In an investigation that has such an entry, which may be any of these:
UNKNOWN_UNREGISTERED = Situation(status=Status.UNKNOWN)
UNKNOWN_NOT_UPLOADED = Situation(status=Status.UNKNOWN, stored=Stored.USABLE)
UNKNOWN_INVALID = Situation(status=Status.UNKNOWN, disk=OnDisk.NOT_BLISS)
