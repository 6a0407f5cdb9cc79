"""Events that a scan yields while it runs, each named by what has happened.

What must stay true: the last event of a scan is `ScanFinished`, also if it was cancelled or something failed.
"""

from msgspec import Struct

from icat_tui.domain.model import Session, SessionDirectory


class SessionsFound(Struct, frozen=True):
    """Event: discovery has found these sessions; they are about to be scanned."""

    directories: tuple[SessionDirectory, ...]


class DirectoryFailed(Struct, frozen=True):
    """Event: a directory above session level could not be listed; its content is not known."""

    path: str
    reason: str


class DirectoryIgnored(Struct, frozen=True):
    """Event: a directory that is no session is left alone, although it looks like one; nothing of it is known."""

    path: str
    reason: str
    """What it looks like one by: `holds raw data`."""


Found = SessionDirectory | DirectoryFailed | DirectoryIgnored
"""What a search for sessions comes upon."""


class SessionScanned(Struct, frozen=True):
    """Event: a session was scanned; all that could be determined is in `session`."""

    session: Session


class SessionFailed(Struct, frozen=True):
    """Event: an internal error (a bug) while a session was scanned; the scan goes on with the others."""

    directory: SessionDirectory
    reason: str
    details: str = ""
    """The traceback, for developers."""


class CacheUnusable(Struct, frozen=True):
    """Event: a cache file was torn, not ours or unreadable; the session is scanned as if it had none."""

    path: str
    reason: str


class SavingFailed(Struct, frozen=True):
    """Event: a cache file could not be written; its earlier content is still there, the result is not affected."""

    path: str
    reason: str


class SessionCorrected(Struct, frozen=True):
    """Event: a session that was reported early is another one, by what was seen of other proposals since."""

    session: Session


class CatalogueDoubted(Struct, frozen=True):
    """Event: ICAT+ does not list so much of what it listed before that it may not be the right one.

    Nothing that it said was saved, and nothing is to be sent.
    """

    reason: str


class ScanFinished(Struct, frozen=True):
    """Event: the scan has ended; the last event of every scan."""

    cancelled: bool
    seconds: float


ScanEvent = (
    SessionsFound
    | DirectoryFailed
    | DirectoryIgnored
    | SessionScanned
    | SessionCorrected
    | SessionFailed
    | CacheUnusable
    | SavingFailed
    | CatalogueDoubted
    | ScanFinished
)
