"""Sample data of acquisitions: the files in a dataset directory, master files and stored messages.

The files have the content that programs read (icat.md, "Raw data formats", "File layout", "Dataset XML"), and no more.
What must stay true: they depend on the dataset's `OnDisk` and not on its status, which is unknown here.
"""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

from msgspec import Struct

from icat_tui.domain.formats import MX_METADATA, RawFormat
from icat_tui.sandbox.cases import OnDisk, StoredState

CREATOR = "blissdata"
FIRST_BYTES = 700
"""Size of a truncated HDF5 file in bytes: its signature and not much more."""


class Acquisition(Struct, frozen=True, kw_only=True):
    """Metadata of a dataset as its acquisition knows them."""

    proposal: str
    beamline: str
    collection: str
    directory: str
    """Path below its collection."""
    location: str
    """Its directory as it is sent to ICAT."""
    sample: str
    start: datetime
    end: datetime
    format: RawFormat
    disk: OnDisk

    @property
    def file_name(self) -> str:
        """Name of the metadata file (icat.md, "Raw data formats")."""
        name = Path(self.directory).name
        if self.format == RawFormat.MX:
            return MX_METADATA
        if self.format == RawFormat.ID16BSPEC:
            return f"{self.proposal}-{self.collection}-{name.removeprefix(f'{self.collection}_')}.h5"
        return f"{name}.h5"


def write_acquisition(directory: Path, acquisition: Acquisition) -> Path | None:
    """Write the file of a dataset into its directory, which exists; return its path, None where there is none."""
    path = directory / acquisition.file_name
    match acquisition.disk:
        case OnDisk.EMPTY | OnDisk.GONE:
            return None
        case OnDisk.NO_FILE:
            path = directory / "notes.txt"
            path.write_text("The shutter stayed closed.\n")
            return path
    if acquisition.format == RawFormat.MX:
        _write_mx(path, acquisition)
    else:
        _write_hdf5(path, acquisition)
    return path


def write_master(path: Path, datasets: Iterable[Path]) -> None:
    """Write the master file of a collection, which links to the scans of its datasets (icat.md, "File layout")."""
    import h5py  # noqa: PLC0415 -- late: it takes longer to import than the rest of the program

    with h5py.File(path, "w") as file:
        for dataset in datasets:
            # As bytes: a name that is not UTF-8 can't be given as text.
            name = os.fsencode(f"{dataset.stem}_1.1")
            file[name] = h5py.ExternalLink(f"{dataset.parent.name}/{dataset.name}", "/1.1")


def stored_message(acquisition: Acquisition, stored: StoredState) -> str:
    """Return the message that BLISS stored in `__icat__`: XML on one line (icat.md, "Dataset XML")."""
    proposal = "other1" if stored == StoredState.FOREIGN else acquisition.proposal
    parameters = {
        "Sample_name": acquisition.sample,
        "beamlineID": acquisition.beamline,
        "datasetName": acquisition.directory.removeprefix(f"{acquisition.collection}_"),
        "proposal": proposal,
        "location": acquisition.location,
        "startDate": acquisition.start.isoformat(),
        "endDate": acquisition.end.isoformat(),
    }
    of_dataset = {
        "investigation": proposal,
        "instrument": acquisition.beamline,
        "name": parameters["datasetName"],
        "location": acquisition.location,
        "startDate": parameters["startDate"],
        "endDate": parameters["endDate"],
    }
    elements = [f"<tns:{name}>{escape(text)}</tns:{name}>" for name, text in of_dataset.items()]
    elements.append(f"<tns:sample><tns:name>{escape(acquisition.sample)}</tns:name></tns:sample>")
    elements += [
        f"<tns:parameter><tns:name>{name}</tns:name><tns:value>{escape(text)}</tns:value></tns:parameter>"
        for name, text in parameters.items()
    ]
    message = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<tns:dataset xmlns:tns="http://www.esrf.fr/icat" complete="true">{"".join(elements)}</tns:dataset>'
    )
    return message[: len(message) // 2] if stored == StoredState.BROKEN else message


def _write_hdf5(path: Path, acquisition: Acquisition) -> None:
    """Write two scans; for id16bspec write one group, without the attributes of BLISS."""
    import h5py  # noqa: PLC0415 -- late, as above

    disk, middle = acquisition.disk, acquisition.start + (acquisition.end - acquisition.start) / 2
    bliss = acquisition.format != RawFormat.ID16BSPEC
    times = (acquisition.start, middle, acquisition.end) if bliss else (acquisition.start, acquisition.end)
    with h5py.File(path, "w") as file:
        if bliss:
            file.attrs["NX_class"] = "NXroot"
            file.attrs["creator"] = "somebody" if disk == OnDisk.NOT_BLISS else CREATOR
            file.attrs["file_time"] = acquisition.start.isoformat()
        for number, (start, end) in enumerate(pairwise(times), 1):
            if disk == OnDisk.DANGLING_LINKS:
                file[f"{number}.1"] = h5py.ExternalLink(f"scan{number:04d}/bliss_master.h5", f"/{number}.1")
                continue
            scan = file.create_group(f"{number}.1")
            scan.attrs["NX_class"] = "NXentry"
            scan["title"] = "ascan samx 0 1 10 0.1"
            scan["start_time"] = start.isoformat()
            if disk != OnDisk.NO_END and not (disk == OnDisk.OPEN_SCAN and number == len(times) - 1):
                scan["end_time"] = end.isoformat()
            if bliss and disk != OnDisk.NO_SAMPLE:
                scan["sample/name"] = acquisition.sample
    if disk == OnDisk.TRUNCATED:
        path.write_bytes(path.read_bytes()[:FIRST_BYTES])


def _write_mx(path: Path, acquisition: Acquisition) -> None:
    fields = {
        "Sample_name": acquisition.sample,
        "startDate": acquisition.start.isoformat(),
        "endDate": acquisition.end.isoformat(),
        "MX_numberOfImages": 3600,
        "MX_comments": None,
    }
    absent = {OnDisk.NO_SAMPLE: "Sample_name", OnDisk.NO_END: "endDate"}.get(acquisition.disk)
    text = json.dumps({name: value for name, value in fields.items() if name != absent})
    path.write_text(text[: len(text) // 2] if acquisition.disk == OnDisk.TRUNCATED else text)
