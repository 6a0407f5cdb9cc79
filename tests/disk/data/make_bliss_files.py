"""Make the files beside this script with the writers that BLISS uses.

    python make_bliss_files.py DIRECTORY

in an environment with blisswriter 2.0.0 makes `writer2_*`, in one with blisswriter 3.0.0 `writer3_*`. They are
committed, so that the tests need neither (icat.md, "Files made by the BLISS writers").
"""

import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

START = "2023-10-20T01:00:00.123456+02:00"
ENDS = {"1.1": "2023-10-20T02:00:00.123456+02:00", "1.2": "2023-10-20T02:00:00.654321+02:00"}
LAST_END = "2023-10-20T05:00:00.123456+02:00"


def main() -> None:
    """Make the files of the writer that is installed, in the directory named on the command line."""
    os.chdir(sys.argv[1])  # the writers put the path into the file: so it is only the name
    if version("blisswriter").startswith("2."):
        write_2("writer2_ended.h5", running=False)
        write_2("writer2_running.h5", running=True)
        write_2_separate("writer2_separate.h5", "writer2_separate_scan.h5")
    else:
        write_3("writer3_ended.h5", {"1.1": ENDS["1.1"], "2.1": LAST_END})
        write_3("writer3_running.h5", {"1.1": ENDS["1.1"], "2.1": None})


# -- blisswriter 2: its io.nexus, called as its scan writer does ------------------------------------------------------


def write_2(name: str, *, running: bool) -> None:
    """Write three entries; those of the last scan are not finished where it is running."""
    nexus = import_module("blisswriter.io.nexus")

    with nexus.nxRoot(name, mode="a", locking=True, rootattrs=root_attributes()) as root:
        for entry_name in ("1.1", "1.2", "2.1"):
            entry = write_2_entry(root, entry_name, "sA" if entry_name != "2.1" else "sB")
            if entry_name != "2.1" or not running:
                nexus.updateDataset(nexus.nxNote(entry, "writer"), "status", "SUCCEEDED")
                nexus.updated(entry, final=True, parents=True)
                nexus.updateDataset(entry, "end_reason", "SUCCESS")


def write_2_entry(root: Any, name: str, sample: str) -> Any:
    """Return a new entry as it is when its scan has begun."""
    nexus = import_module("blisswriter.io.nexus")

    entry = nexus.nxEntry(root, name)
    nexus.updateDataset(nexus.nxNote(entry, "writer"), "status", "RUNNING")
    metadata = {"sample": {"@NX_class": "NXsample", "name": sample}, "title": "ascan samx 0 1 10 0.1"}
    nexus.dicttonx(metadata, entry, update_mode="modify", add_nx_class=True)
    nexus.nxCollection(entry, "measurement")["diode"] = [1.0, 2.0, 3.0]
    return entry


def write_2_separate(name: str, scan_name: str) -> None:
    """Write a file of which the scan lies in another."""
    nexus = import_module("blisswriter.io.nexus")

    with nexus.nxRoot(scan_name, mode="a", locking=True, rootattrs=root_attributes()) as root:
        nexus.updated(write_2_entry(root, "1.1", "sA"), final=True, parents=True)
    with nexus.nxRoot(name, mode="a", locking=True, rootattrs=root_attributes()) as root:
        nexus.createLink(root, "1.1", f"{scan_name}::/1.1")


def root_attributes() -> dict[str, str]:
    """Return what the scan writer of blisswriter 2 adds to the attributes of a file."""
    return {
        "creator": "blissdata",
        "create_version": version("blissdata"),
        "publisher": "bliss",
        "publisher_version": "2.2.0",
    }


# -- blisswriter 3: its ScanWriter, on a scan that is over as it begins ------------------------------------------------


def write_3(name: str, ends: dict[str, str | None]) -> None:
    """Write a file, scan after scan; those without an end are published without one."""
    for entry, end in ends.items():
        write_3_scan(name, entry, end)


def write_3_scan(name: str, entry: str, end: str | None) -> None:
    """Write one scan into a file."""
    scan_writer = import_module("blisswriter.scan_writer")
    path = str(Path(name).absolute())
    scan = SimpleNamespace(
        key=entry,
        path=path,
        info={"h5maps": {path: write_3_mapping(entry, end).model_dump()}},
        streams={},
        state=scan_writer.ScanState.CLOSED,
        update=lambda: None,
    )
    status = scan_writer.ScanWritingStatus()
    with mock.patch.object(scan_writer, "CursorGroup") as reader:
        reader.return_value.read.side_effect = scan_writer.EndOfStream
        scan_writer.ScanWriter(scan, status).run()
    if status.state != scan_writer.ScanWritingState.COMPLETE:
        raise SystemExit(f"{name}: {status.state_msg}")


def write_3_mapping(entry: str, end: str | None) -> Any:
    """Return what the acquisition publishes of a scan: the whole content of a file but its data."""
    h5map = import_module("blissdata.h5map")

    def text(value: str) -> Any:
        return h5map.Dataset(value=h5map.InlineRaw(value))

    def group(nexus_class: str, children: dict[str, Any], **attributes: str) -> Any:
        texts = {"NX_class": nexus_class, **attributes}
        return h5map.Group(attributes={key: h5map.InlineRaw(value) for key, value in texts.items()}, children=children)

    scan = {
        "title": text("loopscan 3 0.1"),
        "start_time": text(START),
        "sample": group("NXsample", {"name": text("sA")}),
    }
    if end:
        scan |= {"end_time": text(end), "end_reason": text("SUCCESS")}
    return group("NXroot", {entry: group("NXentry", scan)}, creator="blissdata", publisher="bliss")


if __name__ == "__main__":
    main()
