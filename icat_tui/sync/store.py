"""Registering by hand: one directory, messages that BLISS left, or datasets whose files are to be added.

What must stay true: ICAT and the journal are asked first, under the lock of the session, and what ICAT has or may be
about to have is not sent again unless a person insists (promises.md 4, 8). What can't be sent harms no other.
"""

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cancel import Cancellation
from icat_tui.disk.stored_xml import LARGEST, parse_stored
from icat_tui.domain.errors import ExitCode, IcatTuiError, SaveError, UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key, session_of
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import SessionDirectory, StoredMessage
from icat_tui.domain.scan_events import SavingFailed
from icat_tui.ingest.broker import Broker
from icat_tui.ingest.dataset_xml import add_files_body
from icat_tui.ingest.send_events import SendEvent
from icat_tui.ingest.sender import send
from icat_tui.journal.reader import JournalReader, Sending
from icat_tui.journal.writer import Journal
from icat_tui.sync.catalogue_query import Catalogue, Listing, Listings
from icat_tui.sync.session_lock import locked
from icat_tui.sync.site import Site, place_of, session_at
from icat_tui.sync.store_request import FilesOf, RawDirectory, Request, StoredFile, raw_body
from icat_tui.text import visible

INSIST = "to send it all the same takes --force"
NOBODY_ASKED = "no ICAT+ is known, so nobody could be asked what it has already: see --icatplus"
"""What a person is told once where there is no catalogue."""


# -- what can be asked for, beside a directory -----------------------------------------------------------------------


class Means(Struct, frozen=True, kw_only=True):
    """What storing works with."""

    site: Site
    journal: Journal
    broker: Broker
    state_dir: Path
    """Where the locks lie, beside the journal."""
    catalogue: Catalogue | None = None
    """Who is asked first; None: nobody can be."""
    cache: SessionCache | None = None
    force: bool = False
    """A person's word: send, whatever ICAT and the journal say."""


# -- what becomes of it ----------------------------------------------------------------------------------------------


class AlreadyRegistered(Struct, frozen=True):
    """ICAT has it: nothing is sent, and nothing needs to be."""

    subject: str
    reason: str


class Refused(Struct, frozen=True):
    """It was not sent."""

    subject: str
    reason: str
    code: ExitCode
    """What the exit code would be if this were all that was asked for."""


class Doubted(Struct, frozen=True):
    """It is going to be sent, but something about it is odd."""

    subject: str
    warning: str


class ReadyToSend(Struct, frozen=True):
    """Everything was looked at; so many messages are going to be sent."""

    messages: int


StoreEvent = AlreadyRegistered | Refused | Doubted | ReadyToSend | SavingFailed | SendEvent


def store(requests: Iterable[Request], means: Means, cancellation: Cancellation) -> Iterator[StoreEvent]:
    """Send what is asked for and yield what becomes of each, in the order given.

    `SendingFinished` comes last where there was something to send. Raises SaveError where journal or lock can't be
    written, Cancelled where it is called off before anything was sent.
    """
    means.journal.check_writable()
    with ExitStack() as locks:
        clerk = _Clerk(means, locks)
        letters: list[_Letter] = []
        for request in requests:
            cancellation.check()
            taken = clerk.take(request)
            if isinstance(taken, _Letter):
                letters.append(taken)
                for warning in taken.warnings:
                    yield Doubted(request.subject, warning)
            else:
                yield taken
        if not letters:
            return
        yield ReadyToSend(len(letters))
        yield from _forget(letters, means.cache)
        messages = [letter.message for letter in letters]
        means.journal.record_plans(messages)
        yield from send(messages, means.broker, means.journal, cancelled=lambda: bool(cancellation))


class _Letter(Struct, frozen=True):
    """A message that may go out."""

    message: Message
    session: SessionDirectory | None
    warnings: tuple[str, ...] = ()


def _forget(letters: Iterable[_Letter], cache: SessionCache | None) -> Iterator[SavingFailed]:
    """Remove the cache files of the sessions: whatever happens now, they are no longer true."""
    if cache is None:
        return
    for session in {letter.session.path: letter.session for letter in letters if letter.session}.values():
        try:
            cache.drop(session)
        except SaveError as error:
            yield SavingFailed(str(cache.path(session)), str(error))


class _NotSent(Exception):  # noqa: N818 - a fact, not an error
    """Nothing is to be sent; the verdict says why."""

    def __init__(self, verdict: AlreadyRegistered | Refused) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class _Clerk:
    """Looks at requests one by one; holds the locks of their sessions until all are sent."""

    def __init__(self, means: Means, locks: ExitStack) -> None:
        self.means, self.site, self.facility = means, means.site, means.site.facility
        self.locks = locks
        self.held: set[str] = set()
        self.reader = JournalReader(means.journal.path, self.facility)
        self.listings = Listings(means.catalogue, self.facility)
        self.taken: dict[str, str] = {}
        """By what a message is about: the request that it is sent for."""

    def take(self, request: Request) -> _Letter | AlreadyRegistered | Refused:
        """Return the message for a request, or why there is none."""
        try:
            match request:
                case RawDirectory():
                    return self.once(request, self.raw(request))
                case StoredFile():
                    return self.once(request, self.stored(request))
                case FilesOf():
                    return self.files(request)
        except _NotSent as known:
            return known.verdict
        except SaveError:
            raise
        except IcatTuiError as error:
            return Refused(request.subject, str(error), error.code)

    # -- the three kinds --

    def raw(self, request: RawDirectory) -> _Letter:
        place = place_of(request.path, self.site)
        self.lock(place.session)
        self.refuse_known(request, place.path, request.beamline, request.proposal)
        if place.session and self.is_elsewhere(request, place.session):  # a slip of the pen must not hide what ICAT has
            self.refuse_known(request, place.path, place.session.beamline, place.session.proposal)
        body = raw_body(request, place, self.site, self.listings)
        return self.letter(Action.REGISTER, body.content, place.path, place.session, body.warnings)

    def stored(self, request: StoredFile) -> _Letter:
        content = _read_file(request.path)
        try:
            told = parse_stored(request.path, content, self.facility.zone)
        except ValueError as error:
            raise UsageError(f"it is no dataset message: {error}") from error
        session, dataset = self.dataset_of(told)
        self.lock(session)
        self.refuse_known(request, dataset, told.beamline, told.proposal)
        doubts = tuple(_oddities(told, dataset, self.facility))
        return self.letter(Action.REGISTER_STORED, content, dataset, session, doubts)

    def letter(
        self, action: Action, body: bytes, dataset: str, session: SessionDirectory | None, doubts: tuple[str, ...]
    ) -> _Letter:
        message = Message(action=action, destination=self.facility.dataset_queue, body=body, dataset=dataset)
        return _Letter(message, session, doubts)

    def files(self, request: FilesOf) -> _Letter:
        location = self.location_without_files(request)
        session = session_at(location, self.site) if location else None
        self.lock(session)
        self.refuse_pending(request, self.fresh().index.files(request.icat_id).pending)
        message = Message(
            action=Action.ADD_FILES,
            destination=self.facility.files_queue,
            body=add_files_body(request.icat_id),
            dataset=location,
            icat_id=request.icat_id,
            investigation=request.investigation,
        )
        return _Letter(message, session)

    def dataset_of(self, told: StoredMessage) -> tuple[SessionDirectory | None, str]:
        """Return the session and the directory that a stored message is about, as they are on this machine's disk."""
        location = posixpath.normpath(told.location)
        named = session_of(location)
        for start in (os.path.abspath(told.path), location):  # the mount point stands in no location
            session = session_at(start, self.site)
            if session and named and location_key(session.path, self.facility) == location_key(named, self.facility):
                return session, session.path + location[len(named) :]
        return None, location

    # -- what speaks against sending --

    def is_elsewhere(self, request: RawDirectory, session: SessionDirectory) -> bool:
        """Return whether a directory lies in a session of another proposal or beamline than it is said to be of."""
        said = self.facility.beamline(request.beamline), request.proposal.lower()
        return said != (session.beamline, session.proposal.lower())

    def lock(self, session: SessionDirectory | None) -> None:
        """Hold the lock of a session from now on. Raises SessionLockedError."""
        if session is None or session.path in self.held:
            return
        self.locks.enter_context(locked(self.means.state_dir, session))
        self.held.add(session.path)

    def fresh(self) -> JournalReader:
        """Return the journal as it is now: what was sent before the lock was ours stands in it."""
        self.reader.refresh()
        return self.reader

    def refuse_known(self, request: Request, path: str, beamline: str, proposal: str) -> None:
        """Raise _NotSent where ICAT has the dataset, may have it, or was told of it before."""
        if self.means.force:
            return
        listing = self.listings.of(beamline, proposal)
        if listing is not None:
            self.refuse_listed(request, path, listing)
        self.refuse_pending(request, self.fresh().index.dataset(path).pending)

    def refuse_listed(self, request: Request, path: str, listing: Listing) -> None:
        key = location_key(path, self.facility)
        if rows := listing.listed.by_key.get(key):
            reason = f"ICAT has it already (id {rows[0].id}, in investigation {rows[0].investigation})"
            raise _NotSent(AlreadyRegistered(request.subject, reason))
        if row := listing.listed.differing_in_case(key):
            reason = f"ICAT has {visible(row.location)} (id {row.id}), which differs in case only: {INSIST}"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))
        if listing.trouble:
            reason = f"ICAT could not be asked whether it has it ({listing.trouble}): {INSIST}"
            raise _NotSent(Refused(request.subject, reason, ExitCode.NOTHING))

    def refuse_pending(self, request: Request, out: Sending | None) -> None:
        if out is not None and not self.means.force:
            reason = f"{out.reason}, and not seen in ICAT yet: {INSIST}"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))

    def once(self, request: Request, letter: _Letter) -> _Letter:
        """Return a letter. Raises _NotSent where the same was sent before, or is asked for twice now."""
        before = self.fresh().index.sent_before(letter.message.digest)
        if before is not None and not self.means.force:
            when = f"{before.time.isoformat(timespec='seconds')} by {before.user} on {before.host}"
            reason = f"the very same message was sent {when}: {INSIST}"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))
        key = location_key(letter.message.dataset, self.facility)
        if key in self.taken:
            reason = f"{visible(self.taken[key])} is about the same dataset"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))
        self.taken[key] = request.subject
        return letter

    def location_without_files(self, request: FilesOf) -> str:
        """Return where a dataset lies; empty where nobody can be asked. Raises _NotSent where ICAT has its files."""
        if request.investigation is None or self.means.catalogue is None or self.means.force:
            return ""
        answer = self.means.catalogue.datasets(request.investigation)
        row = next((row for row in answer.rows if row.id == request.icat_id), None)
        if row is not None and row.file_count:
            raise _NotSent(AlreadyRegistered(request.subject, f"ICAT has its files already ({row.file_count:,})"))
        if row is not None:
            return row.location
        if answer.usable and not answer.unreadable:
            raise UsageError(f"ICAT lists no such dataset in investigation {request.investigation}: check both ids")
        why = answer.reason or f"ICAT+ sent an entry that could not be read ({answer.unreadable[0]})"
        reason = f"ICAT could not be asked about it ({why}): {INSIST}"
        raise _NotSent(Refused(request.subject, reason, ExitCode.NOTHING))


# -- stored messages -------------------------------------------------------------------------------------------------


def _read_file(path: str) -> bytes:
    """Return what a file holds. Raises UsageError where it can't be a message."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for ever
            raise UsageError("it is no file: name the message itself")
        if status.st_size > LARGEST:
            raise UsageError(f"it is no dataset message: {status.st_size:,} bytes are too many")
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"it can't be read: {error.strerror}") from error


def _oddities(told: StoredMessage, dataset: str, facility: Facility) -> Iterator[str]:
    """Yield what is odd about a stored message (icat.md, "Known faults", D30)."""
    if not os.path.isdir(dataset):
        yield f"its dataset directory {visible(dataset)} is not here"
    if session := session_of(dataset):
        *_, proposal, beamline, _ = session.split("/")
        if told.proposal.lower() != proposal.lower():
            yield f"it is of proposal {visible(told.proposal)}, its directory of {visible(proposal)}"
        if facility.beamline(told.beamline) != facility.beamline(beamline):
            yield f"it is of beamline {visible(told.beamline)}, its directory of {visible(beamline)}"
