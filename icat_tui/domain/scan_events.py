"""What a scan reports as it goes: facts in the past tense, told to whoever listens.

A run of events ends with `ScanFinished` on every path, also when it was cancelled or something broke.
"""

from msgspec import Struct

from icat_tui.domain.model import Session, SessionDirectory


class SessionsFound(Struct, frozen=True):
    """Discovery has reached these sessions; they are about to be scanned."""

    directories: tuple[SessionDirectory, ...]


class DirectoryFailed(Struct, frozen=True):
    """A directory above session level could not be listed: what lies below it is not known."""

    path: str
    reason: str


class SessionScanned(Struct, frozen=True):
    """A session is done: whatever could be found out about it is in it."""

    session: Session


class SessionFailed(Struct, frozen=True):
    """Our own mistake: a session that broke the program instead of becoming `unknown`. The others go on."""

    directory: SessionDirectory
    reason: str
    details: str = ""
    """For those who mend it: the traceback."""


class CacheUnusable(Struct, frozen=True):
    """A cache file was torn, foreign or not to be read: the session is scanned as if there were none."""

    path: str
    reason: str


class SavingFailed(Struct, frozen=True):
    """A cache file could not be written; what it held before is still there, and what was scanned is not affected."""

    path: str
    reason: str


class ScanFinished(Struct, frozen=True):
    """Nothing more comes."""

    cancelled: bool
    seconds: float


ScanEvent = (
    SessionsFound | DirectoryFailed | SessionScanned | SessionFailed | CacheUnusable | SavingFailed | ScanFinished
)
