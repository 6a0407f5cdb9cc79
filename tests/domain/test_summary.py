import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Dataset, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import SessionRow, dataset_label, entries, session_row
from tests.support.names import HOSTILE_NAMES, HOSTILE_TEXTS
from tests.support.samples import NOW, a_directory, a_session, every_status


def row_of(directory: SessionDirectory, *datasets: Dataset) -> SessionRow:
    return session_row(Session(directory=directory, category=Category.OK, datasets=datasets, seen_at=NOW))


def a_dataset(path: str, status: Status = Status.REGISTERED, sample: str | None = None) -> Dataset:
    return Dataset(path=path, collection="", name=None, status=status, sample=sample)


def test_every_dataset_comes_back_with_status_path_and_sample() -> None:
    session = every_status()
    row = session_row(session)
    back = entries(row)
    assert [(entry.status, entry.path, entry.sample) for entry in back] == [
        (dataset.status, dataset.path, dataset.sample or "") for dataset in session.datasets
    ]
    assert [dataset_label(row.directory, entry) for entry in back] == [dataset.name for dataset in session.datasets]
    assert sum(row.counts) == len(session.datasets)


def test_a_hostile_name_comes_back_as_it_is() -> None:
    directory = a_directory()
    for name in HOSTILE_NAMES:
        dataset = a_dataset(f"{directory.raw_path}/{name}/{name}_0001", sample=name)
        (entry,) = entries(row_of(directory, dataset))
        assert (entry.path, entry.collection, entry.directory) == (dataset.path, name, f"{name}_0001")


@given(st.lists(st.tuples(st.text(), st.sampled_from(HOSTILE_TEXTS), st.sampled_from(Status)), max_size=4))
def test_whatever_is_in_a_location_or_a_sample_spoils_no_other_dataset(odd: list[tuple[str, str, Status]]) -> None:
    directory = a_directory()
    last = a_dataset(f"{directory.raw_path}/col/col_0001", Status.INVALID, "sA")
    spoilt = [a_dataset(f"{directory.raw_path}/{path}", status, sample) for path, sample, status in odd]
    back = entries(row_of(directory, *spoilt, last))
    assert [entry.status for entry in back] == [status for _, _, status in odd] + [Status.INVALID]
    assert (back[-1].path, back[-1].collection, back[-1].sample) == (last.path, "col", "sA")


@pytest.mark.parametrize("raw_format", RawFormat)
def test_what_icat_has_under_another_mount_point_is_in_the_same_collection(raw_format: RawFormat) -> None:
    here = a_directory()
    directory = SessionDirectory(here.path, here.proposal, here.beamline, here.date, raw_format)
    below = directory.raw_path.removeprefix("/data/visitor/")
    location = f"/mnt/multipath/data/visitor/{below}/col/col_0002"
    (entry,) = entries(row_of(directory, a_dataset(location, Status.MISSING_ON_DISK)))
    assert (entry.path, entry.collection, entry.directory) == (location, "col", "col_0002")


def test_a_directory_that_could_not_be_listed_lies_in_no_collection() -> None:
    directory = a_directory()
    paths = (directory.raw_path, f"{directory.raw_path}/colA")
    back = entries(row_of(directory, *(a_dataset(path, Status.UNKNOWN) for path in paths)))
    assert [(entry.path, entry.collection, entry.directory) for entry in back] == [
        (paths[0], "", "RAW_DATA"),
        (paths[1], "", "colA"),
    ]


def test_a_session_that_could_not_be_determined_now_counts_as_unknown() -> None:
    assert session_row(a_session(Category.OK, ("1", Status.REGISTERED), stale=True)).category == Category.UNKNOWN
