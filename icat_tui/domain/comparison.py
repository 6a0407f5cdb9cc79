"""Comparison of disk and catalogue of one session (interface.md, "Status of a dataset").

Pure: a `Session` is computed from what was read and what ICAT answered. What must stay true: an outage is never
"missing". Wherever an answer or a listing has a gap, everything that depends on it is `unknown`, with the reason
(promises.md 1).
"""

import math
import posixpath
from collections.abc import Sequence
from datetime import datetime

from msgspec import structs

from icat_tui.domain import timeslot
from icat_tui.domain.formats import (
    NOT_XML,
    STORED_DIRECTORY,
    folded_key,
    is_collection,
    location_key,
    spelling_difference,
)
from icat_tui.domain.matching import CatalogueSession, disagreement_with, file_count_of, session_key, stored_by_path
from icat_tui.domain.model import (
    LAST_MOMENT,
    NANOSECONDS,
    CatalogueDataset,
    Dataset,
    DiskDataset,
    DiskSession,
    Fit,
    ForeignRow,
    LastListed,
    SentMessage,
    Session,
    SessionDirectory,
    StoredMessage,
    TroubleKind,
    last_change,
    moment,
)
from icat_tui.domain.regression import reason_of
from icat_tui.domain.status import ACTIONABLE, Category, Status
from icat_tui.domain.surroundings import Surroundings

DEAD_WRITER = "the last scan has no end: its writer died"
WRITER_LIVES = 2 * 24 * 3600.0
"""Seconds after its last change in which a file whose last scan has no end may still be written."""
CLOCKS_DIFFER = 3600.0
"""Seconds by which a time may lie after the beginning of the run without being odd: clocks differ, runs take long."""
MINUTE = 60
"""Seconds; an hour has as many minutes."""
LONG = 120
"""Minutes from which on a time is told in hours."""


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
    elif fit is None:  # not_in_icat: its datasets are not compared
        prefix, length = session_key(directory, around.facility), len(directory.path)
        last = ((dataset, catalogue.earlier.get(prefix + dataset.path[length:])) for dataset in disk.datasets)
        datasets = [_regressed(dataset, listed, around) for dataset, listed in last if listed]
    else:
        comparison = _Comparison(directory, disk, catalogue, fit, around)
        on_disk = map(comparison.compare_dataset, disk.datasets)
        datasets = [*on_disk, *comparison.missing_on_disk(), *_unlisted(directory, disk)]
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
    """Return the first category that holds (interface.md, "Category of a session")."""
    fit = catalogue.fit
    if not catalogue.trouble and fit is None:
        return Category.NOT_IN_ICAT
    if fit is not None and statuses.intersection(ACTIONABLE):
        return Category.TODO_ONGOING if timeslot.is_todo_ongoing(fit, now) else Category.TODO
    if fit is not None and Status.IN_PROGRESS in statuses and timeslot.is_written_late(fit, now, last_change(disk)):
        return Category.TODO_ONGOING  # nobody else will register it: restored data, files that arrive late
    return _category_at_rest(disk, catalogue, statuses)


def _category_at_rest(disk: DiskSession, catalogue: CatalogueSession, statuses: set[Status]) -> Category:
    if catalogue.trouble or _refused(disk) or Status.UNKNOWN in statuses:
        return Category.UNKNOWN
    if Status.INVALID in statuses:
        return Category.HAS_INVALID
    if statuses.intersection((Status.REGISTERED, Status.PENDING, Status.IN_PROGRESS)):
        return Category.OK
    return Category.EMPTY


def _refused(disk: DiskSession) -> bool:
    """Return whether the system refused to list the raw directory."""
    return disk.trouble is not None and disk.trouble.kind == TroubleKind.UNKNOWN


def _unknown(dataset: DiskDataset, *reasons: str) -> Dataset:
    return Dataset(
        path=dataset.path, collection=dataset.collection, name=dataset.name, status=Status.UNKNOWN, reasons=reasons
    )


def _regressed(dataset: DiskDataset, last: LastListed, around: Surroundings) -> Dataset:
    """Return a dataset that ICAT listed, and does not now."""
    unknown = _unknown(dataset, reason_of(last, around.facility.zone))
    return structs.replace(unknown, last_listed=structs.replace(last, gone=True))


def _unlisted(directory: SessionDirectory, disk: DiskSession) -> list[Dataset]:
    """Return an `unknown` entry for each directory or stored message that the system refused."""
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
    """Comparison of one session, with the values that all of its datasets need computed once."""

    def __init__(
        self,
        directory: SessionDirectory,
        disk: DiskSession,
        catalogue: CatalogueSession,
        fit: Fit,
        around: Surroundings,
    ) -> None:
        self.directory, self.disk, self.catalogue, self.fit, self.around = directory, disk, catalogue, fit, around
        self.listed, self.elsewhere = catalogue.listed, catalogue.elsewhere
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
        """Return why a stored message is not usable, by the name of the dataset directory it is named after."""
        facility = self.around.facility
        on_disk = {self.key(dataset.path) for dataset in self.disk.datasets}
        reasons = dict(self.disk.stored_trouble)
        for message in self.disk.stored:
            stem = posixpath.basename(message.path).removesuffix(".xml")
            if disagreement := disagreement_with(self.directory, message, facility):
                reasons[stem] = disagreement
            elif location_key(message.location, facility) not in on_disk:
                reasons[stem] = f"it is of {message.location}"
        return reasons

    def compare_dataset(self, dataset: DiskDataset) -> Dataset:
        """Return a dataset on disk with its status, and with its last sight in ICAT where it is not known now."""
        key = self.key(dataset.path)
        compared = self.with_status(dataset, key)
        if compared.status == Status.UNKNOWN and compared.icat_id is None and compared.last_listed is None:
            return structs.replace(compared, last_listed=self.last_listed(key))
        return compared

    def last_listed(self, key: str) -> LastListed | None:
        """Return when an earlier run saw a dataset in ICAT; None where none did."""
        last = self.catalogue.earlier.get(key)
        return last and structs.replace(last, gone=False)

    def with_status(self, dataset: DiskDataset, key: str) -> Dataset:
        """Return a dataset on disk with its status: the first that holds."""
        if rows := self.catalogue.rows_of(key, dataset.path):
            return self.registered(dataset, rows)
        if foreign := self.elsewhere.foreign.get(dataset.path):
            return self.foreign(dataset, foreign)
        return self.unclear(dataset, key) or self.with_sent_messages(dataset, self.with_move(self.not_listed(dataset)))

    def unclear(self, dataset: DiskDataset, key: str) -> Dataset | None:
        """Return a dataset as `unknown` where ICAT may have it all the same; None where ICAT has not."""
        if other := self.listed.spelled_otherwise(key):
            difference = spelling_difference(location_key(other.location, self.around.facility), key)
            text = (
                f"ICAT has {other.location} (id {other.id}), the disk {dataset.path}: they differ in {difference} only"
            )
            return _unknown(dataset, text)
        if self.catalogue.gaps:
            return _unknown(dataset, *self.catalogue.gaps)
        if unclear := self.elsewhere.unclear.get(dataset.path):
            return _unknown(dataset, f"it may be in ICAT under another name: {unclear}")
        if (last := self.last_listed(key) or self.seen_by_journal(dataset)) and not self.sent_since(dataset, last):
            return _regressed(dataset, last, self.around)
        return None

    def not_listed(self, dataset: DiskDataset) -> Dataset:
        """Return a dataset that ICAT does not list, with the status that the disk gives it."""
        if message := self.stored.get(dataset.path):
            return self.not_uploaded(dataset, message)
        if refused := self.refused_message_reason(dataset):
            return _unknown(dataset, refused)
        return self.by_metadata(dataset)

    def seen_by_journal(self, dataset: DiskDataset) -> LastListed | None:
        """Return when ICAT showed what was sent about a dataset, by the journal; None where it did not."""
        if self.around.sent is None:
            return None
        location = self.disk.location_of(dataset, self.directory.raw_path)
        return self.around.sent.registration(dataset.path, location).seen

    def sent_since(self, dataset: DiskDataset, last: LastListed) -> bool:
        """Return whether a message about a dataset went out after it was last seen in ICAT."""
        if self.around.sent is None:
            return False
        location = self.disk.location_of(dataset, self.directory.raw_path)
        pending = self.around.sent.registration(dataset.path, location).pending
        return pending is not None and pending.at > last.at

    def with_move(self, compared: Dataset) -> Dataset:
        """Return a dataset with the reason where it looks moved here from a location that ICAT has."""
        moved = self.elsewhere.moved.get(compared.path)
        if moved is None:
            return compared
        reason = (
            f"looks moved: ICAT has {moved.location} (id {moved.id}), which is not on disk any more, "
            "with the same times and sample"
        )
        return structs.replace(compared, reasons=(reason, *compared.reasons), moved=reason)

    def foreign(self, dataset: DiskDataset, row: ForeignRow) -> Dataset:
        """Return a dataset that ICAT has in an investigation of another proposal or beamline."""
        where = f"(id {row.id}, investigation {row.investigation})"
        return Dataset(
            path=dataset.path,
            collection=dataset.collection,
            name=dataset.name,
            status=Status.REGISTERED,
            reasons=(f"ICAT has it under {row.proposal} on {row.beamline} {where}",),
            icat_id=row.id,
            investigation=row.investigation,
            file_count=row.file_count,
        )

    def with_sent_messages(self, dataset: DiskDataset, compared: Dataset) -> Dataset:
        """Return a dataset with the effect of messages in the journal on its status and reasons."""
        journal, path, icat_id = self.around.sent, dataset.path, compared.icat_id
        location = self.disk.location_of(dataset, self.directory.raw_path)
        compared = structs.replace(compared, location=location)
        if journal is None:
            return compared
        history = journal.registration(path, location) if icat_id is None else journal.files(icat_id, path, location)
        if history.pending:
            compared = self.pending_or_overdue(compared, history.pending)
        elif history.rejection:
            compared = structs.replace(compared, reasons=(history.rejection, *compared.reasons))
        if history.doubt and not compared.sent:
            compared = structs.replace(compared, reasons=(history.doubt, *compared.reasons), sent=history.doubt)
        if history.trouble and compared.status in ACTIONABLE:
            return _unknown(dataset, history.trouble)
        return compared

    def pending_or_overdue(self, compared: Dataset, sent: SentMessage) -> Dataset:
        """Return a dataset as `pending`, or with its status after `pending_timeout` (promises.md 5)."""
        if self.around.now - sent.at < self.around.pending_timeout:
            return structs.replace(compared, status=Status.PENDING, reasons=(sent.reason,))
        reasons = (f"{sent.reason}, not in ICAT", *compared.reasons)
        return structs.replace(compared, reasons=reasons, sent=sent.reason)

    def refused_message_reason(self, dataset: DiskDataset) -> str:
        """Return why it is not known whether a dataset has a stored message; empty where it is known."""
        file = f"{self.stored_path}/{posixpath.basename(dataset.path)}.xml"
        for path in (self.stored_path, file):
            if trouble := self.disk.unlisted.get(path):
                return f"what BLISS left for it is not known: {trouble.text}"
        return ""

    def registered(self, dataset: DiskDataset, rows: Sequence[CatalogueDataset]) -> Dataset:
        """Return a dataset that ICAT has, in any investigation of the proposal and beamline."""
        row = max(rows, key=lambda row: (row.investigation == self.fit.id, file_count_of(row) > 0, row.id))
        status, reasons = Status.REGISTERED, []
        if row is self.elsewhere.same.get(dataset.path):
            reasons.append(f"ICAT has it as {row.location} (id {row.id}), which is the same directory")
        if row.investigation != self.fit.id:
            reasons.append(f"in investigation {row.investigation}, not {self.fit.id}")
        if len(rows) > 1:
            reasons.append("registered more than once: ids " + ", ".join(str(row.id) for row in rows))
        if row.file_count is None:
            reasons.append("file count unknown")
        if max(map(file_count_of, rows)) == 0:
            if dataset.entries:
                status = Status.REGISTERED_WITHOUT_FILES
            elif dataset.entries is None:
                status = Status.UNKNOWN
                reasons.append(dataset.trouble.text if dataset.trouble else "the directory was not looked into")
            else:
                reasons.append("no files on disk either")
        compared = Dataset(
            path=dataset.path,
            collection=dataset.collection,
            name=dataset.name,
            status=status,
            reasons=tuple(reasons),
            icat_id=row.id,
            investigation=row.investigation,
            file_count=row.file_count,
        )
        return self.without_files(dataset, compared) if status == Status.REGISTERED_WITHOUT_FILES else compared

    def without_files(self, dataset: DiskDataset, compared: Dataset) -> Dataset:
        """Return a dataset that ICAT has with 0 files; while they are still copied, it would get some of them only."""
        compared = self.with_sent_messages(dataset, compared)
        recent = self.recent_change(dataset, dataset.modified, dataset.content_modified)
        if compared.status != Status.REGISTERED_WITHOUT_FILES or not recent:
            return compared
        return structs.replace(compared, status=Status.IN_PROGRESS, reasons=(recent, *compared.reasons))

    def not_uploaded(self, dataset: DiskDataset, message: StoredMessage) -> Dataset:
        """Return a dataset that has a usable stored message."""
        return Dataset(
            path=dataset.path,
            collection=dataset.collection,
            name=dataset.name,
            status=Status.NOT_UPLOADED,
            reasons=self.period_reasons(message.start, message.end),
            start=message.start,
            end=message.end,
            sample=message.sample,
            stored=message.path,
        )

    def period_reasons(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """Return what is odd about the times of a dataset, in words."""
        outside = timeslot.outside_reasons(start, end, self.fit.start, self.fit.end)
        return outside + timeslot.future_reasons(start, end, self.around.now)

    def by_metadata(self, dataset: DiskDataset) -> Dataset:
        """Return a dataset without a row in ICAT or a stored message, with the status that its metadata gives it."""
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
        if undated := self.undated_reason(dataset):
            return _unknown(dataset, *reasons, undated)
        if progress := self.progress_reason(dataset):
            status = Status.IN_PROGRESS
            reasons.append(progress)
        elif dataset.open_scan and (metadata or dataset.partial.start):  # else the file was not read, and says why
            reasons.append(DEAD_WRITER)
        reasons += [text for text in (why, dataset.doubt) if text]
        if metadata:
            reasons += self.period_reasons(metadata.start, metadata.end)
        known = metadata or dataset.partial
        return Dataset(
            path=dataset.path,
            collection=dataset.collection,
            name=dataset.name,
            status=status,
            reasons=tuple(reasons),
            start=known.start,
            end=known.end,
            sample=known.sample,
            parameters=metadata.parameters if metadata else {},
        )

    def undated_reason(self, dataset: DiskDataset) -> str:
        """Return why it is not known whether a dataset may still be written; empty where it is known."""
        if dataset.modified is None or (dataset.metadata and dataset.file_modified is None):
            return dataset.trouble.text if dataset.trouble else "when it was changed could not be looked at"
        if self.ongoing and not self.all_dated and dataset.modified == self.newest:
            return "it may be the newest of a session that is not over: others could not be looked at"
        return ""

    def progress_reason(self, dataset: DiskDataset) -> str:
        """Return why a dataset may still be written (interface.md, "In progress"); empty where it is finished."""
        if self.ongoing and dataset.modified == self.newest:
            return "the newest of a session that is not over"
        if dataset.open_scan and (self.ongoing or self.age(dataset, dataset.file_modified) <= WRITER_LIVES):
            return "its last scan has no end: it may be running"
        return self.recent_change(dataset, dataset.modified, dataset.file_modified)

    def recent_change(self, dataset: DiskDataset, *times: int | None) -> str:
        """Return how long ago some of a dataset changed, if that is less than `settle_time`; else an empty text."""
        age, modified = min((self.age(dataset, each), each or 0) for each in times)
        if age >= self.around.settle_time.total_seconds():
            return ""
        changed = modified / NANOSECONDS
        if changed > LAST_MOMENT:
            return "changed at a time that is out of range"
        if changed > self.around.now.timestamp() + CLOCKS_DIFFER:
            return f"changed in the future, at {moment(changed).astimezone(self.around.facility.zone):%Y-%m-%d %H:%M}"
        minutes = max(0, int(age // MINUTE))
        return f"changed {minutes} min ago" if minutes < LONG else f"changed {minutes // MINUTE} h ago"

    def age(self, dataset: DiskDataset, modified: int | None) -> float:
        """Return the seconds since something of a dataset changed; infinite where that is not known.

        A time in the future counts as when it was first seen.
        """
        if modified is None:
            return math.inf
        now, changed = self.around.now.timestamp(), modified / NANOSECONDS
        return now - (changed if changed <= now else dataset.first_seen)

    def missing_on_disk(self) -> list[Dataset]:
        """Return the datasets that ICAT has in this session and that listings show not to be on disk."""
        if self.directory.raw_path not in self.disk.listed:
            return []
        raw = self.key(self.directory.raw_path)
        listed = {self.key(path) for path in self.disk.listed}
        present = {self.key(dataset.path) for dataset in self.disk.datasets} | listed
        present.update(self.key(path) for path in self.disk.unlisted)
        present.update(location_key(row.location, self.around.facility) for row in self.elsewhere.same.values())
        folded = {folded_key(key) for key in present}
        missing = []
        for key, rows in self.listed.by_key.items():
            row = next((row for row in rows if row.acquisition), None)
            if row is None or not key.startswith(f"{raw}/") or not self._is_absent(key, raw, listed, present):
                continue
            if folded_key(key) in folded:
                continue  # the dataset on disk has the reason: they differ in spelling only
            moved_to = self.elsewhere.moved_to.get(row.id)
            missing.append(
                Dataset(
                    path=row.location,
                    collection=posixpath.dirname(key.removeprefix(f"{raw}/")),
                    name=row.name or None,
                    status=Status.MISSING_ON_DISK,
                    reasons=(f"looks moved to {moved_to}",) if moved_to else (),
                    icat_id=row.id,
                    investigation=row.investigation,
                )
            )
        return missing

    def _is_absent(self, key: str, raw: str, listed: set[str], present: set[str]) -> bool:
        """Return whether the listing of a directory above a location shows that the location is not there."""
        collection, *below = key.removeprefix(f"{raw}/").split("/")
        if not is_collection(collection, self.directory.format) or any(name.startswith(".") for name in below):
            return False  # such directories are never listed
        while key not in present:
            key = posixpath.dirname(key)
            if key in listed:
                return True
            if not key.startswith(f"{raw}/"):
                return False
        return False
