"""Client that registers datasets and lists what is registered, with the names of pyicat-plus.

What must stay true (icat.md, "Python client"): a call that fails raises; nothing is sent to a broker that the caller
did not name; and everything that is sent is in the journal that the commands share.
"""

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from msgspec import structs

from icat_tui.api.errors import CatalogueError, MissingValueError, NoServerError, NotStoredError, OutcomeUnknownError
from icat_tui.api.metadata import plain_metadata, required
from icat_tui.api.not_offered import not_offered
from icat_tui.api.registered import DatasetId, RegisteredDataset, investigation_dictionary, registered_dataset
from icat_tui.api.settings import settings_in_force
from icat_tui.atomic import write_file
from icat_tui.cancel import Cancellation
from icat_tui.catalogue.icatplus import IcatPlus
from icat_tui.catalogue.limits import Limits
from icat_tui.domain import timeslot
from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import ExitCode, IcatTuiError, UsageError
from icat_tui.domain.model import Answer, Investigation
from icat_tui.ingest.broker import BrokerError
from icat_tui.ingest.send_events import MessageAccepted, MessageRejected, MessageUnknown, SendingFinished
from icat_tui.services import Services
from icat_tui.settings import values
from icat_tui.sync.catalogue_query import ProposalListings
from icat_tui.sync.site import Site, locate
from icat_tui.sync.store import NO_CATALOGUE, AlreadyRegistered, Doubted, Refused, store
from icat_tui.sync.store_request import AddFilesRequest, DatasetRequest, Request, StoredFileRequest, raw_body
from icat_tui.sync.submit import Submission
from icat_tui.text import visible

log = logging.getLogger("icat_tui")
Row = TypeVar("Row")


SENDING = threading.Lock()
"""Held by the thread that sends: the threads of a script take turns, also in one session."""
Day = datetime | date | None
"""A moment, a day, or now."""


class IcatClient:
    """Client for ICAT that registers and lists datasets, for scripts that were written for pyicat-plus.

    The example of its manual works with only the import changed::

        from icat_tui import IcatClient

        client = IcatClient(metadata_urls=["broker.example:61613"])
        client.store_dataset(
            beamline="id00",
            proposal="id002207",
            dataset="dataset1",
            path="/data/visitor/id002207/id00/20260131/RAW_DATA/collection/collection_dataset1",
            metadata={"FIELD1": "value1", "FIELD2": "value2"},
        )
        client.disconnect()

    Differences: a call that fails raises, `store_dataset` returns once the broker has answered, and what ICAT has
    already, or was sent and not seen yet, is not sent again without `force=True`.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - as pyicat-plus has them
        self,
        metadata_urls: Sequence[str] | None = None,
        elogbook_url: str | None = None,
        elogbook_token: str | None = None,
        metadata_queue: str | None = None,
        metadata_queue_monitor_port: int | None = None,
        elogbook_timeout: float | None = None,
        feedback_timeout: float | None = None,
        queue_timeout: float | None = None,
        beamline: str | None = None,
        proposal: str | None = None,
        elogbook_metadata: Mapping[str, Any] | None = None,
        archive_urls: Sequence[str] | None = None,
        archive_queue: str | None = None,
        archive_queue_monitor_port: int | None = None,
        update_metadata_urls: Sequence[str] | None = None,
        update_metadata_queue: str | None = None,
        update_metadata_queue_monitor_port: int | None = None,
        add_files_urls: Sequence[str] | None = None,
        add_files_queue: str | None = None,
        add_files_queue_monitor_port: int | None = None,
        reschedule_investigation_urls: Sequence[str] | None = None,
        reschedule_investigation_queue: str | None = None,
        reschedule_investigation_queue_monitor_port: int | None = None,
        icatplus_restricted_url: str | None = None,
        icatplus_password: str | None = None,
        icat_session_id: str | None = None,
        catalogue_queues: Sequence[str] | None = None,
        catalogue_url: str | None = None,
        tracking_url: str | None = None,
    ) -> None:
        """Take what pyicat-plus takes, and ignore what means nothing here (icat.md, "Python client").

        Nothing is connected yet, and brokers are those given here and no others. Raises UsageError for what can't be
        used, EncodingError where Python does not read names of files as UTF-8.
        """
        self._services = _services(elogbook_url, elogbook_token, metadata_queue, add_files_queue)
        self._metadata_brokers = _brokers("metadata_urls", metadata_urls)
        self._files_brokers = _brokers("add_files_urls", add_files_urls)
        self.current_beamline, self.current_proposal = beamline, proposal
        self.current_dataset: str | None = None
        self.current_path: str | os.PathLike[str] | None = None
        self.current_dataset_metadata: object = None
        with self._catalogue():
            pass  # raises now for a URL that can't be used

    if not TYPE_CHECKING:  # type checkers know that there is no such method

        def __getattr__(self, name: str) -> NoReturn:
            """Raise NotOfferedError for a method of pyicat-plus that is not here: it says where it is."""
            raise not_offered(name) or AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __enter__(self) -> Self:
        """Return the client, to be disconnected at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        self.disconnect()

    def disconnect(self) -> None:
        """Do nothing: every call has closed its connections. Scripts for pyicat-plus call it at their end."""

    # -- sending --

    def store_dataset(  # noqa: PLR0913, PLR0917 - as pyicat-plus has them
        self,
        beamline: str | None = None,
        proposal: str | None = None,
        dataset: str | None = None,
        path: str | os.PathLike[str] | None = None,
        metadata: object = None,
        store_filename: str | os.PathLike[str] | None = None,
        strict: bool = False,
        *,
        force: bool = False,
        yes_proposal: str = "",
    ) -> None:
        """Register the dataset directory at `path`; return once the broker has accepted the message.

        `metadata` holds ICAT's fields by name, or is an `IcatDatasetParameters`; what is not given is `current_…` of
        the client, else the field in the metadata. `Sample_name`, `startDate` and `endDate` are read from the dataset
        where they are not given. With `store_filename` the message is written to that file (with `.xml` where it has
        no suffix) and nothing is sent. `strict` refuses fields that ICAT's definitions don't know; `force` sends what
        ICAT has already or was sent before. What lies in the directory of another proposal is sent only where
        `yes_proposal` names the one whose team is to see it.

        Raises UsageError where the message can't be made, NotStoredError where it was not sent or rejected,
        OutcomeUnknownError where there was no receipt. A dataset that ICAT has is none of these: it is left alone.
        """
        fields = plain_metadata(self.current_dataset_metadata if metadata is None else metadata)
        request = DatasetRequest(
            beamline=required("beamline", beamline or self.current_beamline, "beamlineID", fields),
            proposal=required("proposal", proposal or self.current_proposal, "proposal", fields),
            dataset=required("dataset", dataset or self.current_dataset, "datasetName", fields),
            path=required("path", _text_of(path or self.current_path), "location", fields),
            metadata=fields,
            strict=strict,
            yes_proposal=yes_proposal,
        )
        request = self._dated(request)
        if store_filename is None:
            self._store(request, self._metadata_brokers, "metadata_urls", force=force)
        else:
            self._write(request, _xml_file(store_filename))

    def store_processed_data(  # noqa: PLR0913, PLR0917 - as pyicat-plus has them
        self,
        beamline: str | None = None,
        proposal: str | None = None,
        dataset: str | None = None,
        path: str | os.PathLike[str] | None = None,
        metadata: object = None,
        raw: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
        store_filename: str | os.PathLike[str] | None = None,
        strict: bool = False,
        *,
        force: bool = False,
        yes_proposal: str = "",
    ) -> None:
        """Register processed data, made from the datasets at `raw` (or `input_datasets` in the metadata).

        Start and end are now where they are not given; the rest is as for `store_dataset`. Raises what that raises, and
        MissingValueError without input datasets.
        """
        fields = plain_metadata(self.current_dataset_metadata if metadata is None else metadata)
        if inputs := [os.fspath(each) for each in ([raw] if isinstance(raw, str | os.PathLike) else raw)]:
            fields["input_datasets"] = inputs
        if not fields.get("input_datasets"):
            raise MissingValueError("Provide 'raw' input dataset directories: nothing else makes data processed")
        self.store_dataset(
            *(beamline, proposal, dataset, path, fields, store_filename, strict), force=force, yes_proposal=yes_proposal
        )

    def store_dataset_from_file(
        self, store_filename: str | os.PathLike[str] | None = None, *, force: bool = False, yes_proposal: str = ""
    ) -> None:
        """Send the dataset message in a file as it is; return once the broker has accepted it.

        Raises UsageError where it is no dataset message, and what `store_dataset` raises.
        """
        file = str(_xml_file(required("store_filename", _text_of(store_filename), "store_filename", {})))
        self._store(StoredFileRequest(file, yes_proposal), self._metadata_brokers, "metadata_urls", force=force)

    def add_files(
        self, dataset_id: int | None = None, *, investigation: int | None = None, force: bool = False
    ) -> None:
        """Ask ICAT to add the files of a dataset that it has; return once the broker has accepted the message.

        With the id of the `investigation` that lists the dataset, ICAT is asked first. Raises what `store_dataset`
        raises.
        """
        self._store(
            AddFilesRequest(_dataset_id(dataset_id), investigation), self._files_brokers, "add_files_urls", force=force
        )

    def _dated(self, request: DatasetRequest) -> DatasetRequest:
        """Return a request about a directory of no session with start and end as now, where neither was given."""
        fields = request.metadata
        if fields.get("startDate") or fields.get("endDate") or not fields.get("Sample_name") or request.processed:
            return request
        now = datetime.now(UTC)
        site = self._services.site(now)
        if locate(request.path, site).session is not None:
            return request
        log.warning("%s is in no session: start and end are sent as now", visible(request.subject))
        return structs.replace(request, metadata={**fields, "startDate": now, "endDate": now})

    def _write(self, request: DatasetRequest, file: Path) -> None:
        site = self._services.site(datetime.now(UTC))
        with self._catalogue() as catalogue:
            body = raw_body(request, locate(request.path, site), site, ProposalListings(catalogue, site.facility))
        for warning in body.warnings:
            log.warning("%s: %s", visible(request.subject), visible(warning))
        write_file(file, body.content)

    def _store(self, request: Request, brokers: Sequence[BrokerAddress], argument: str, *, force: bool) -> None:
        if not brokers:
            raise NoServerError(f"no broker to send to: give IcatClient {argument}")
        services, now = self._services, datetime.now(UTC)
        services.check_may_send(brokers)
        with SENDING, self._catalogue() as catalogue:
            submission = services.submission(
                now, services.journal_view(), catalogue=catalogue, cache=services.cache(), brokers=brokers
            )
            if catalogue is None:
                log.warning("%s", NO_CATALOGUE)
            failure = _send(request, submission, services.site(now), force=force)
        if failure is not None:
            raise failure

    # -- querying --

    def investigation_info(
        self,
        beamline: str,
        proposal: str,
        date: Day = None,
        allow_open_ended: bool = True,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Return the investigation of a proposal at a beamline that a date (None: now) belongs to; {} without one.

        Texts are spelled as in ICAT. `timeout` is in seconds, for one attempt; without it there are several. Raises
        CatalogueError where ICAT+ does not answer: no outage looks like {} or None.
        """
        found = self._investigation(beamline, proposal, date, allow_open_ended=allow_open_ended, timeout=timeout)
        return {} if found is None else investigation_dictionary(found, self._services.facility)

    def registered_datasets(
        self,
        beamline: str,
        proposal: str,
        date: Day = None,
        allow_open_ended: bool = True,
        timeout: float | None = None,
    ) -> list[RegisteredDataset] | None:
        """Return the datasets of the investigation that `investigation_info` names; None where there is none.

        Raises CatalogueError where ICAT+ does not answer.
        """
        found = self._investigation(beamline, proposal, date, allow_open_ended=allow_open_ended, timeout=timeout)
        if found is None:
            return None
        with self._catalogue(timeout) as catalogue:
            answer = _usable(catalogue.datasets(found.id) if catalogue else None)
        return [registered_dataset(row) for row in answer.rows]

    def registered_dataset_ids(
        self,
        beamline: str,
        proposal: str,
        date: Day = None,
        allow_open_ended: bool = True,
        timeout: float | None = None,
    ) -> list[DatasetId] | None:
        """Return name and location of the datasets that `registered_datasets` returns. Raises what that raises."""
        found = self.registered_datasets(beamline, proposal, date, allow_open_ended, timeout)
        return None if found is None else [each.dataset_id for each in found]

    def _investigation(
        self,
        beamline: str,
        proposal: str,
        day: datetime | date | None,
        *,
        allow_open_ended: bool,
        timeout: float | None,
    ) -> Investigation | None:
        facility = self._services.facility
        with self._catalogue(timeout) as catalogue:
            answer = _usable(catalogue.investigations(facility.beamline(beamline), proposal) if catalogue else None)
        fit = timeslot.choose(answer.rows, day, facility.zone, now=datetime.now(UTC), allow_open_ended=allow_open_ended)
        return next((row for row in answer.rows if fit and row.id == fit.id), None)

    @contextmanager
    def _catalogue(self, timeout: float | None = None) -> Iterator[IcatPlus | None]:
        """Yield a new client of ICAT+ for one call, unaffected by earlier failures; None where there is none."""
        limits = Limits() if timeout is None else Limits(connect=timeout, read=timeout, answer=timeout, retries=0)
        catalogue = self._services.catalogue_if_known(limits)
        try:
            yield catalogue
        finally:
            if catalogue is not None:
                catalogue.close()


def _send(request: Request, submission: Submission, site: Site, *, force: bool) -> IcatTuiError | None:
    """Send what is requested; return the error to be raised, None where it succeeded."""
    subject = visible(request.subject)
    failure: IcatTuiError | None = None
    for event in store([request], submission, site, Cancellation(), force=force):
        match event:
            case Refused(reason=reason, code=code):
                kind = UsageError if code == ExitCode.USAGE else NotStoredError
                failure = kind(f"{subject} was not sent: {reason}")
            case AlreadyRegistered(reason=reason):
                log.info("%s: %s", subject, visible(reason))
            case Doubted(warning=warning):
                log.warning("%s: %s", subject, visible(warning))
            case MessageAccepted():  # also after a receipt that came late
                failure = None
            case MessageRejected(words=words):
                failure = NotStoredError(f"{subject} is not registered: the broker rejected it: {visible(words)}")
            case MessageUnknown(reason=reason):
                failure = OutcomeUnknownError(f"{subject} was sent, and there was no receipt: {visible(reason)}")
            case SendingFinished(trouble=trouble, accepted=0, rejected=0, unknown=0):
                failure = BrokerError(trouble)
    return failure


def _services(url: str | None, key: str | None, dataset_queue: str | None, files_queue: str | None) -> Services:
    """Return services by the settings, with what the client was given. Raises UsageError."""
    settings = settings_in_force({})
    if url:
        settings = replace(settings, icatplus=url, api_key=key)
    queues = {"dataset_queue": dataset_queue, "files_queue": files_queue}
    given = {name: _queue(queue) for name, queue in queues.items() if queue}
    return Services(replace(settings, facility=structs.replace(settings.facility, **given)) if given else settings)


def _queue(name: str) -> str:
    """Return the name of a queue. Raises UsageError for one that a header can't carry."""
    if not name.isprintable() or any(map(str.isspace, name)):
        raise UsageError(f"the queue {visible(name)} can't be used: give its name, without blanks and line breaks")
    return name


def _text_of(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


def _xml_file(name: str | os.PathLike[str]) -> Path:
    """Return the file of a message: `.xml` is appended where its name has no suffix, as in pyicat-plus."""
    file = Path(name)
    return file if file.suffix else file.with_name(f"{file.name}.xml")


def _dataset_id(number: object) -> int:
    """Return the id of a dataset in ICAT, of numpy or as text too. Raises MissingValueError, UsageError."""
    if number is None:
        raise MissingValueError("ICAT requires the datasetId: give dataset_id")
    text = str(number).strip()
    if not text.isdecimal() or not text.isascii():
        raise UsageError(f"{visible(text)} is no id of a dataset: give its number in ICAT")
    return int(text)


def _brokers(argument: str, urls: Sequence[str] | None) -> tuple[BrokerAddress, ...]:
    try:
        return values.brokers(list(urls) if urls is not None and not isinstance(urls, str) else urls or [])
    except ValueError as error:
        raise UsageError(f"{argument}: {error}") from error


def _usable(answer: Answer[Row] | None) -> Answer[Row]:
    """Return an answer. Raises NoServerError where there is no ICAT+, CatalogueError where it gave no usable answer."""
    if answer is None:
        raise NoServerError("no ICAT+ is known: give IcatClient elogbook_url and elogbook_token")
    if not answer.usable:
        raise CatalogueError(answer.reason)
    if answer.unreadable:
        log.warning("ICAT+ sent entries that could not be read (%s): they are left out", ", ".join(answer.unreadable))
    return answer
