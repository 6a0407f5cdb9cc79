"""Dataset files and stored messages like those of BLISS, with what registering them needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py

from icat_tui.domain.formats import RawFormat, dataset_name
from icat_tui.domain.model import DiskDataset, SessionDirectory

FILE_TIME = "2023-10-20T01:00:00.123456+02:00"
END = "2023-10-20T05:00:00.500000+02:00"

Scan = Mapping[str, Any]
ENDED: Scan = {"start_time": FILE_TIME, "end_time": END, "sample/name": "sA"}


def write_bliss(path: Path, scans: Mapping[str, Scan] | None = None, **attributes: Any) -> Path:
    """Write a dataset file; an attribute that is None is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, value in {"creator": "Bliss", "file_time": FILE_TIME, **attributes}.items():
            if value is not None:
                file.attrs[name] = value
        for name, scan in ({"1.1": ENDED} if scans is None else scans).items():
            group = file.create_group(name)
            for place, value in scan.items():
                group[place] = value
    return path


def dataset_at(session: SessionDirectory, place: str) -> DiskDataset:
    """Return a dataset that was listed at `<collection>/<directory>`, but not read."""
    collection, directory = place.rsplit("/", 1)
    name = dataset_name(collection.rsplit("/", 1)[-1], directory, session.format)
    return DiskDataset(path=f"{session.raw_path}/{place}", collection=collection, name=name)


def file_of(session: SessionDirectory, place: str = "colA/colA_0001") -> Path:
    """Return the path of the metadata file of `<collection>/<directory>`."""
    directory = Path(session.raw_path, place)
    if session.format == RawFormat.MX:
        return directory / "metadata.json"
    return directory / f"{directory.name}.h5"


STORED_MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>\
<tns:dataset xmlns:tns="http://www.esrf.fr/icat" complete="true">\
<tns:investigation>{proposal}</tns:investigation><tns:instrument>{beamline}</tns:instrument><tns:name>{name}</tns:name>\
<tns:location>{location}</tns:location><tns:startDate>2023-10-20T01:00:00.123456+02:00</tns:startDate>\
<tns:endDate>2023-10-20T05:00:00+02:00</tns:endDate><tns:sample><tns:name>{sample}</tns:name></tns:sample>\
<tns:parameter><tns:name>Sample_name</tns:name><tns:value>{sample}</tns:value></tns:parameter></tns:dataset>"""
"""Message as BLISS leaves it in `__icat__` (icat.md, "Sample messages")."""


def stored_message(
    location: str | Path, *, proposal: str = "hg333", beamline: str = "id99", name: str = "0001", sample: str = "sA"
) -> str:
    """Return a stored message about the dataset at a location."""
    return STORED_MESSAGE.format(location=location, proposal=proposal, beamline=beamline, name=name, sample=sample)
