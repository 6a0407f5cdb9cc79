"""Tests of the status of a dataset: the rules of interface.md, "Status of a dataset", one by one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import Struct, structs

from icat_tui.domain.comparison import DEAD_WRITER, compare
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.matching import (
    CatalogueSession,
    stored_by_path,
)
from icat_tui.domain.model import (
    LAST_MOMENT,
    NANOSECONDS,
    NO_HISTORY,
    DiskDataset,
    DiskSession,
    Fit,
    MessageHistory,
    Metadata,
    PartialMetadata,
    SentMessage,
    Stamp,
    StoredMessage,
    Trouble,
    TroubleKind,
)
from icat_tui.domain.status import Category, Status
from icat_tui.domain.surroundings import Surroundings
from tests.support.comparison import (
    COLLECTION,
    DAY,
    DURING,
    FIT,
    GAP,
    HOUR,
    INVALID,
    OPEN_ENDED,
    RAW,
    REFUSED,
    SESSION,
    catalogue_of,
    disk_of,
    invalid,
    judged,
    message,
    nanoseconds,
    on_disk,
    only,
    read,
    row,
    statuses,
)
from tests.support.names import HOSTILE_NAMES
from tests.support.samples import NOW
from tests.support.time_slot import END, FACILITY, START

# -- registered ------------------------------------------------------------------------------------------------------


def test_what_icat_has_by_location_is_registered_whatever_its_name() -> None:
    known = structs.replace(row(number=5), name="another name")
    dataset = only(judged(disk_of(on_disk()), catalogue_of(known)))
    assert (dataset.status, dataset.icat_id, dataset.investigation, dataset.reasons) == (Status.REGISTERED, 5, 7, ())


def test_what_icat_has_elsewhere_is_registered_and_says_where() -> None:
    dataset = only(judged(disk_of(on_disk()), catalogue_of(row(investigation=3))))
    assert (dataset.status, dataset.investigation) == (Status.REGISTERED, 3)
    assert dataset.reasons == ("in investigation 3, not 7",)


@pytest.mark.parametrize(
    "location",
    [
        "/mnt/nfs/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_0001",
        "/data/visitor/hg333/ID99/20231019/RAW_DATA/colA/colA_0001",
        "/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_0001/",
        "/data//visitor/hg333/id99/20231019/RAW_DATA/other/../colA/colA_0001",
    ],
)
def test_mount_point_and_spelling_of_the_beamline_make_no_other_location(location: str) -> None:
    assert only(judged(disk_of(on_disk()), catalogue_of(row(location=location)))).status == Status.REGISTERED


@pytest.mark.parametrize(
    "location",
    [
        "/data/visitor/HG333/id99/20231019/RAW_DATA/colA/colA_0001",
        "/data/visitor/hg333/id99/20231019/RAW_DATA/cola/colA_0001",
        "/data/visitor/hg333/id99/20231019/raw_data/colA/COLA_0001",
    ],
)
@pytest.mark.parametrize("dataset", [read(), invalid()])
def test_a_location_that_differs_in_case_only_is_unknown_with_both_paths(location: str, dataset: DiskDataset) -> None:
    session = judged(disk_of(dataset, stored=(message(),)), catalogue_of(row(location=location)))
    found = only(session)  # and not also missing on disk
    assert found.status == Status.UNKNOWN
    assert location in found.reasons[0]
    assert dataset.path in found.reasons[0]
    assert found.reasons[0].endswith("they differ in case only")


@pytest.mark.parametrize(
    ("known", "count", "status", "reasons"),
    [
        ({"entries": True}, 0, Status.REGISTERED_WITHOUT_FILES, ()),
        ({"entries": False}, 0, Status.REGISTERED, ("no files on disk either",)),
        ({"entries": None, "trouble": REFUSED}, 0, Status.UNKNOWN, ("Permission denied",)),
        ({"entries": None}, 0, Status.UNKNOWN, ("the directory was not looked into",)),
        ({}, None, Status.REGISTERED, ("file count unknown",)),
        ({}, 1, Status.REGISTERED, ()),
    ],
)
def test_files_are_counted_against_the_directory_only_where_icat_counts_none(
    known: dict[str, Any], count: int | None, status: Status, reasons: tuple[str, ...]
) -> None:
    dataset = only(judged(disk_of(on_disk(**known)), catalogue_of(row(file_count=count))))
    assert (dataset.status, dataset.reasons, dataset.file_count) == (status, reasons, count)


@pytest.mark.parametrize(
    ("counts", "status", "chosen"),
    [
        ((0, 1), Status.REGISTERED, 2),
        ((1, 0), Status.REGISTERED, 1),
        ((0, None), Status.REGISTERED, 2),
        ((0, 0), Status.REGISTERED_WITHOUT_FILES, 2),
    ],
)
def test_of_what_is_registered_twice_the_one_with_files_counts(
    counts: tuple[int | None, ...], status: Status, chosen: int
) -> None:
    rows = [row(number=number, file_count=count) for number, count in enumerate(counts, 1)]
    dataset = only(judged(disk_of(on_disk(entries=True)), catalogue_of(*rows)))
    assert (dataset.status, dataset.icat_id) == (status, chosen)
    assert "registered more than once: ids 1, 2" in dataset.reasons


def test_of_what_is_registered_twice_the_one_in_the_sessions_investigation_is_shown() -> None:
    dataset = only(judged(disk_of(on_disk()), catalogue_of(row(number=1), row(number=2, investigation=3))))
    assert (dataset.icat_id, dataset.investigation) == (1, 7)
    assert not any("in investigation" in reason for reason in dataset.reasons)


# -- what BLISS left -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", [on_disk(), read(), invalid(), read(open_scan=True)])
def test_a_usable_message_makes_not_uploaded_whatever_the_file_says(dataset: DiskDataset) -> None:
    found = only(judged(disk_of(dataset, stored=(message(),)), catalogue_of()))
    assert (found.status, found.reasons, found.sample) == (Status.NOT_UPLOADED, (), "sB")
    assert (found.start, found.end) == (START + 3 * HOUR, START + 4 * HOUR)
    assert found.stored == f"{RAW}/__icat__/colA_0001.xml"


def test_what_icat_has_is_registered_though_a_message_was_left() -> None:
    assert only(judged(disk_of(on_disk(), stored=(message(),)), catalogue_of(row()))).status == Status.REGISTERED


@pytest.mark.parametrize("spelled", [{"proposal": "HG333"}, {"beamline": "ID99"}])
def test_a_message_may_spell_proposal_and_beamline_as_it_likes(spelled: dict[str, str]) -> None:
    session = judged(disk_of(read(), stored=(message(**spelled),)), catalogue_of())
    assert only(session).status == Status.NOT_UPLOADED


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (message(proposal="ma1"), "it is of proposal ma1"),
        (message(beamline="id00"), "it is of beamline id00"),
        (message(location=f"{COLLECTION}/colA_0009"), f"it is of {COLLECTION}/colA_0009"),
    ],
)
def test_a_message_that_contradicts_its_place_is_a_reason_on_the_dataset_of_its_name(
    stored: StoredMessage, reason: str
) -> None:
    found = only(judged(disk_of(read(), stored=(stored,)), catalogue_of()))
    assert (found.status, found.stored) == (Status.UNREGISTERED, None)
    assert found.reasons == (f"metadata file can't be used: {reason}",)


def test_a_message_that_is_none_is_a_reason_on_the_dataset_of_its_name() -> None:
    disk = disk_of(invalid(), read("0002"), stored_trouble={"colA_0001": "not well-formed XML"})
    first, second = judged(disk, catalogue_of()).datasets
    assert first.status == Status.INVALID
    assert first.reasons == ("metadata file can't be used: not well-formed XML", INVALID.text)
    assert second.reasons == ()


def test_a_message_belongs_to_the_dataset_that_it_names_and_not_to_another_of_the_same_file_name() -> None:
    one, other = (
        structs.replace(read(), path=f"{RAW}/{collection}/a_b_c", collection=collection) for collection in ("a", "a_b")
    )
    stored = message(file="a_b_c", location=f"{RAW}/a_b/a_b_c")
    assert stored_by_path(SESSION, disk_of(one, other, stored=(stored,)), FACILITY) == {other.path: stored}
    session = judged(disk_of(one, other, stored=(stored,)), catalogue_of())
    assert statuses(session) == {"a/a_b_c": Status.UNREGISTERED, "a_b/a_b_c": Status.NOT_UPLOADED}
    assert session.datasets[0].reasons == ()


@pytest.mark.parametrize("refused", ["__icat__", "__icat__/colA_0001.xml"])
@pytest.mark.parametrize("dataset", [read(), invalid(), read(open_scan=True)])
def test_a_message_that_the_system_refuses_leaves_open_what_its_dataset_is(refused: str, dataset: DiskDataset) -> None:
    found = statuses(judged(disk_of(dataset, unlisted={f"{RAW}/{refused}": REFUSED}), catalogue_of()))
    assert found["colA/colA_0001"] == Status.UNKNOWN
    assert found[refused] == Status.UNKNOWN


def test_a_message_that_the_system_refuses_says_nothing_of_other_datasets() -> None:
    disk = disk_of(on_disk(), read("0002"), unlisted={f"{RAW}/__icat__/colA_0001.xml": REFUSED})
    found = statuses(judged(disk, catalogue_of(row())))
    assert found["colA/colA_0001"] == Status.REGISTERED
    assert found["colA/colA_0002"] == Status.UNREGISTERED


# -- what is not in ICAT ---------------------------------------------------------------------------------------------


def test_what_has_all_it_takes_is_unregistered() -> None:
    parameters = {"MX_scan": "1"}
    found = only(
        judged(disk_of(read(metadata=Metadata(START + HOUR, END, "sA", parameters))), catalogue_of()),
    )
    assert (found.status, found.reasons, found.sample) == (Status.UNREGISTERED, (), "sA")
    assert (found.start, found.end, found.parameters) == (START + HOUR, END, parameters)


@pytest.mark.parametrize(
    ("dataset", "status", "reason"),
    [
        (invalid(), Status.INVALID, INVALID.text),
        (read(metadata=None), Status.INVALID, "it has no metadata"),
        (read(metadata=None, trouble=REFUSED), Status.UNKNOWN, REFUSED.text),
        (on_disk(), Status.UNKNOWN, "the dataset was not read"),
        (read(modified=None), Status.UNKNOWN, "when it was changed could not be looked at"),
        (read(file_modified=None), Status.UNKNOWN, "when it was changed could not be looked at"),
        (invalid(modified=None), Status.UNKNOWN, INVALID.text),
        (invalid(file_modified=None), Status.INVALID, INVALID.text),
    ],
)
def test_what_says_no_is_invalid_and_what_nobody_could_read_is_unknown(
    dataset: DiskDataset, status: Status, reason: str
) -> None:
    found = only(judged(disk_of(dataset), catalogue_of()))
    assert (found.status, found.reasons) == (status, (reason,))


@pytest.mark.parametrize("sample", ["\x00", "caf\udce9", "\ufffe", "\x1b[31m"])
def test_what_no_message_can_carry_is_invalid(sample: str) -> None:
    dataset = read(metadata=Metadata(START + HOUR, START + 2 * HOUR, sample))
    assert only(judged(disk_of(dataset), catalogue_of())).status == Status.INVALID


def test_a_path_that_no_message_can_carry_is_invalid() -> None:
    found = only(judged(disk_of(read("caf\udce9")), catalogue_of()))
    assert found.status == Status.INVALID
    assert "\\udce9" in found.reasons[0]


@pytest.mark.parametrize(
    ("stored", "reasons"),
    [
        ((), ("started 1:00:00 before the start of the session", "ended 2:00:00 after the end of the session")),
        ((message(end=END + HOUR),), ("ended 1:00:00 after the end of the session",)),
    ],
)
def test_how_a_dataset_lies_outside_its_time_slot_is_said(
    stored: tuple[StoredMessage, ...], reasons: tuple[str, ...]
) -> None:
    dataset = read(metadata=Metadata(START - HOUR, END + 2 * HOUR, "sA"))
    assert only(judged(disk_of(dataset, stored=stored), catalogue_of())).reasons == reasons


@pytest.mark.parametrize("stored", [(), (message(start=NOW + 2 * DAY, end=NOW + 3 * DAY),)])
def test_times_in_the_future_are_said_where_the_time_slot_has_no_end(stored: tuple[StoredMessage, ...]) -> None:
    dataset = read(metadata=Metadata(NOW + 2 * DAY, NOW + 3 * DAY, "sA"))
    assert only(judged(disk_of(dataset, stored=stored), catalogue_of(fit=OPEN_ENDED))).reasons == (
        f"started in the future, at {NOW + 2 * DAY}",
        f"ended in the future, at {NOW + 3 * DAY}",
    )


# -- in progress -----------------------------------------------------------------------------------------------------


def changed(ago: timedelta, now: datetime = NOW) -> int:
    return nanoseconds(now - ago)


@pytest.mark.parametrize(
    ("known", "in_progress"),
    [
        ({}, False),
        ({"open_scan": True}, False),
        ({"open_scan": True, "file_modified": changed(2 * DAY)}, True),
        ({"open_scan": True, "file_modified": changed(2 * DAY + timedelta(seconds=1))}, False),
        ({"open_scan": True, "modified": changed(2 * HOUR)}, False),
        ({"open_scan": True, "file_modified": changed(-HOUR), "first_seen": (NOW - 2 * DAY).timestamp()}, True),
        ({"open_scan": True, "file_modified": changed(-HOUR), "first_seen": (NOW - 3 * DAY).timestamp()}, False),
        ({"modified": changed(HOUR)}, False),
        ({"modified": changed(HOUR - timedelta(seconds=1))}, True),
        ({"file_modified": changed(HOUR)}, False),
        ({"file_modified": changed(HOUR - timedelta(seconds=1))}, True),
        ({"modified": changed(-6 * HOUR), "first_seen": NOW.timestamp()}, True),
        ({"modified": changed(-6 * HOUR), "first_seen": NOW.timestamp() - 3599}, True),
        ({"modified": changed(-6 * HOUR), "first_seen": NOW.timestamp() - 3600}, False),
        ({"file_modified": changed(-400 * DAY), "first_seen": NOW.timestamp()}, True),
        ({"modified": -(1 << 80), "file_modified": -(1 << 80)}, False),
        ({"modified": 1 << 80, "first_seen": NOW.timestamp()}, True),
        ({"modified": 1 << 80, "first_seen": NOW.timestamp() - 3600}, False),
    ],
)
@pytest.mark.parametrize("metadata", [Metadata(START + HOUR, START + 2 * HOUR, "sA"), None])
def test_what_bliss_may_still_be_at_is_in_progress(
    known: dict[str, Any], in_progress: bool, metadata: Metadata | None
) -> None:
    trouble = None if metadata else INVALID
    found = only(judged(disk_of(read(metadata=metadata, trouble=trouble, **known)), catalogue_of()))
    otherwise = Status.UNREGISTERED if metadata else Status.INVALID
    assert found.status == (Status.IN_PROGRESS if in_progress else otherwise)
    assert (INVALID.text in found.reasons) == (metadata is None)
    died = DEAD_WRITER in found.reasons
    assert died == ("open_scan" in known and not in_progress and metadata is not None)
    assert len(found.reasons) == in_progress + died + (metadata is None)


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(0), "changed 0 min ago"),
        (timedelta(minutes=40, seconds=59), "changed 40 min ago"),
        (timedelta(minutes=119, seconds=59), "changed 119 min ago"),
        (timedelta(hours=2), "changed 2 h ago"),
        (timedelta(hours=71, minutes=59), "changed 71 h ago"),
    ],
)
def test_how_long_ago_it_changed_is_told(age: timedelta, reason: str) -> None:
    around = Surroundings(facility=FACILITY, now=NOW, settle_time=timedelta(days=3))
    disk = disk_of(read(modified=changed(age)))
    assert only(compare(SESSION, disk, catalogue_of(), around)).reasons == (reason,)


@pytest.mark.parametrize(("now", "status"), [(DURING, Status.IN_PROGRESS), (NOW, Status.UNREGISTERED)])
def test_an_open_scan_of_an_ongoing_session_is_running_however_old_it_is(now: datetime, status: Status) -> None:
    old, newest = nanoseconds(START - 9 * DAY), read("0002", modified=nanoseconds(START), file_modified=0)
    disk = disk_of(read(open_scan=True, modified=old, file_modified=old), newest)
    assert judged(disk, catalogue_of(), now).datasets[0].status == status


@pytest.mark.parametrize(
    ("known", "in_progress"),
    [
        ({}, False),
        ({"modified": changed(HOUR)}, False),
        ({"modified": changed(HOUR - timedelta(seconds=1))}, True),
        ({"content_modified": changed(HOUR)}, False),
        ({"content_modified": changed(HOUR - timedelta(seconds=1))}, True),
        ({"content_modified": changed(-HOUR), "first_seen": NOW.timestamp()}, True),
    ],
)
def test_files_that_are_still_copied_are_not_counted_yet(known: dict[str, Any], in_progress: bool) -> None:
    disk = disk_of(on_disk(entries=True, **known))
    found = only(judged(disk, catalogue_of(row(file_count=0))))
    assert found.status == (Status.IN_PROGRESS if in_progress else Status.REGISTERED_WITHOUT_FILES)
    assert len(found.reasons) == in_progress
    assert found.icat_id == 1


def test_what_is_known_of_an_invalid_dataset_is_kept() -> None:
    partial = PartialMetadata(START, None, "sA")
    found = only(judged(disk_of(invalid(partial=partial, open_scan=True)), catalogue_of()))
    assert (found.status, found.start, found.end, found.sample) == (Status.INVALID, START, None, "sA")
    assert found.reasons == (DEAD_WRITER, INVALID.text)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (nanoseconds(NOW + timedelta(days=400)), "changed in the future, at 2027-03-07 08:00"),
        (LAST_MOMENT * NANOSECONDS, "changed in the future, at 9999-12-31 00:59"),
        ((LAST_MOMENT + 1) * NANOSECONDS, "changed at a time that is out of range"),
        (nanoseconds(datetime.max.replace(tzinfo=UTC)), "changed at a time that is out of range"),
        (1 << 80, "changed at a time that is out of range"),
    ],
)
def test_a_time_that_can_not_be_is_told(changed: int, reason: str) -> None:
    disk = disk_of(read(modified=changed, first_seen=NOW.timestamp()))
    assert only(judged(disk, catalogue_of())).reasons == (reason,)


def test_what_is_odd_about_metadata_is_told() -> None:
    found = only(judged(disk_of(read(doubt="file_time is after its end")), catalogue_of()))
    assert (found.status, found.reasons) == (Status.UNREGISTERED, ("file_time is after its end",))


def test_settle_time_is_a_setting() -> None:
    disk = disk_of(read(modified=changed(timedelta(minutes=5))))
    around = Surroundings(facility=FACILITY, now=NOW, settle_time=timedelta(minutes=4))
    assert only(compare(SESSION, disk, catalogue_of(), around)).status == Status.UNREGISTERED


@pytest.mark.parametrize(
    ("fit", "now", "last_change", "ongoing"),
    [
        (FIT, START - 2 * DAY, START, True),
        (FIT, START - 2 * DAY - HOUR, START, False),
        (FIT, END + 2 * DAY - HOUR, START, True),
        (FIT, END + 2 * DAY, END + 2 * DAY, False),
        (OPEN_ENDED, NOW, NOW - 2 * DAY, True),
        (OPEN_ENDED, NOW, NOW - 2 * DAY - HOUR, False),
        (OPEN_ENDED, NOW, NOW + 9 * DAY, True),
        (OPEN_ENDED, NOW, datetime.max.replace(tzinfo=UTC), True),
    ],
)
def test_the_newest_of_an_ongoing_session_is_in_progress_and_no_other(
    fit: Fit, now: datetime, last_change: datetime, ongoing: bool
) -> None:
    before = nanoseconds(START - 30 * DAY)
    datasets = [read(f"000{number}", modified=before + number, file_modified=before) for number in (1, 2)]
    fingerprint = {RAW: Stamp(1, nanoseconds(last_change), 0, 2, 0), f"{RAW}/colA": None}
    session = judged(disk_of(*datasets, fingerprint=fingerprint), catalogue_of(fit=fit), now)
    newest = Status.IN_PROGRESS if ongoing else Status.UNREGISTERED
    assert statuses(session) == {"colA/colA_0001": Status.UNREGISTERED, "colA/colA_0002": newest}


@pytest.mark.parametrize(
    ("newest", "status", "stored"),
    [
        (on_disk("0002", modified=nanoseconds(DURING)), Status.REGISTERED, ()),
        (on_disk("0002", modified=nanoseconds(DURING)), Status.NOT_UPLOADED, (message("0002"),)),
    ],
)
def test_the_newest_is_sought_among_all_and_only_what_would_be_offered_or_invalid_is_in_progress(
    newest: DiskDataset, status: Status, stored: tuple[StoredMessage, ...]
) -> None:
    rows = [row("0002")] if status == Status.REGISTERED else []
    session = judged(disk_of(read(), newest, stored=stored), catalogue_of(*rows), DURING + 3 * HOUR)
    assert statuses(session) == {"colA/colA_0001": Status.UNREGISTERED, "colA/colA_0002": status}


@pytest.mark.parametrize("lost", ["a dataset", "a collection"])
def test_the_newest_is_not_known_while_others_can_not_be_looked_at(lost: str) -> None:
    datasets = [read("0001"), read("0002", modified=nanoseconds(START + 3 * HOUR))]
    unlisted = {}
    if lost == "a dataset":
        datasets.append(on_disk("0003"))
    else:
        unlisted[f"{RAW}/colB"] = REFUSED
    session = judged(disk_of(*datasets, unlisted=unlisted), catalogue_of(row("0003")), DURING)
    found = statuses(session)
    assert found["colA/colA_0001"] == Status.UNREGISTERED
    assert found["colA/colA_0002"] == Status.UNKNOWN


# -- missing on disk -------------------------------------------------------------------------------------------------


def missing(disk: DiskSession, *locations: str, **known: Any) -> list[str]:
    rows = [row(number=number, location=location, **known) for number, location in enumerate(locations, 1)]
    session = judged(disk, catalogue_of(*rows))
    return [dataset.path for dataset in session.datasets if dataset.status == Status.MISSING_ON_DISK]


def test_what_a_listing_does_not_hold_is_missing_on_disk() -> None:
    gone = [f"{COLLECTION}/colA_0002", f"{RAW}/colB/colB_0001", f"{RAW}/colC"]
    assert missing(disk_of(on_disk()), f"{COLLECTION}/colA_0001", *gone) == gone


def test_what_is_missing_keeps_what_icat_says_of_it() -> None:
    session = judged(disk_of(), catalogue_of(row(number=5, location=f"{RAW}/colB/colB_0001", investigation=3)))
    dataset = only(session)
    assert (dataset.icat_id, dataset.investigation, dataset.collection, dataset.name) == (5, 3, "colB", "0001")


@pytest.mark.parametrize(
    "location",
    [
        f"{SESSION.path}/PROCESSED_DATA/colA/colA_0002",
        f"{RAW}",
        f"{RAW}/__icat__/colA_0002",
        f"{RAW}/.snapshot/colA_0002",
        f"{COLLECTION}/.colA_0002",
        f"{COLLECTION}",
        f"{COLLECTION}/colA_0001/deeper",
        f"{RAW}/refused/refused_0001",
        f"{RAW}/refused",
        f"{RAW}/COLA/colA_0001",
        "/data/visitor/hg333/id99/20231020/RAW_DATA/colA/colA_0002",
        "/data/visitor/hg334/id99/20231019/RAW_DATA/colA/colA_0002",
    ],
)
def test_what_no_listing_can_tell_of_is_not_missing(location: str) -> None:
    assert missing(disk_of(on_disk(), unlisted={f"{RAW}/refused": REFUSED}), location) == []


def test_processed_data_is_never_missing() -> None:
    assert missing(disk_of(on_disk()), f"{COLLECTION}/colA_0002", acquisition=False) == []


def test_an_acquisition_is_missing_also_where_processed_data_has_its_location() -> None:
    rows = [row("0002", number=1, acquisition=False), row("0002", number=2)]
    dataset = only(judged(disk_of(), catalogue_of(*rows)))
    assert (dataset.status, dataset.icat_id) == (Status.MISSING_ON_DISK, 2)


@pytest.mark.parametrize("trouble", [REFUSED, Trouble(TroubleKind.INVALID, "no RAW_DATA directory")])
def test_nothing_is_missing_where_the_raw_directory_was_not_listed(trouble: Trouble) -> None:
    assert missing(disk_of(listed=(), trouble=trouble), f"{COLLECTION}/colA_0001") == []


def test_what_lies_deep_is_missing_by_the_listing_of_the_directory_above_it() -> None:
    directory = structs.replace(SESSION, format=RawFormat.MX)
    listed = (RAW, f"{RAW}/s", f"{RAW}/s/run_01")
    rows = [row(number=1, location=f"{RAW}/s/run_01/a"), row(number=2, location=f"{RAW}/s/run_02/a/b")]
    session = compare(directory, disk_of(listed=listed), catalogue_of(*rows), Surroundings(facility=FACILITY, now=NOW))
    assert [dataset.icat_id for dataset in session.datasets] == [1, 2]
    assert session.category == Category.EMPTY


# -- what was sent ---------------------------------------------------------------------------------------------------


class SentBefore(Struct, frozen=True):
    """What a journal says of dataset 0001, which ICAT knows as 1 if at all."""

    registered: SentMessage | None = None
    filled: SentMessage | None = None
    refusal: str = ""
    files_refusal: str = ""
    doubt: str = ""
    trouble: str = ""

    def registration(self, path: str, location: str) -> MessageHistory:
        if path != on_disk().path or location != path:
            return NO_HISTORY
        return MessageHistory(pending=self.registered, rejection=self.refusal, doubt=self.doubt, trouble=self.trouble)

    def files(self, icat_id: int, path: str, location: str) -> MessageHistory:
        if icat_id != 1 or path != on_disk().path or location != path:
            return NO_HISTORY
        return MessageHistory(pending=self.filled, rejection=self.files_refusal)


def sent(ago: timedelta) -> SentMessage:
    return SentMessage(NOW - ago, "sent by ana")


EMPTY_IN_ICAT = catalogue_of(row(file_count=0))


def test_what_was_set_aside_takes_a_confirmation_of_its_own_once() -> None:
    found = only(judged(disk_of(read()), catalogue_of(), sent=SentBefore(doubt="it may have been sent")))
    assert (found.status, found.sent, found.reasons) == (
        Status.UNREGISTERED,
        "it may have been sent",
        ("it may have been sent",),
    )
    before = SentBefore(registered=sent(DAY), doubt="it may have been sent")
    overdue = only(judged(disk_of(read()), catalogue_of(), sent=before))
    assert "it may have been sent" not in overdue.reasons
    assert overdue.sent


def test_a_damaged_journal_leaves_open_what_would_be_offered_and_nothing_else() -> None:
    damaged = SentBefore(trouble="the journal is damaged here")
    found = only(judged(disk_of(read()), catalogue_of(), sent=damaged))
    assert (found.status, found.reasons) == (Status.UNKNOWN, ("the journal is damaged here",))
    assert only(judged(disk_of(invalid()), catalogue_of(), sent=damaged)).status == Status.INVALID


@pytest.mark.parametrize(
    ("dataset", "catalogue", "before"),
    [
        (read(), catalogue_of(), SentBefore(registered=sent(HOUR))),
        (invalid(), catalogue_of(), SentBefore(registered=sent(HOUR))),
        (on_disk(entries=True), EMPTY_IN_ICAT, SentBefore(filled=sent(HOUR))),
    ],
)
def test_what_was_sent_and_icat_does_not_show_is_pending(
    dataset: DiskDataset, catalogue: CatalogueSession, before: SentBefore
) -> None:
    found = only(judged(disk_of(dataset), catalogue, sent=before))
    assert (found.status, found.reasons) == (Status.PENDING, ("sent by ana",))


@pytest.mark.parametrize(
    ("dataset", "catalogue", "before", "status"),
    [
        (read(), catalogue_of(), SentBefore(registered=sent(DAY)), Status.UNREGISTERED),
        (invalid(), catalogue_of(), SentBefore(registered=sent(DAY)), Status.INVALID),
        (on_disk(entries=True), EMPTY_IN_ICAT, SentBefore(filled=sent(DAY)), Status.REGISTERED_WITHOUT_FILES),
    ],
)
def test_what_was_pending_too_long_is_what_it_was_and_says_that_it_was_sent(
    dataset: DiskDataset, catalogue: CatalogueSession, before: SentBefore, status: Status
) -> None:
    plain = only(judged(disk_of(dataset), catalogue))
    found = only(judged(disk_of(dataset), catalogue, sent=before))
    assert found.status == plain.status == status
    assert found.reasons == ("sent by ana, not in ICAT", *plain.reasons)
    assert found.sent == "sent by ana"


@pytest.mark.parametrize(
    ("dataset", "catalogue", "before"),
    [
        (read(), catalogue_of(), SentBefore(refusal="rejected: too large")),
        (invalid(), catalogue_of(), SentBefore(refusal="rejected: too large")),
        (on_disk(entries=True), EMPTY_IN_ICAT, SentBefore(files_refusal="rejected: too large")),
    ],
)
def test_what_the_broker_rejected_can_be_sent_again_and_says_why_it_was_not_taken(
    dataset: DiskDataset, catalogue: CatalogueSession, before: SentBefore
) -> None:
    plain = only(judged(disk_of(dataset), catalogue))
    found = only(judged(disk_of(dataset), catalogue, sent=before))
    assert (found.status, found.reasons) == (plain.status, ("rejected: too large", *plain.reasons))


def test_what_icat_shows_is_registered_whatever_was_sent() -> None:
    before = SentBefore(registered=sent(HOUR), filled=sent(HOUR))
    found = only(judged(disk_of(on_disk()), catalogue_of(row()), sent=before))
    assert (found.status, found.reasons) == (Status.REGISTERED, ())


def test_what_nobody_could_tell_stays_unknown_whatever_was_sent() -> None:
    before = SentBefore(registered=sent(HOUR))
    assert only(judged(disk_of(read()), catalogue_of(gaps=(GAP,)), sent=before)).status == Status.UNKNOWN


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_matched_exactly(name: str) -> None:
    assert only(judged(disk_of(on_disk(name)), catalogue_of(row(name)))).status == Status.REGISTERED
    session = judged(disk_of(read(name)), catalogue_of(row(f"{name}.")))
    assert sorted(statuses(session).values()) in (["missing_on_disk", "unregistered"], ["invalid", "missing_on_disk"])
