"""Datasets that ICAT has, with the names of pyicat-plus, and an investigation as its dictionary."""

from typing import Any, Self

from msgspec import Struct, structs

from icat_tui.domain.facility import Facility
from icat_tui.domain.model import CatalogueDataset, Investigation


class DatasetId(Struct, frozen=True):
    """Name and location of a dataset."""

    name: str
    """The name of its directory, whole; pyicat-plus 3.1 cuts it at its last dot."""
    path: str
    """Its location, as ICAT has it."""

    @classmethod
    def from_path(cls, path: object) -> Self:
        """Return the id of the dataset at a location."""
        location = str(path)
        return cls(location.rstrip("/").rsplit("/", 1)[-1], location)


class DatasetMetadata(Struct, frozen=True):
    """Metadata of a dataset in ICAT."""

    file_count: int | None
    """None: ICAT does not say, which is not 0 (icat.md, "Known faults", D25)."""


class RegisteredDataset(Struct, frozen=True):
    """Dataset that ICAT has."""

    dataset_id: DatasetId
    icat_dataset_id: int
    dataset_metadata: DatasetMetadata

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as dictionaries."""
        return {
            "dataset_id": structs.asdict(self.dataset_id),
            "icat_dataset_id": self.icat_dataset_id,
            "dataset_metadata": structs.asdict(self.dataset_metadata),
        }


def registered_dataset(row: CatalogueDataset) -> RegisteredDataset:
    """Return a dataset of the catalogue as scripts for pyicat-plus have it."""
    return RegisteredDataset(DatasetId.from_path(row.location), row.id, DatasetMetadata(row.file_count))


def investigation_dictionary(found: Investigation, facility: Facility) -> dict[str, Any]:
    """Return an investigation as pyicat-plus does, texts as ICAT+ spelled them."""
    described = dict(found.described)
    info: dict[str, Any] = {"proposal": found.name, "beamline": described.pop("beamline", None), "id": found.id}
    page = facility.investigation_url(found.id)
    return info | described | {"e-logbook": page.replace("/datasets", "/logbook"), "data portal": page}
