"""Sessions written to a data root: empty, with datasets of BLISS or MX, with messages."""

import json
from pathlib import Path

from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from tests.support.bliss import stored_message, write_bliss
from tests.support.catalogue_in_memory import CatalogueInMemory
from tests.support.modification_times import settle
from tests.support.time_slot import START


def session_at(
    root: Path, proposal: str = "hg333", date: str = "20231019", raw_format: RawFormat = RawFormat.ESRFV3
) -> SessionDirectory:
    """Make the directories of a session at id99."""
    path = root / proposal / "id99" / date
    directory = SessionDirectory(str(path), proposal, "id99", date, raw_format)
    Path(directory.raw_path).mkdir(parents=True)
    return directory


def add_mx(directory: SessionDirectory, *names: str, collection: str = "colA") -> list[str]:
    """Add datasets that have what it takes and need no HDF5 to be read; return their paths."""
    paths = [f"{directory.raw_path}/{collection}/{name}" for name in names]
    fields = {"Sample_name": "sA", "startDate": START.isoformat(), "endDate": START.isoformat()}
    for path in paths:
        Path(path).mkdir(parents=True)
        Path(path, "metadata.json").write_text(json.dumps(fields))
    settle(directory.path)
    return paths


def add_bliss(directory: SessionDirectory, *names: str, collection: str = "colA") -> list[str]:
    """Add datasets of BLISS, `<collection>_<name>`; return their paths."""
    paths = [f"{directory.raw_path}/{collection}/{collection}_{name}" for name in names]
    for path in paths:
        write_bliss(Path(path, f"{path.rpartition('/')[2]}.h5"))
    settle(directory.path)
    return paths


def add_message(directory: SessionDirectory, path: str) -> None:
    """Leave a message about the dataset at a path."""
    stored = Path(directory.raw_path, "__icat__")
    stored.mkdir(exist_ok=True)
    told = stored_message(path, proposal=directory.proposal)
    (stored / f"{path.rpartition('/')[2]}.xml").write_text(told)
    settle(directory.path)


def several(root: Path, catalogue: CatalogueInMemory, number: int = 5) -> list[SessionDirectory]:
    """Make sessions of as many proposals, each with a registered and an unregistered dataset."""
    directories = [session_at(root, f"hg{place}", raw_format=RawFormat.MX) for place in range(number)]
    for place, directory in enumerate(directories, 1):
        paths = add_mx(directory, "0001", "0002")
        catalogue.tell(directory, paths[0], investigation=place)
    return directories


def make_raw_directories(root: Path, *places: str) -> None:
    for place in places:
        (root / place / "RAW_DATA").mkdir(parents=True)
