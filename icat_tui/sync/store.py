"""Registering by hand: one directory, messages that BLISS left, or datasets whose files are to be added.

What must stay true: ICAT and the journal are asked first, under the lock of the session, and what ICAT has or may be
about to have is not sent again unless a person insists (promises.md 4, 8). What can't be sent harms no other.
"""

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from icat_tui.cancel import Cancellation
from icat_tui.disk.stored_xml import LARGEST, parse_stored
from icat_tui.domain.errors import ExitCode, IcatTuiError, SaveError, UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key, session_of
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import SessionDirectory, StoredMessage
from icat_tui.ingest.dataset_xml import add_files_body
from icat_tui.journal.reader import JournalIndex, Sending
from icat_tui.sync.catalogue_query import Listing, Listings
from icat_tui.sync.site import Site, place_of, session_at
from icat_tui.sync.store_request import FilesOf, RawDirectory, Request, StoredFile, raw_body
from icat_tui.sync.submit import Outbox, Submission, SubmitEvent
from icat_tui.text import visible

INSIST = "to send it all the same takes --force"
NOBODY_ASKED = "no ICAT+ is known, so nobody could be asked what it has already: see --icatplus"
"""What a person is told once where there is no catalogue."""


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


StoreEvent = AlreadyRegistered | Refused | Doubted | ReadyToSend | SubmitEvent


def store(
    requests: Iterable[Request], submission: Submission, site: Site, cancellation: Cancellation, *, force: bool = False
) -> Iterator[StoreEvent]:
    """Send what is asked for and yield what becomes of each, in the order given.

    All requests are looked at, and their sessions locked, before the first message is planned; a session that somebody
    else is registering is Refused. `force` is a person's word: send, whatever ICAT and the journal say.
    `SendingFinished` comes last where there was something to send. Raises UsageError where nothing may be sent,
    SaveError where journal or lock can't be written, Cancelled where it is called off before anything was sent.
    """
    with Outbox(submission, cancellation) as outbox:
        submission.journal.check_writable()
        examination = _Examination(submission, site, outbox, force=force)
        accepted: list[_Accepted] = []
        for request in requests:
            cancellation.check()
            result = examination.examine(request)
            if isinstance(result, _Accepted):
                accepted.append(result)
                for warning in result.warnings:
                    yield Doubted(request.subject, warning)
            else:
                yield result
        if not accepted:
            return
        yield ReadyToSend(len(accepted))
        for session in {each.session.path: each.session for each in accepted if each.session}.values():
            outbox.drop_cached(session)
        messages = [each.message for each in accepted]
        outbox.plan(messages)
        yield from outbox.send(messages)


class _Accepted(Struct, frozen=True):
    """A request that may go out, with its message."""

    message: Message
    session: SessionDirectory | None
    warnings: tuple[str, ...] = ()


class _NotSent(Exception):  # noqa: N818 - a fact, not an error
    """Nothing is to be sent; the verdict says why."""

    def __init__(self, verdict: AlreadyRegistered | Refused) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class _Examination:
    """Requests looked at one by one, by what ICAT and the journal say and by those before them."""

    def __init__(self, submission: Submission, site: Site, outbox: Outbox, *, force: bool) -> None:
        self.catalogue, self.view, self.outbox = submission.catalogue, submission.view, outbox
        self.site, self.facility, self.force = site, site.facility, force
        self.listings = Listings(submission.catalogue, self.facility)
        self.examined: dict[str, str] = {}
        """By what a message is about: the request that it is sent for."""

    def examine(self, request: Request) -> _Accepted | AlreadyRegistered | Refused:
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

    def raw(self, request: RawDirectory) -> _Accepted:
        place = place_of(request.path, self.site)
        self.lock(place.session)
        self.refuse_known(request, place.path, request.beamline, request.proposal)
        if place.session and self.is_elsewhere(request, place.session):  # a slip of the pen must not hide what ICAT has
            self.refuse_known(request, place.path, place.session.beamline, place.session.proposal)
        body = raw_body(request, place, self.site, self.listings)
        return self.accepted(Action.REGISTER, body.content, place.path, place.session, body.warnings)

    def stored(self, request: StoredFile) -> _Accepted:
        content = _read_file(request.path)
        try:
            told = parse_stored(request.path, content, self.facility.zone)
        except ValueError as error:
            raise UsageError(f"it is no dataset message: {error}") from error
        session, dataset = self.dataset_of(told)
        self.lock(session)
        self.refuse_known(request, dataset, told.beamline, told.proposal)
        doubts = tuple(_oddities(told, dataset, self.facility))
        return self.accepted(Action.REGISTER_STORED, content, dataset, session, doubts)

    def accepted(
        self, action: Action, body: bytes, dataset: str, session: SessionDirectory | None, doubts: tuple[str, ...]
    ) -> _Accepted:
        message = Message(action=action, destination=self.facility.dataset_queue, body=body, dataset=dataset)
        return _Accepted(message, session, doubts)

    def files(self, request: FilesOf) -> _Accepted:
        location = self.location_without_files(request)
        session = session_at(location, self.site) if location else None
        self.lock(session)
        self.refuse_pending(request, self.journal_now().files(request.icat_id).pending)
        message = Message(
            action=Action.ADD_FILES,
            destination=self.facility.files_queue,
            body=add_files_body(request.icat_id),
            dataset=location,
            icat_id=request.icat_id,
            investigation=request.investigation,
        )
        return _Accepted(message, session)

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
        if session is not None:
            self.outbox.lock(session)

    def journal_now(self) -> JournalIndex:
        """Return what stands in the journal now: what was sent before the lock was ours among it."""
        self.view.refresh()
        return self.view.index

    def refuse_known(self, request: Request, path: str, beamline: str, proposal: str) -> None:
        """Raise _NotSent where ICAT has the dataset, may have it, or was told of it before."""
        if self.force:
            return
        listing = self.listings.of(beamline, proposal)
        if listing is not None:
            self.refuse_listed(request, path, listing)
        self.refuse_pending(request, self.journal_now().dataset(path).pending)

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
        if out is not None and not self.force:
            reason = f"{out.reason}, and not seen in ICAT yet: {INSIST}"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))

    def once(self, request: Request, accepted: _Accepted) -> _Accepted:
        """Return an accepted request. Raises _NotSent where the same was sent before, or is asked for twice now."""
        before = self.journal_now().sent_before(accepted.message.digest)
        if before is not None and not self.force:
            when = f"{before.time.isoformat(timespec='seconds')} by {before.user} on {before.host}"
            reason = f"the very same message was sent {when}: {INSIST}"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))
        key = location_key(accepted.message.dataset, self.facility)
        if key in self.examined:
            reason = f"{visible(self.examined[key])} is about the same dataset"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))
        self.examined[key] = request.subject
        return accepted

    def location_without_files(self, request: FilesOf) -> str:
        """Return where a dataset lies; empty where nobody can be asked. Raises _NotSent where ICAT has its files."""
        if request.investigation is None or self.catalogue is None or self.force:
            return ""
        answer = self.catalogue.datasets(request.investigation)
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
