"""Registering by hand: one directory, messages that BLISS left, or datasets whose files are to be added.

What must stay true: ICAT and the journal are asked first, under the lock of the session, and a dataset that ICAT has or
may get by a pending message is sent again with `force` only (promises.md 4, 8). A request that can't be sent does not
keep others from being sent.
"""

import os
import posixpath
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import Struct, structs

from icat_tui.cancel import Cancellation
from icat_tui.disk.identity import identity, paths_here
from icat_tui.disk.location import resolved
from icat_tui.disk.stored_xml import LARGEST, as_utf8, parse_stored
from icat_tui.domain.errors import ExitCode, IcatTuiError, SaveError, UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key, session_of, spelling_difference
from icat_tui.domain.message import Action, Message
from icat_tui.domain.model import CatalogueDataset, MessageHistory, SessionDirectory, StoredMessage
from icat_tui.ingest.dataset_xml import add_files_body
from icat_tui.journal.view import JournalView
from icat_tui.regular_file import read_regular
from icat_tui.sync.catalogue_query import ProposalListing, ProposalListings
from icat_tui.sync.site import Site, locate, session_at
from icat_tui.sync.store_request import (
    AddFilesRequest,
    DatasetRequest,
    Request,
    StoredFileRequest,
    bare_name,
    other_proposal,
    raw_body,
)
from icat_tui.sync.submit import OrderJournal, Outbox, Parcel, Submission, SubmitEvent
from icat_tui.text import visible

FORCE_NEEDED = "to send it all the same takes --force"
UNASKED = (
    "which investigation lists it is not known, so ICAT can't be asked whether it has its files: see --investigation"
)
"""Warning for a request for files."""
NO_CATALOGUE = "no ICAT+ is known, so nobody could be asked what it has already: see --icatplus"
"""Warning for a run without a catalogue, given once."""


# -- what becomes of it ----------------------------------------------------------------------------------------------


class AlreadyRegistered(Struct, frozen=True):
    """Event: ICAT has what was requested, so nothing is sent."""

    subject: str
    reason: str


class Refused(Struct, frozen=True):
    """Event: a request was not sent, for a reason."""

    subject: str
    reason: str
    code: ExitCode
    """Exit code of a run with this request alone."""


class Doubted(Struct, frozen=True):
    """Event: a request is going to be sent, with a warning."""

    subject: str
    warning: str


class ReadyToSend(Struct, frozen=True):
    """Event: all requests were examined, and this many messages are going to be sent."""

    messages: int


StoreEvent = AlreadyRegistered | Refused | Doubted | ReadyToSend | SubmitEvent


def store(
    requests: Iterable[Request], submission: Submission, site: Site, cancellation: Cancellation, *, force: bool = False
) -> Iterator[StoreEvent]:
    """Send what is requested and yield the outcome of each request, in the order given.

    All requests are examined, and their sessions locked, before the first message is planned; a request about a
    session that somebody else is registering is Refused. With `force` messages are sent whatever ICAT and the journal
    say. `SendingFinished` comes last where there was something to send. Cancelling closes the catalogue, so that no
    answer is waited for. Raises UsageError where nothing may be sent, SaveError where journal or lock can't be
    written, Cancelled where it is cancelled before anything was sent.
    """
    with Outbox(submission, cancellation) as outbox:
        examination = _Examination(submission, site, outbox, force=force)
        accepted: list[AcceptedRequest] = []
        for request in requests:
            cancellation.check()
            result = examination.examine(request)
            cancellation.check()  # what nobody waited for is no reason to refuse it
            if isinstance(result, AcceptedRequest):
                accepted.append(result)
                for warning in result.warnings:
                    yield Doubted(request.subject, warning)
            else:
                yield result
        if not accepted:
            return
        yield ReadyToSend(len(accepted))
        outbox.plan(each.message for each in accepted)
        ended = time.monotonic()
        yield from outbox.send(
            examination.parcel(list(members), path, ended)
            for path, members in groupby(accepted, key=lambda each: each.locked)
        )


def accepted_now(request: Request, submission: Submission, site: Site) -> "AcceptedRequest":
    """Return a request with the message that would be sent for it now; nothing is locked, written or sent.

    Raises IcatTuiError that says why nothing would be, also where ICAT+ can't be asked.
    """
    examination = _Examination(submission, site, None, force=False)
    try:
        accepted = examination.accepted(request)
    except _NotSent as refusal:
        raise UsageError(refusal.result.reason.removesuffix(f": {FORCE_NEEDED}")) from None
    listing = examination.listings.of(accepted.message.beamline, accepted.message.proposal)
    if listing is not None and not listing.investigations:
        where = f"{visible(accepted.message.proposal)} at {visible(accepted.message.beamline)}"
        raise UsageError(f"ICAT has no investigation of {where}, in which it could be registered")
    return accepted


def store_confirmed(
    confirmed: "AcceptedRequest",
    submission: Submission,
    site: Site,
    cancellation: Cancellation,
    planned_by: OrderJournal | None = None,
) -> Iterator[SubmitEvent]:
    """Send the message that a person confirmed for a request, if that is what would be sent still.

    `site` is that of `accepted_now`, `planned_by` the writer that has the message in the journal already. The last
    event is `SendingFinished`. Raises as `store` does.
    """
    message = confirmed.message
    with Outbox(submission, cancellation, planned_by) as outbox:
        if planned_by is None:
            outbox.plan([message])
        examination = _Examination(submission, site, outbox, force=False)
        yield from outbox.send([examination.parcel([confirmed], confirmed.locked)])


class AcceptedRequest(Struct, frozen=True):
    """Request that may be sent, as its message."""

    request: Request
    message: Message
    session: SessionDirectory | None
    warnings: tuple[str, ...] = ()

    @property
    def locked(self) -> str:
        """The directory that is locked for it."""
        return self.session.path if self.session else self.message.dataset or f"dataset {self.message.icat_id}"


def _why_not(result: "AcceptedRequest | AlreadyRegistered | Refused", message: Message) -> str:
    """Return why a message is not sent, by the result of examining its request again; empty where it is."""
    if not isinstance(result, AcceptedRequest):
        return result.reason
    return "" if result.message.body == message.body else "what would be sent has changed since"


class _NotSent(Exception):  # noqa: N818 - a fact, not an error
    """Exception that ends the examination of a request that is not sent; `result` is the event for it."""

    def __init__(self, result: AlreadyRegistered | Refused) -> None:
        super().__init__(result.reason)
        self.result = result


class _Examination:
    """Examination of requests in turn, against ICAT, the journal and the requests before them."""

    def __init__(self, submission: Submission, site: Site, outbox: Outbox | None, *, force: bool) -> None:
        self.submission, self.outbox = submission, outbox
        self.catalogue, self.view = submission.catalogue, submission.view
        self.site, self.facility, self.force = site, site.facility, force
        self.listings = ProposalListings(submission.catalogue, self.facility)
        self.examined: dict[str, str] = {}
        """Subjects of the accepted requests, by the location key of their dataset."""

    def examine(self, request: Request) -> AcceptedRequest | AlreadyRegistered | Refused:
        """Return a request with its message, or the event that says why it is not sent."""
        try:
            return self.accepted(request)
        except _NotSent as refusal:
            return refusal.result
        except SaveError:
            raise
        except IcatTuiError as error:
            return Refused(request.subject, str(error), error.code)

    def accepted(self, request: Request) -> AcceptedRequest:
        """Return a request with its message. Raises _NotSent, or IcatTuiError, where it is not sent."""
        match request:
            case DatasetRequest():
                return self.refuse_repeated(request, self.examine_directory(request))
            case StoredFileRequest():
                return self.refuse_repeated(request, self.examine_stored(request))
            case AddFilesRequest():
                return self.examine_add_files(request)

    def parcel(self, accepted: Sequence[AcceptedRequest], path: str, looked: float | None = None) -> Parcel:
        """Return accepted requests to be sent under one lock; before that they are examined anew, once it is time."""
        requests = {each.message.id: each.request for each in accepted}

        def look(messages: Sequence[Message]) -> Mapping[str, str]:
            again = _Examination(self.submission, self.site, self.outbox, force=self.force)
            reasons = {each.id: _why_not(again.examine(requests[each.id]), each) for each in messages}
            return {message: reason for message, reason in reasons.items() if reason}

        return Parcel([each.message for each in accepted], path, look, accepted[0].session, looked=looked)

    # -- the three kinds --

    def examine_directory(self, request: DatasetRequest) -> AcceptedRequest:
        located = locate(request.path, self.site)
        refuse_other_team(request, located.location, request.proposal)
        self.lock(located.session, located.path)
        self.refuse_known(request, located.path, request.beamline, request.proposal)
        if located.session and self.is_elsewhere(request, located.session):
            # A typing mistake must not hide what ICAT has.
            self.refuse_known(request, located.path, located.session.beamline, located.session.proposal)
        body = raw_body(request, located, self.site, self.listings)
        message = Message(
            action=Action.REGISTER,
            destination=self.facility.dataset_queue,
            body=body.content,
            dataset=located.path,
            location=located.location,
            proposal=request.proposal.lower(),
            beamline=self.facility.beamline(request.beamline),
        )
        return AcceptedRequest(request, message, located.session, body.warnings)

    def examine_stored(self, request: StoredFileRequest) -> AcceptedRequest:
        content = _read_file(request.path)
        try:
            stored = parse_stored(request.path, content, self.facility.zone)
            content = as_utf8(content)
        except ValueError as error:
            raise UsageError(f"it is no dataset message: {error}") from error
        session, dataset = self.locate_stored(stored)
        refuse_other_team(request, dataset, stored.proposal)
        self.lock(session, dataset)
        self.refuse_known(request, dataset, stored.beamline, stored.proposal)
        doubts = tuple(_doubts(stored, dataset, self.facility))
        message = Message(
            action=Action.REGISTER_STORED,
            destination=self.facility.dataset_queue,
            body=content,
            dataset=dataset,
            location=resolved(dataset),
            proposal=stored.proposal.lower(),
            beamline=self.facility.beamline(stored.beamline),
        )
        return AcceptedRequest(request, message, session, doubts)

    def examine_add_files(self, request: AddFilesRequest) -> AcceptedRequest:
        request, known = self.as_known(request)
        location = self.location_without_files(request) or known
        session = session_at(location, self.site) if location else None
        self.lock(session, location or request.subject)
        self.refuse_pending(request, self.current_journal().files(request.icat_id, location, resolved(location)))
        message = Message(
            action=Action.ADD_FILES,
            destination=self.facility.files_queue,
            body=add_files_body(request.icat_id),
            dataset=location,
            location=resolved(location) if location else "",
            icat_id=request.icat_id,
            investigation=request.investigation,
        )
        doubts = () if request.investigation is not None else (UNASKED,)
        return AcceptedRequest(request, message, session, doubts)

    def as_known(self, request: AddFilesRequest) -> tuple[AddFilesRequest, str]:
        """Return a request with the dataset's investigation, and its location, by the journal, else by the cache."""
        before = self.current_journal().last_request_for_files(request.icat_id)
        known, path = (before.investigation, before.dataset) if before else (None, "")
        cache = self.submission.cache
        if known is None and request.investigation is None and cache is not None:
            dataset = cache.dataset_with(request.icat_id)
            known, path = (dataset.investigation, dataset.path) if dataset else (None, path)
        investigation = known if request.investigation is None else request.investigation
        return structs.replace(request, investigation=investigation), path

    def locate_stored(self, stored: StoredMessage) -> tuple[SessionDirectory | None, str]:
        """Return session and directory on this machine's disk of the dataset that a stored message is about."""
        location = posixpath.normpath(stored.location)
        named = session_of(location)
        for start in (os.path.abspath(stored.path), location):  # the mount point stands in no location
            session = session_at(start, self.site)
            if session and named and location_key(session.path, self.facility) == location_key(named, self.facility):
                return session, session.path + location[len(named) :]
        return None, location

    # -- reasons not to send --

    def is_elsewhere(self, request: DatasetRequest, session: SessionDirectory) -> bool:
        """Return whether a directory lies in a session of another proposal or beamline than the request names."""
        named = self.facility.beamline(request.beamline), request.proposal.lower()
        return named != (session.beamline, session.proposal.lower())

    def lock(self, session: SessionDirectory | None, dataset: str) -> None:
        """Hold the lock of a session from now on, else of a dataset that lies in none. Raises SessionLockedError."""
        if self.outbox is not None:
            self.outbox.lock(session.path if session else dataset)

    def current_journal(self) -> JournalView:
        """Return the journal as it is now, with what other runs sent before the lock was acquired."""
        self.view.refresh()
        return self.view

    def refuse_known(self, request: Request, path: str, beamline: str, proposal: str) -> None:
        """Raise _NotSent where ICAT lists the dataset, may list it, or a message about it is pending."""
        if self.force:
            return
        listing = self.listings.of(beamline, proposal)
        if listing is not None:
            self.refuse_listed(request, path, listing)
        self.refuse_pending(request, self.current_journal().registration(path, resolved(path)))

    def refuse_listed(self, request: Request, path: str, listing: ProposalListing) -> None:
        key = location_key(path, self.facility)
        rows = listing.listed.by_key.get(key) or _same_directory(path, listing, self.site, self.facility)
        if rows:
            reason = f"ICAT has it already (id {rows[0].id}, in investigation {rows[0].investigation})"
            raise _NotSent(AlreadyRegistered(request.subject, reason))
        if row := listing.listed.spelled_otherwise(key):
            differs = f"differs in {spelling_difference(location_key(row.location, self.facility), key)} only"
            reason = f"ICAT has {visible(row.location)} (id {row.id}), which {differs}: {FORCE_NEEDED}"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))
        if listing.trouble:
            reason = f"ICAT could not be asked whether it has it ({listing.trouble}): {FORCE_NEEDED}"
            raise _NotSent(Refused(request.subject, reason, ExitCode.NOTHING))

    def refuse_pending(self, request: Request, history: MessageHistory) -> None:
        if self.force:
            return
        reason = history.trouble or history.doubt
        if history.pending:
            reason = f"{history.pending.reason}, and not seen in ICAT yet"
        if reason:
            raise _NotSent(Refused(request.subject, f"{reason}: {FORCE_NEEDED}", ExitCode.PARTIAL))

    def refuse_repeated(self, request: Request, accepted: AcceptedRequest) -> AcceptedRequest:
        """Return an accepted request. Raises _NotSent where its message was sent before, or is requested twice now."""
        before = self.current_journal().sent_before(accepted.message.digest, accepted.message.location)
        if before is not None and not self.force:
            when = f"{before.time.isoformat(timespec='seconds')} by {before.user} on {before.host}"
            reason = f"the very same message was sent {when}: {FORCE_NEEDED}"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))
        key = location_key(accepted.message.dataset, self.facility)
        if key in self.examined:
            reason = f"{visible(self.examined[key])} is about the same dataset"
            raise _NotSent(Refused(request.subject, reason, ExitCode.PARTIAL))
        self.examined[key] = request.subject
        return accepted

    def location_without_files(self, request: AddFilesRequest) -> str:
        """Return a dataset's location; empty where ICAT can't be asked. Raises _NotSent where ICAT has its files."""
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
        reason = f"ICAT could not be asked about it ({why}): {FORCE_NEEDED}"
        raise _NotSent(Refused(request.subject, reason, ExitCode.NOTHING))


def _same_directory(path: str, listing: ProposalListing, site: Site, facility: Facility) -> list[CatalogueDataset]:
    """Return the rows of ICAT whose location is another name of a directory."""
    wanted = identity(path)
    if not isinstance(wanted, tuple):
        return []
    return [
        row
        for row in listing.rows
        if any(identity(place) == wanted for place in paths_here(row.location, site.data_roots, facility))
    ]


def refuse_other_team(request: DatasetRequest | StoredFileRequest, path: str, proposal: str) -> None:
    """Raise UsageError where data would be shown to the team of another proposal, and nobody has confirmed that."""
    own = other_proposal(path, proposal)
    if own and bare_name(request.yes_proposal) != bare_name(proposal):
        raise UsageError(
            f"its directory is of proposal {visible(own)}, and the team of {visible(proposal)} would see its data: "
            f"to send it all the same takes --yes-proposal {visible(proposal)}"
        )


# -- stored messages -------------------------------------------------------------------------------------------------


def _read_file(path: str) -> bytes:
    """Return the content of a file. Raises UsageError where it can't be a message."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for ever
            raise UsageError("it is no file: name the message itself")
        if status.st_size > LARGEST:
            raise UsageError(f"it is no dataset message: {status.st_size:,} bytes are too many")
        return read_regular(path)
    except OSError as error:
        raise UsageError(f"it can't be read: {error.strerror}") from error


def _doubts(stored: StoredMessage, dataset: str, facility: Facility) -> Iterator[str]:
    """Yield what is doubtful about a stored message (icat.md, "Known faults", D30)."""
    if not os.path.isdir(dataset):
        yield f"its dataset directory {visible(dataset)} is not here"
    if session := session_of(dataset):
        *_, proposal, beamline, _ = session.split("/")
        if stored.proposal.lower() != proposal.lower():
            yield f"it is of proposal {visible(stored.proposal)}, its directory of {visible(proposal)}"
        if facility.beamline(stored.beamline) != facility.beamline(beamline):
            yield f"it is of beamline {visible(stored.beamline)}, its directory of {visible(beamline)}"
