"""The rules that decide: disk and catalogue of one session compared (interface.md, "Status of a dataset").

Pure: what was read and what was answered goes in, a `Session` comes out. An outage is never "missing": wherever an
answer or a listing has a gap, what depends on it is `unknown`, with the reason.
"""

import posixpath
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from msgspec import Struct, structs

from icat_tui.domain import timeslot
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import NOT_XML, STORED_DIRECTORY, is_collection, location_key, session_of
from icat_tui.domain.model import (
    CatalogueDataset,
    Dataset,
    DiskDataset,
    DiskSession,
    Fit,
    Investigation,
    Sent,
    Session,
    SessionDirectory,
    StoredMessage,
    TroubleKind,
)
from icat_tui.domain.status import ACTIONABLE, Category, Status

NANOSECONDS = 1_000_000_000


class Correspondence(Protocol):
    """What the journal says of messages that went out."""

    def registration(self, path: str) -> Sent | None:
        """Return the last message to register the dataset in a directory that ICAT has not shown yet."""

    def files(self, icat_id: int) -> Sent | None:
        """Return the last request to add the files of a dataset that ICAT has not shown yet."""

    def rejection(self, path: str) -> str | None:
        """Return the broker's words where it rejected the last message to register a dataset."""

    def files_rejection(self, icat_id: int) -> str | None:
        """Return the broker's words where it rejected the last request to add the files of a dataset."""


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the rules need to know beside disk and catalogue."""

    facility: Facility
    now: datetime
    settle_time: timedelta = timedelta(hours=1)
    """How long nothing must have changed before a dataset is taken for finished."""
    sent: Correspondence | None = None
    """None: nothing was ever sent from here."""
    pending_timeout: timedelta = timedelta(hours=24)
    """How long what was sent is waited for."""


Rows = dict[str, list[CatalogueDataset]]
"""What ICAT lists by `location_key`; more than one where something was registered twice."""


def rows_by_session(rows: Iterable[CatalogueDataset], facility: Facility) -> dict[str, Rows]:
    """Return rows by the session that they lie in, its key without regard to case, then by location.

    What lies in no session is left out.
    """
    sessions: dict[str, Rows] = {}
    for row in rows:
        key = location_key(row.location, facility)
        if session := session_of(key):
            sessions.setdefault(session.casefold(), {}).setdefault(key, []).append(row)
    return sessions


class Listed:
    """What ICAT lists in one session, to be looked up by location."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        """Take together the rows of the investigations that were looked into."""
        self.by_key: Rows = dict(parts[0]) if parts else {}
        for part in parts[1:]:
            for key, rows in part.items():
                self.by_key[key] = self.by_key.get(key, []) + rows
        self._folded: dict[str, str] | None = None

    def differing_in_case(self, key: str) -> CatalogueDataset | None:
        """Return a row whose location is the same but for upper and lower case."""
        if self._folded is None:
            self._folded = {known.casefold(): known for known in self.by_key}
        known = self._folded.get(key.casefold())
        return self.by_key[known][0] if known and known != key else None


class CatalogueSession(Struct, frozen=True, kw_only=True):
    """What ICAT said that bears on one session."""

    asked_at: datetime
    investigations: tuple[Investigation, ...] = ()
    """All of the session's proposal and beamline."""
    fit: Fit | None = None
    """The one that the session belongs to; without it and without trouble ICAT has none."""
    listed: Listed
    """Datasets of the investigations that were looked into."""
    trouble: str = ""
    """Why nothing at all can be said."""
    gaps: tuple[str, ...] = ()
    """Why a dataset that is not listed may be registered all the same."""


class Wanted(Struct, frozen=True):
    """What must be looked at on disk before a session can be judged: paths of datasets."""

    read: tuple[str, ...] = ()
    """To be opened: ICAT does not list them, and no stored message speaks for them."""
    dated: tuple[str, ...] = ()
    """Whose directory's time is needed, to tell the newest."""
    counted: tuple[str, ...] = ()
    """Of which one must know whether they hold anything: ICAT counts 0 files."""


# -- before the disk is read -----------------------------------------------------------------------------------------


def session_key(directory: SessionDirectory, facility: Facility) -> str:
    """Return what the locations of a session's datasets start with."""
    return location_key(directory.path, facility)


def not_listed(directory: SessionDirectory, disk: DiskSession, listed: Listed, facility: Facility) -> tuple[str, ...]:
    """Return the paths of the datasets on disk that ICAT does not list."""
    prefix, length = session_key(directory, facility), len(directory.path)
    return tuple(dataset.path for dataset in disk.datasets if prefix + dataset.path[length:] not in listed.by_key)


def wanted(
    directory: SessionDirectory,
    disk: DiskSession,
    catalogue: CatalogueSession,
    around: Surroundings,
) -> Wanted:
    """Return what must still be looked at on disk; nothing where ICAT's answer leaves all of it undetermined."""
    if catalogue.trouble or catalogue.fit is None:
        return Wanted()
    facility, listed = around.facility, catalogue.listed
    absent = () if catalogue.gaps else not_listed(directory, disk, listed, facility)
    stored = stored_by_path(directory, disk, facility)
    read = tuple(path for path in absent if path not in stored)
    ongoing = bool(read) and timeslot.is_ongoing(catalogue.fit, around.now, last_change(disk))
    prefix, length = session_key(directory, facility), len(directory.path)
    counted = [
        dataset.path
        for dataset in disk.datasets
        if (rows := listed.by_key.get(prefix + dataset.path[length:])) and max(_file_count(row) for row in rows) == 0
    ]
    return Wanted(
        read=read, dated=tuple(dataset.path for dataset in disk.datasets) if ongoing else (), counted=tuple(counted)
    )


def _file_count(row: CatalogueDataset) -> int:
    """Return the count, where absent counts as some: it is not 0 (icat-facts.md §7 D25)."""
    return 1 if row.file_count is None else row.file_count


def last_change(disk: DiskSession) -> datetime | None:
    """Return when anything that was listed changed last."""
    newest = max((stamp.modified for stamp in disk.fingerprint.values() if stamp), default=None)
    return None if newest is None else datetime.fromtimestamp(newest / NANOSECONDS, UTC)


def stored_by_path(directory: SessionDirectory, disk: DiskSession, facility: Facility) -> dict[str, StoredMessage]:
    """Return the usable stored message of each dataset that has one: the one that names it (icat-facts.md §7 D7)."""
    messages = {location_key(message.location, facility): message for message in disk.stored}
    prefix, length = session_key(directory, facility), len(directory.path)
    found = {dataset.path: messages.get(prefix + dataset.path[length:]) for dataset in disk.datasets}
    return {
        path: message for path, message in found.items() if message and not _disagreement(directory, message, facility)
    }


def _disagreement(directory: SessionDirectory, message: StoredMessage, facility: Facility) -> str:
    """Return how a stored message contradicts the directory that it lies in (icat-facts.md §7 D30)."""
    if message.proposal.lower() != directory.proposal.lower():
        return f"it is of proposal {message.proposal}"
    if facility.beamline(message.beamline) != directory.beamline:
        return f"it is of beamline {message.beamline}"
    return ""


# -- the verdict -----------------------------------------------------------------------------------------------------


def compare(
    directory: SessionDirectory,
    disk: DiskSession,
    catalogue: CatalogueSession,
    around: Surroundings,
) -> Session:
    """Return the session with a status for each dataset and its category."""
    fit = catalogue.fit
    if catalogue.trouble:
        datasets = [_unknown(dataset, catalogue.trouble) for dataset in disk.datasets] + _unlisted(directory, disk)
    elif fit is None:
        datasets = []  # not_in_icat: its datasets are not looked at
    else:
        comparison = _Comparison(directory, disk, catalogue, fit, around)
        datasets = [*map(comparison.judge, disk.datasets), *comparison.missing_on_disk(), *_unlisted(directory, disk)]
    category = _category(disk, catalogue, {dataset.status for dataset in datasets}, around.now)
    return Session(
        directory=directory,
        category=category,
        determined=not catalogue.trouble and not _refused(disk),
        reasons=_session_reasons(disk, catalogue),
        fit=fit,
        candidates=catalogue.investigations,
        datasets=tuple(sorted(datasets, key=lambda dataset: dataset.path)),
        seen_at=catalogue.asked_at,
    )


def _session_reasons(disk: DiskSession, catalogue: CatalogueSession) -> tuple[str, ...]:
    reasons = [catalogue.trouble] if catalogue.trouble else []
    reasons += [gap for gap in catalogue.gaps if gap not in reasons]
    if disk.trouble:
        reasons.append(disk.trouble.text)
    return tuple(reasons)


def _category(disk: DiskSession, catalogue: CatalogueSession, statuses: set[Status], now: datetime) -> Category:
    """Return the first that holds (interface.md, "Category of a session")."""
    fit = catalogue.fit
    if not catalogue.trouble and fit is None:
        return Category.NOT_IN_ICAT
    if fit is not None and statuses.intersection(ACTIONABLE):
        return Category.TODO_ONGOING if timeslot.is_todo_ongoing(fit, now) else Category.TODO
    if catalogue.trouble or _refused(disk) or Status.UNKNOWN in statuses:
        return Category.UNKNOWN
    if Status.INVALID in statuses:
        return Category.HAS_INVALID
    if statuses.intersection((Status.REGISTERED, Status.PENDING, Status.IN_PROGRESS)):
        return Category.OK
    return Category.EMPTY


def _refused(disk: DiskSession) -> bool:
    """Return whether the system would not let the raw directory be listed."""
    return disk.trouble is not None and disk.trouble.kind == TroubleKind.UNKNOWN


def _unknown(dataset: DiskDataset, *reasons: str) -> Dataset:
    return Dataset(
        path=dataset.path, collection=dataset.collection, name=dataset.name, status=Status.UNKNOWN, reasons=reasons
    )


def _unlisted(directory: SessionDirectory, disk: DiskSession) -> list[Dataset]:
    """Return what stands for the datasets that nobody could list."""
    return [
        Dataset(
            path=path,
            collection=path.removeprefix(directory.raw_path).strip("/"),
            name=None,
            status=Status.UNKNOWN,
            reasons=(trouble.text,),
        )
        for path, trouble in disk.unlisted.items()
    ]


class _Comparison:
    """One session being judged, with what all of its datasets need looked up once."""

    def __init__(
        self,
        directory: SessionDirectory,
        disk: DiskSession,
        catalogue: CatalogueSession,
        fit: Fit,
        around: Surroundings,
    ) -> None:
        self.directory, self.disk, self.catalogue, self.fit, self.around = directory, disk, catalogue, fit, around
        self.listed = catalogue.listed
        self.prefix = session_key(directory, around.facility)
        self.stored = stored_by_path(directory, disk, around.facility)
        self.unusable = self._unusable_messages()
        self.stored_path = f"{directory.raw_path}/{STORED_DIRECTORY}"
        self.ongoing = timeslot.is_ongoing(fit, around.now, last_change(disk))
        dated = [dataset for dataset in disk.datasets if dataset.modified is not None]
        self.newest = max((dataset.modified for dataset in dated if dataset.modified is not None), default=None)
        lost = [path for path in disk.unlisted if not f"{path}/".startswith(f"{self.stored_path}/")]
        self.all_dated = len(dated) == len(disk.datasets) and not lost

    def key(self, path: str) -> str:
        return self.prefix + path[len(self.directory.path) :]

    def _unusable_messages(self) -> dict[str, str]:
        """Return why a stored message does not count, by the name of the dataset directory it is called after."""
        facility = self.around.facility
        on_disk = {self.key(dataset.path) for dataset in self.disk.datasets}
        reasons = dict(self.disk.stored_trouble)
        for message in self.disk.stored:
            stem = posixpath.basename(message.path).removesuffix(".xml")
            if disagreement := _disagreement(self.directory, message, facility):
                reasons[stem] = disagreement
            elif location_key(message.location, facility) not in on_disk:
                reasons[stem] = f"it is of {message.location}"
        return reasons

    def judge(self, dataset: DiskDataset) -> Dataset:
        """Return a dataset of the disk with its status: the first that holds."""
        rows = self.listed.by_key.get(self.key(dataset.path))
        if rows:
            return self.registered(dataset, rows)
        if other := self.listed.differing_in_case(self.key(dataset.path)):
            text = f"ICAT has {other.location} (id {other.id}), the disk {dataset.path}: they differ in case only"
            return _unknown(dataset, text)
        if self.catalogue.gaps:
            return _unknown(dataset, *self.catalogue.gaps)
        return self.told_before(self.absent(dataset))

    def absent(self, dataset: DiskDataset) -> Dataset:
        """Return a dataset that ICAT does not list, by what lies on disk."""
        if message := self.stored.get(dataset.path):
            return self.not_uploaded(dataset, message)
        if refused := self.refused_message(dataset):
            return _unknown(dataset, refused)
        return self.not_in_icat(dataset)

    def told_before(self, verdict: Dataset) -> Dataset:
        """Return a verdict with what the journal says of messages about it."""
        journal, icat_id = self.around.sent, verdict.icat_id
        if journal is None:
            return verdict
        if sent := journal.registration(verdict.path) if icat_id is None else journal.files(icat_id):
            return self.waiting(verdict, sent)
        if rejection := journal.rejection(verdict.path) if icat_id is None else journal.files_rejection(icat_id):
            return structs.replace(verdict, reasons=(rejection, *verdict.reasons))
        return verdict

    def waiting(self, verdict: Dataset, sent: Sent) -> Dataset:
        """Return a verdict as it is after a message: pending, or as it was once that took too long (promises.md 5)."""
        if self.around.now - sent.at < self.around.pending_timeout:
            return structs.replace(verdict, status=Status.PENDING, reasons=(sent.reason,))
        reasons = (f"{sent.reason}, not in ICAT", *verdict.reasons)
        return structs.replace(verdict, reasons=reasons, sent=sent.reason)

    def refused_message(self, dataset: DiskDataset) -> str:
        """Return why nobody knows whether BLISS left a message for a dataset; empty where that is known."""
        file = f"{self.stored_path}/{posixpath.basename(dataset.path)}.xml"
        for path in (self.stored_path, file):
            if trouble := self.disk.unlisted.get(path):
                return f"what BLISS left for it is not known: {trouble.text}"
        return ""

    def registered(self, dataset: DiskDataset, rows: list[CatalogueDataset]) -> Dataset:
        """Return a dataset that ICAT has, in whatever investigation of the proposal and beamline."""
        row = max(rows, key=lambda row: (row.investigation == self.fit.id, _file_count(row) > 0, row.id))
        status, reasons = Status.REGISTERED, []
        if row.investigation != self.fit.id:
            reasons.append(f"in investigation {row.investigation}, not {self.fit.id}")
        if len(rows) > 1:
            reasons.append("registered more than once: ids " + ", ".join(str(row.id) for row in rows))
        if row.file_count is None:
            reasons.append("file count unknown")
        if max(map(_file_count, rows)) == 0:
            if dataset.entries:
                status = Status.REGISTERED_WITHOUT_FILES
            elif dataset.entries is None:
                status = Status.UNKNOWN
                reasons.append(dataset.trouble.text if dataset.trouble else "the directory was not looked into")
            else:
                reasons.append("no files on disk either")
        verdict = Dataset(
            path=dataset.path,
            collection=dataset.collection,
            name=dataset.name,
            status=status,
            reasons=tuple(reasons),
            icat_id=row.id,
            investigation=row.investigation,
            file_count=row.file_count,
        )
        return self.told_before(verdict) if status == Status.REGISTERED_WITHOUT_FILES else verdict

    def not_uploaded(self, dataset: DiskDataset, message: StoredMessage) -> Dataset:
        """Return a dataset that BLISS left a usable message for."""
        return Dataset(
            path=dataset.path,
            collection=dataset.collection,
            name=dataset.name,
            status=Status.NOT_UPLOADED,
            reasons=timeslot.outside_reasons(message.start, message.end, self.fit.start, self.fit.end),
            start=message.start,
            end=message.end,
            sample=message.sample,
            stored=message.path,
        )

    def not_in_icat(self, dataset: DiskDataset) -> Dataset:
        """Return a dataset that nobody has told ICAT of: judged by what it says of itself."""
        reasons: list[str] = []
        if unusable := self.unusable.get(posixpath.basename(dataset.path)):
            reasons.append(f"metadata file can't be used: {unusable}")
        if dataset.trouble and dataset.trouble.kind == TroubleKind.UNKNOWN:
            return _unknown(dataset, *reasons, dataset.trouble.text)
        if not dataset.read:
            return _unknown(dataset, *reasons, "the dataset was not read")
        metadata = dataset.metadata
        status, why = Status.UNREGISTERED, ""
        if metadata is None:
            status, why = Status.INVALID, dataset.trouble.text if dataset.trouble else "it has no metadata"
        elif odd := NOT_XML.search(dataset.path) or NOT_XML.search(metadata.sample):
            status, why = Status.INVALID, f"its path or sample has a character that no message can carry: {odd[0]!a}"
        if undated := self.undated(dataset):
            return _unknown(dataset, *reasons, undated)
        if progress := self.progress(dataset):
            status = Status.IN_PROGRESS
            reasons.append(progress)
        if why:
            reasons.append(why)
        if metadata:
            reasons += timeslot.outside_reasons(metadata.start, metadata.end, self.fit.start, self.fit.end)
        return Dataset(
            path=dataset.path,
            collection=dataset.collection,
            name=dataset.name,
            status=status,
            reasons=tuple(reasons),
            start=metadata.start if metadata else None,
            end=metadata.end if metadata else None,
            sample=metadata.sample if metadata else None,
            parameters=metadata.parameters if metadata else {},
        )

    def undated(self, dataset: DiskDataset) -> str:
        """Return why nobody knows whether BLISS may still be at a dataset; empty where that is known."""
        if dataset.modified is None or (dataset.metadata and dataset.file_modified is None):
            return dataset.trouble.text if dataset.trouble else "when it was changed could not be looked at"
        if self.ongoing and not self.all_dated and dataset.modified == self.newest:
            return "it may be the newest of a session that is not over: others could not be looked at"
        return ""

    def progress(self, dataset: DiskDataset) -> str:
        """Return why BLISS may still be at a dataset; empty where it is not."""
        if self.ongoing and dataset.modified == self.newest:
            return "the newest of a session that is not over"
        if dataset.open_scan:
            return "its last scan has no end: it is running, or its writer died"
        changed = max(dataset.modified or 0, dataset.file_modified or 0) / NANOSECONDS
        if self.around.now.timestamp() - changed < self.around.settle_time.total_seconds():
            return f"changed less than {self.around.settle_time} ago"
        return ""

    def missing_on_disk(self) -> list[Dataset]:
        """Return what ICAT has in this session and the disk has not, as far as listings can tell."""
        if self.directory.raw_path not in self.disk.listed:
            return []
        raw = self.key(self.directory.raw_path)
        listed = {self.key(path) for path in self.disk.listed}
        present = {self.key(dataset.path) for dataset in self.disk.datasets} | listed
        present.update(self.key(path) for path in self.disk.unlisted)
        folded = {key.casefold() for key in present}
        missing = []
        for key, rows in self.listed.by_key.items():
            row = next((row for row in rows if row.acquisition), None)
            if row is None or not key.startswith(f"{raw}/") or not self._absent(key, raw, listed, present):
                continue
            if key.casefold() in folded:
                continue  # said of the dataset on disk
            missing.append(
                Dataset(
                    path=row.location,
                    collection=posixpath.dirname(key.removeprefix(f"{raw}/")),
                    name=row.name or None,
                    status=Status.MISSING_ON_DISK,
                    icat_id=row.id,
                    investigation=row.investigation,
                )
            )
        return missing

    def _absent(self, key: str, raw: str, listed: set[str], present: set[str]) -> bool:
        """Return whether a listing shows that a location is not there: its own directory's, or one further up."""
        collection, *below = key.removeprefix(f"{raw}/").split("/")
        if not is_collection(collection, self.directory.format) or any(name.startswith(".") for name in below):
            return False  # such directories are passed over
        while key not in present:
            key = posixpath.dirname(key)
            if key in listed:
                return True
            if not key.startswith(f"{raw}/"):
                return False
        return False
