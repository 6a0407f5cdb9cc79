"""Functions that read a dataset and return the expected part of the result."""

from icat_tui.disk.metadata import read_datasets
from icat_tui.domain.model import DiskDataset, Metadata, SessionDirectory, TroubleKind
from tests.support.bliss import dataset_at

NOW = 1_700_000_000.0
PLACE = "colA/colA_0001"


def read(session: SessionDirectory, place: str = PLACE) -> DiskDataset:
    (dataset,) = read_datasets(session, [dataset_at(session, place)], NOW, "Europe/Paris")
    assert dataset.read
    assert (dataset.metadata is None) is (dataset.trouble is not None)
    return dataset


def metadata(session: SessionDirectory, place: str = PLACE) -> Metadata:
    dataset = read(session, place)
    assert dataset.metadata, dataset.trouble
    return dataset.metadata


def trouble(session: SessionDirectory, place: str = PLACE) -> tuple[TroubleKind, str]:
    dataset = read(session, place)
    assert dataset.trouble, dataset.metadata
    return dataset.trouble.kind, dataset.trouble.text


def invalid(session: SessionDirectory, place: str = PLACE) -> str:
    kind, text = trouble(session, place)
    assert kind == TroubleKind.INVALID, text
    return text


def unknown(session: SessionDirectory, place: str = PLACE) -> str:
    kind, text = trouble(session, place)
    assert kind == TroubleKind.UNKNOWN, text
    return text
