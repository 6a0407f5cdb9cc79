"""Client that registers datasets and lists what is registered, with the names of pyicat-plus.

What must stay true (icat.md, "Python client"): a call that fails raises; nothing is sent to a broker that the caller
did not name; and everything that is sent is in the journal that the commands share.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from msgspec import Struct

from icat_tui.api.errors import CatalogueError, NotStoredError, OutcomeUnknownError
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
from icat_tui.settings.load import load
from icat_tui.sync.catalogue_query import ProposalListings
from icat_tui.sync.site import Site, locate
from icat_tui.sync.store import NO_CATALOGUE, AlreadyRegistered, Doubted, Refused, store
from icat_tui.sync.store_request import AddFilesRequest, DatasetRequest, Request, StoredFileRequest, raw_body
from icat_tui.sync.submit import Submission
from icat_tui.text import visible

log = logging.getLogger("icat_tui")
Row = TypeVar("Row")


# -- what ICAT has, with the names of pyicat-plus --------------------------------------------------------------------


class DatasetId(Struct, frozen=True):
    """Name and location of a dataset."""

    name: str
    """The name of its directory."""
    path: str
    """Its location, as ICAT has it."""


class DatasetMetadata(Struct, frozen=True):
    """Metadata of a dataset in ICAT."""

    file_count: int | None
    """None: ICAT does not say, which is not 0 (icat.md, "Known faults", D25)."""


class RegisteredDataset(Struct, frozen=True):
    """Dataset that ICAT has."""

    dataset_id: DatasetId
    icat_dataset_id: int
    dataset_metadata: DatasetMetadata


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

    def __init__(
        self,
        metadata_urls: Sequence[str] | None = None,
        elogbook_url: str | None = None,
        elogbook_token: str | None = None,
        add_files_urls: Sequence[str] | None = None,
    ) -> None:
        """Take brokers for datasets and for files to be added, URL and key of ICAT+; nothing is connected yet.

        Brokers are those given here and no others. Where no `elogbook_url` is given, ICAT+ is that of the settings;
        the path of the journal, the time zone and the rest are too. Raises UsageError for an unusable argument.
        """
        settings = load({}, os.environ)
        if elogbook_url:
            settings = replace(settings, icatplus=elogbook_url, api_key=elogbook_token)
        self._services = Services(settings)
        self._metadata_brokers = _brokers("metadata_urls", metadata_urls)
        self._files_brokers = _brokers("add_files_urls", add_files_urls)
        with self._catalogue():
            pass  # raises now for a URL that can't be used

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
        beamline: str,
        proposal: str,
        dataset: str,
        path: str | os.PathLike[str],
        metadata: Mapping[str, Any] | None = None,
        store_filename: str | os.PathLike[str] | None = None,
        *,
        strict: bool = False,
        force: bool = False,
    ) -> None:
        """Register the dataset directory at `path`; return once the broker has accepted the message.

        `metadata` holds ICAT's fields by name. `Sample_name`, `startDate` and `endDate` are read from the dataset where
        they are not given. With `store_filename` the message is written to that file (`.xml` is appended where it is
        missing) and nothing is sent. `strict` refuses fields that ICAT's definitions don't know; `force` sends what
        ICAT has already or was sent before.

        Raises UsageError where the message can't be made, NotStoredError where it was not sent or rejected,
        OutcomeUnknownError where there was no receipt. A dataset that ICAT has is none of these: it is left alone.
        """
        request = DatasetRequest(
            beamline=beamline,
            proposal=proposal,
            dataset=dataset,
            path=os.fspath(path),
            metadata=metadata or {},
            strict=strict,
        )
        if store_filename is None:
            self._store(request, self._metadata_brokers, "metadata_urls", force=force)
            return
        site = self._services.site(datetime.now(UTC))
        with self._catalogue() as catalogue:
            body = raw_body(request, locate(request.path, site), site, ProposalListings(catalogue, site.facility))
        file = Path(store_filename)
        write_file(file if file.suffix == ".xml" else file.with_name(f"{file.name}.xml"), body.content)

    def store_dataset_from_file(self, store_filename: str | os.PathLike[str], *, force: bool = False) -> None:
        """Send the dataset message in a file as it is; return once the broker has accepted it.

        Raises UsageError where it is no dataset message, and what `store_dataset` raises.
        """
        self._store(StoredFileRequest(os.fspath(store_filename)), self._metadata_brokers, "metadata_urls", force=force)

    def add_files(self, dataset_id: int, *, investigation: int | None = None, force: bool = False) -> None:
        """Ask ICAT to add the files of a dataset that it has; return once the broker has accepted the message.

        With the id of the `investigation` that lists the dataset, ICAT is asked first. Raises what `store_dataset`
        raises.
        """
        self._store(AddFilesRequest(int(dataset_id), investigation), self._files_brokers, "add_files_urls", force=force)

    def _store(self, request: Request, brokers: Sequence[BrokerAddress], argument: str, *, force: bool) -> None:
        if not brokers:
            raise UsageError(f"no broker to send to: give IcatClient {argument}")
        services, now = self._services, datetime.now(UTC)
        services.check_may_send(brokers)
        with self._catalogue() as catalogue:
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

        Times are texts by ISO 8601. `timeout` is in seconds, for one attempt; without it there are several. Raises
        CatalogueError where ICAT+ does not answer.
        """
        found = self._investigation(beamline, proposal, date, allow_open_ended=allow_open_ended, timeout=timeout)
        if found is None:
            return {}
        facility = self._services.facility
        info: dict[str, Any] = {"proposal": found.name, "beamline": facility.beamline(beamline).upper(), "id": found.id}
        for key, value in (("startDate", found.start), ("endDate", found.end)):
            if value is not None:
                info[key] = value.isoformat(timespec="milliseconds")
        if found.title is not None:
            info["title"] = found.title
        page = facility.investigation_url(found.id)
        return info | {"e-logbook": page.replace("/datasets", "/logbook"), "data portal": page}

    def registered_datasets(
        self,
        beamline: str,
        proposal: str,
        date: Day = None,
        allow_open_ended: bool = True,
        timeout: float | None = None,
    ) -> list[RegisteredDataset]:
        """Return the datasets of the investigation that `investigation_info` names; none where there is none.

        Raises CatalogueError where ICAT+ does not answer.
        """
        found = self._investigation(beamline, proposal, date, allow_open_ended=allow_open_ended, timeout=timeout)
        if found is None:
            return []
        with self._catalogue(timeout) as catalogue:
            answer = _usable(catalogue.datasets(found.id) if catalogue else None)
        return [
            RegisteredDataset(
                DatasetId(row.location.rstrip("/").rsplit("/", 1)[-1], row.location),
                row.id,
                DatasetMetadata(row.file_count),
            )
            for row in answer.rows
        ]

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


def _brokers(argument: str, urls: Sequence[str] | None) -> tuple[BrokerAddress, ...]:
    try:
        return values.brokers(list(urls) if urls is not None and not isinstance(urls, str) else urls or [])
    except ValueError as error:
        raise UsageError(f"{argument}: {error}") from error


def _usable(answer: Answer[Row] | None) -> Answer[Row]:
    """Return an answer. Raises UsageError where there is no ICAT+, CatalogueError where it gave no usable answer."""
    if answer is None:
        raise UsageError("no ICAT+ is known: give IcatClient elogbook_url and elogbook_token")
    if not answer.usable:
        raise CatalogueError(answer.reason)
    if answer.unreadable:
        log.warning("ICAT+ sent entries that could not be read (%s): they are left out", ", ".join(answer.unreadable))
    return answer
