"""Registering by hand: one directory, messages that BLISS left, or datasets whose files are to be added.

What must stay true: ICAT and the journal are asked first, under the lock of the session, and what ICAT has or may be
about to have is not sent again unless a person insists (promises.md 4, 8). Whatever can't be sent harms no other.
"""

import os
import posixpath
import socket
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from icat_tui import __version__
from icat_tui.disk import discover, metadata
from icat_tui.disk.stored import LARGEST, parse_stored
from icat_tui.domain import timeslot
from icat_tui.domain.errors import ExitCode, IcatTuiError, SaveError, UsageError
from icat_tui.domain.events import SavingFailed
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import AUTO, dataset_name, location_key, session_date, session_of
from icat_tui.domain.model import DiskDataset, Match, SessionDirectory, StoredMessage
from icat_tui.domain.visible import visible
from icat_tui.ingest.broker import Broker
from icat_tui.ingest.events import SendEvent
from icat_tui.ingest.journal import Journal
from icat_tui.ingest.messages import Action, Body, Identity, Message, Origin, add_files_body, dataset_body
from icat_tui.ingest.send import send
from icat_tui.ingest.standing import JournalReader, Sending
from icat_tui.sync.ask import Catalogue
from icat_tui.sync.cache import SessionCache
from icat_tui.sync.cancel import Cancellation
from icat_tui.sync.lock import locked
from icat_tui.sync.verify import Listing, list_proposal

SAMPLE, START, END = "Sample_name", "startDate", "endDate"
INSIST = "to send it all the same takes --force"
NOBODY_ASKED = "no ICAT+ is known, so nobody could be asked what it has already: see --icatplus"
"""What a person is told once where there is no catalogue."""


# -- what can be asked for -------------------------------------------------------------------------------------------


class RawDirectory(Struct, frozen=True, kw_only=True):
    """A dataset directory that is to be registered, with what a person says of it."""

    beamline: str
    proposal: str
    dataset: str
    """The name of the dataset."""
    path: str
    metadata: Mapping[str, Any] = {}
    """ICAT's fields by name; sample, start and end are read from the dataset where they are not among them."""
    strict: bool = False
    """Whether what ICAT's definitions find doubtful is refused."""

    @property
    def subject(self) -> str:
        """How a person calls it."""
        return self.path


class StoredFile(Struct, frozen=True):
    """A file with a dataset message, to be sent as it is."""

    path: str

    @property
    def subject(self) -> str:
        """How a person calls it."""
        return self.path


class FilesOf(Struct, frozen=True):
    """A dataset that ICAT has, whose files are to be added."""

    icat_id: int
    investigation: int | None = None
    """Where ICAT lists it; without that nobody can be asked about it (icat-facts.md §3.1)."""

    @property
    def subject(self) -> str:
        """How a person calls it."""
        return f"dataset {self.icat_id}"


Request = RawDirectory | StoredFile | FilesOf


class Means(Struct, frozen=True, kw_only=True):
    """What storing works with."""

    facility: Facility
    origin: Origin
    """What messages say where nobody says otherwise, and what time it is."""
    journal: Journal
    broker: Broker
    state_dir: Path
    """Where the locks lie, beside the journal."""
    catalogue: Catalogue | None = None
    """Who is asked first; None: nobody can be."""
    cache: SessionCache | None = None
    data_roots: tuple[str, ...] = ()
    raw_format: discover.AnyFormat = AUTO
    force: bool = False
    """A person's word: send, whatever ICAT and the journal say."""


def origin_here(now: datetime) -> Origin:
    """Return what a message from this machine and this program says of itself (icat-facts.md §5.3)."""
    return Origin(machine=socket.getfqdn(), software=f"icat-tui_v{__version__}", now=now)


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
    means.journal.check()
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
        yield from clerk.forget(letters)
        messages = [letter.message for letter in letters]
        means.journal.plan(messages)
        yield from send(messages, means.broker, means.journal, cancelled=lambda: bool(cancellation))


def raw_body(request: RawDirectory, facility: Facility, origin: Origin, catalogue: Catalogue | None = None) -> Body:
    """Return the message that would be sent for a directory. Raises UsageError where it can't be made."""
    place = _place(request.path, (), facility, AUTO)
    return _body(request, place, facility, origin, _Listings(catalogue, facility))


class _Letter(Struct, frozen=True):
    """A message that may go out."""

    message: Message
    session: SessionDirectory | None
    warnings: tuple[str, ...] = ()


class _Known(Exception):  # noqa: N818 - a fact, not an error
    """Nothing is to be sent, for a reason that is a result."""

    def __init__(self, verdict: AlreadyRegistered | Refused) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class _Clerk:
    """Looks at requests one by one; holds the locks of their sessions until all are sent."""

    def __init__(self, means: Means, locks: ExitStack) -> None:
        self.means, self.locks = means, locks
        self.held: set[str] = set()
        self.reader = JournalReader(means.journal.path, means.facility)
        self.listings = _Listings(means.catalogue, means.facility)
        self.taken: dict[str, str] = {}
        """By what a message is about: the request that it is sent for."""

    def take(self, request: Request) -> _Letter | AlreadyRegistered | Refused:
        """Return the message for a request, or why there is none."""
        try:
            match request:
                case RawDirectory():
                    letter = self.raw(request)
                case StoredFile():
                    letter = self.stored(request)
                case FilesOf():
                    letter = self.files(request)
            self.refuse_twice(request, letter.message)
        except _Known as known:
            return known.verdict
        except SaveError:
            raise
        except IcatTuiError as error:
            return Refused(request.subject, str(error), error.code)
        return letter

    def forget(self, letters: Iterable[_Letter]) -> Iterator[SavingFailed]:
        """Remove the cache files of the sessions: whatever happens now, they are no longer true."""
        sessions = {letter.session.path: letter.session for letter in letters if letter.session}
        for session in sessions.values() if self.means.cache else ():
            try:
                self.means.cache.drop(session)
            except SaveError as error:
                yield SavingFailed(str(self.means.cache.path(session)), str(error))

    # -- the three kinds --

    def raw(self, request: RawDirectory) -> _Letter:
        means = self.means
        place = _place(request.path, means.data_roots, means.facility, means.raw_format)
        self.lock(place.session)
        self.refuse_known(request, place.path, request.beamline, request.proposal)
        body = _body(request, place, means.facility, means.origin, self.listings)
        message = Message(
            action=Action.REGISTER,
            destination=means.facility.dataset_queue,
            body=body.content,
            dataset=place.path,
        )
        return _Letter(message, place.session, body.warnings)

    def stored(self, request: StoredFile) -> _Letter:
        means = self.means
        content = _read_file(request.path)
        try:
            told = parse_stored(request.path, content, means.facility.zone)
        except ValueError as error:
            raise UsageError(f"it is no dataset message: {error}") from error
        session, dataset = self.dataset_of(told)
        self.lock(session)
        self.refuse_known(request, dataset, told.beamline, told.proposal)
        message = Message(
            action=Action.REGISTER_STORED,
            destination=means.facility.dataset_queue,
            body=content,
            dataset=dataset,
        )
        return _Letter(message, session, tuple(_oddities(told, dataset, means.facility)))

    def files(self, request: FilesOf) -> _Letter:
        means = self.means
        location = self.location_without_files(request)
        session = _session_at(location, means.data_roots, means.facility, means.raw_format) if location else None
        self.lock(session)
        self.refuse_pending(request, self.fresh().standings.files(request.icat_id).out)
        message = Message(
            action=Action.ADD_FILES,
            destination=means.facility.files_queue,
            body=add_files_body(request.icat_id),
            dataset=location,
            icat_id=request.icat_id,
            investigation=request.investigation,
        )
        return _Letter(message, session)

    def dataset_of(self, told: StoredMessage) -> tuple[SessionDirectory | None, str]:
        """Return the session and the directory that a stored message is about, as they are on this machine's disk."""
        means = self.means
        location = posixpath.normpath(told.location)
        named = session_of(location)
        for start in (told.path, location):  # a mount point stands in the file's own path, and never in a location
            session = _session_at(start, means.data_roots, means.facility, means.raw_format)
            if session and named and location_key(session.path, means.facility) == location_key(named, means.facility):
                return session, session.path + location[len(named) :]
        return None, location

    # -- what speaks against sending --

    def lock(self, session: SessionDirectory | None) -> None:
        """Hold the lock of a session from now on. Raises SessionLockedError."""
        if session is None or session.path in self.held:
            return
        try:
            self.locks.enter_context(locked(self.means.state_dir, session))
        except OSError as error:
            raise SaveError(
                f"no lock can be made in {visible(str(self.means.state_dir))}: {error.strerror}. Nothing is sent "
                "without it; make it writable for all who register, or name another state_dir"
            ) from error
        self.held.add(session.path)

    def fresh(self) -> JournalReader:
        """Return the journal as it is now: what was sent before the lock was ours stands in it."""
        self.reader.refresh()
        return self.reader

    def refuse_known(self, request: Request, path: str, beamline: str, proposal: str) -> None:
        """Raise _Known where ICAT has the dataset, may have it, or was sent it before."""
        if self.means.force:
            return
        listing = self.listings.of(beamline, proposal)
        if listing is not None:
            self.refuse_listed(request, path, listing)
        self.refuse_pending(request, self.fresh().standings.dataset(path).out)

    def refuse_listed(self, request: Request, path: str, listing: Listing) -> None:
        facility = self.means.facility
        key = location_key(path, facility)
        for row in listing.rows:
            known = location_key(row.location, facility)
            if known == key:
                reason = f"ICAT has it already (id {row.id}, in investigation {row.investigation})"
                raise _Known(AlreadyRegistered(request.subject, reason))
            if known.casefold() == key.casefold():
                reason = f"ICAT has {visible(row.location)} (id {row.id}), which differs in case only: {INSIST}"
                raise _Known(Refused(request.subject, reason, ExitCode.PARTIAL))
        if listing.trouble:
            reason = f"ICAT could not be asked whether it has it ({listing.trouble}): {INSIST}"
            raise _Known(Refused(request.subject, reason, ExitCode.NOTHING))

    def refuse_pending(self, request: Request, out: Sending | None) -> None:
        if out is not None and not self.means.force:
            reason = f"{out.reason}, and not seen in ICAT yet: {INSIST}"
            raise _Known(Refused(request.subject, reason, ExitCode.PARTIAL))

    def refuse_twice(self, request: Request, message: Message) -> None:
        """Raise _Known where the same was sent before, or is asked for twice now."""
        same = location_key(message.dataset, self.means.facility) if message.icat_id is None else request.subject
        other = self.taken.setdefault(same, request.subject)
        if other is not request.subject and not isinstance(request, FilesOf):
            raise _Known(Refused(request.subject, f"{visible(other)} is about the same dataset", ExitCode.PARTIAL))
        before = self.fresh().standings.sent_before(message.digest)
        if before is not None and not isinstance(request, FilesOf) and not self.means.force:
            when = f"{before.time.isoformat(timespec='seconds')} by {before.user} on {before.host}"
            reason = f"the very same message was sent {when}: {INSIST}"
            raise _Known(Refused(request.subject, reason, ExitCode.PARTIAL))

    def location_without_files(self, request: FilesOf) -> str:
        """Return where a dataset lies; empty where nobody can be asked. Raises _Known where ICAT has its files."""
        if request.investigation is None or self.means.catalogue is None or self.means.force:
            return ""
        answer = self.means.catalogue.datasets(request.investigation)
        row = next((row for row in answer.rows if row.id == request.icat_id), None)
        if row is not None and row.file_count:
            reason = f"ICAT has its files already ({row.file_count:,})"
            raise _Known(AlreadyRegistered(request.subject, reason))
        if row is not None:
            return row.location
        if answer.usable and not answer.unreadable:
            raise UsageError(f"ICAT lists no dataset {request.icat_id} in investigation {request.investigation}")
        reason = answer.reason or f"ICAT+ sent an entry that could not be read ({answer.unreadable[0]})"
        reason = f"ICAT could not be asked about it ({reason}): {INSIST}"
        raise _Known(Refused(request.subject, reason, ExitCode.NOTHING))


class _Listings:
    """What ICAT lists for proposals, each asked for once."""

    def __init__(self, catalogue: Catalogue | None, facility: Facility) -> None:
        self._catalogue, self._facility = catalogue, facility
        self._listings: dict[tuple[str, str], Listing] = {}

    def of(self, beamline: str, proposal: str) -> Listing | None:
        """Return what ICAT lists for a proposal at a beamline, both in any spelling; None: nobody can be asked."""
        if self._catalogue is None:
            return None
        asked = self._facility.beamline(beamline.strip()), proposal.strip().lower()
        if asked not in self._listings:
            self._listings[asked] = list_proposal(self._catalogue, *asked)
        return self._listings[asked]


# -- where it lies ---------------------------------------------------------------------------------------------------


class _Place(Struct, frozen=True):
    """A directory and the session that it lies in."""

    path: str
    session: SessionDirectory | None


def _place(path: str, roots: tuple[str, ...], facility: Facility, raw_format: discover.AnyFormat) -> _Place:
    """Return where a directory lies, by its data root. Raises UsageError where there is no such directory."""
    try:
        if not stat.S_ISDIR(os.stat(path).st_mode):
            raise UsageError("it is no directory: name the directory of the dataset")
    except OSError as error:
        raise UsageError(f"the directory can't be looked at: {error.strerror}; check its path") from error
    absolute = "/" + os.path.abspath(path).lstrip("/")
    session = _session_at(absolute, roots, facility, raw_format)
    if session and not f"{absolute}/".startswith(f"{session.path}/"):  # its data root is known by another name
        below = os.path.relpath(os.path.realpath(absolute), os.path.realpath(session.path))
        absolute = f"{session.path}/{below}"
    return _Place(absolute, session)


def _session_at(
    path: str, roots: tuple[str, ...], facility: Facility, raw_format: discover.AnyFormat
) -> SessionDirectory | None:
    """Return the session on disk that a path lies in; None where there is none."""
    try:
        found = next(iter(discover.sessions_at(path, roots, facility, raw_format)), None)
    except UsageError:  # not there, or in no session
        return None
    if not isinstance(found, SessionDirectory):
        return None
    holds = f"{os.path.realpath(path)}/".startswith(f"{os.path.realpath(found.path)}/")
    return found if holds else None


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
    """Yield what is odd about a stored message (icat-facts.md §7 D30)."""
    if not os.path.isdir(dataset):
        yield f"its dataset directory {visible(dataset)} is not here"
    if session := session_of(dataset):
        *_, proposal, beamline, _ = session.split("/")
        if told.proposal.lower() != proposal.lower():
            yield f"it is of proposal {visible(told.proposal)}, its directory of {visible(proposal)}"
        if facility.beamline(told.beamline) != facility.beamline(beamline):
            yield f"it is of beamline {visible(told.beamline)}, its directory of {visible(beamline)}"


# -- the message of a directory --------------------------------------------------------------------------------------


def _body(request: RawDirectory, place: _Place, facility: Facility, origin: Origin, listings: _Listings) -> Body:
    """Return the message of a directory, completed by what the dataset says. Raises UsageError."""
    fields = {name: value for name, value in request.metadata.items() if value is not None and value != ""}
    for name in (START, END):
        if name in fields:
            fields[name] = _moment(name, fields[name], facility)
    doubts: list[str] = []
    if any(name not in fields for name in (SAMPLE, START, END)):
        doubts += _complete(fields, request, place, facility, origin, listings)
    identity = Identity(beamline=request.beamline, proposal=request.proposal, dataset=request.dataset, path=place.path)
    body = dataset_body(identity, fields, origin, mount_marker=facility.mount_marker, strict=request.strict)
    return Body(body.content, (*doubts, *body.warnings))


def _moment(name: str, value: object, facility: Facility) -> datetime:
    """Return a time with an offset: without one it is of the facility's zone (icat-facts.md §7 D28)."""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    try:
        return timeslot.parse_time(text.strip(), facility.zone)
    except ValueError as error:
        raise UsageError(f"{name}: {error}; give it as 2026-01-31T08:00:00+01:00") from error


def _complete(
    fields: dict[str, Any],
    request: RawDirectory,
    place: _Place,
    facility: Facility,
    origin: Origin,
    listings: _Listings,
) -> list[str]:
    """Fill in sample, start and end as far as they are not given; return what is odd. Raises UsageError."""
    doubts: list[str] = []
    found = _read_dataset(place, facility, origin.now)
    if found and found.metadata:
        read = {SAMPLE: found.metadata.sample, START: found.metadata.start, END: found.metadata.end}
        fields |= {name: value for name, value in read.items() if name not in fields}
        if found.open_scan:
            doubts.append("its last scan has no end: it is running, or its writer died")
        return doubts
    why = found.trouble.text if found and found.trouble else "it is no dataset directory of a session"
    missing = [name for name in (SAMPLE, START, END) if name not in fields]
    if missing == [START, END]:
        if not (elsewhere := _not_now(request, place, facility, origin.now, listings)):
            fields[START] = fields[END] = origin.now
            return ["its start and end are not known: sent as now, which is in the time slot of its session"]
        why = f"{why}; nor can they be taken as now: {elsewhere}"
    flags = " ".join(f"-p {name}=…" for name in missing)
    raise UsageError(f"{', '.join(missing)} can't be read from it ({why}): give {flags} (in Python: in its metadata)")


def _read_dataset(place: _Place, facility: Facility, now: datetime) -> DiskDataset | None:
    """Return the dataset in a directory, read as a scan reads it; None where no dataset can lie there."""
    session = place.session
    if session is None or not place.path.startswith(f"{session.raw_path}/"):
        return None
    parent, name = posixpath.split(place.path)
    dataset = DiskDataset(
        path=place.path,
        collection=parent[len(session.raw_path) + 1 :],
        name=dataset_name(posixpath.basename(parent), name, session.format),
    )
    return metadata.read_datasets(session, [dataset], now.timestamp(), facility.time_zone)[0]


def _not_now(request: RawDirectory, place: _Place, facility: Facility, now: datetime, listings: _Listings) -> str:
    """Return why now is not in the time slot of a directory's session; empty where it is."""
    if place.session is None:
        return "its path is in no session"
    listing = listings.of(request.beamline, request.proposal)
    if listing is None:
        return "no ICAT+ is known that could say when its session is"
    if not listing.investigations:
        return listing.trouble or "ICAT has no investigation for it"
    day = session_date(place.session.date)
    slot = timeslot.choose(listing.investigations, day, facility.zone, now=now)
    current = timeslot.choose(listing.investigations, None, facility.zone, now=now)
    if slot and current and slot.id == current.id and current.match == Match.INSIDE:
        return ""
    return "today is not in the time slot of its session"
