"""What the corpus of dataset messages is made from: arguments of one message by the name of the case.

Read by the test and, in the environment of pyicat-plus, by make_corpus.py: the standard library only.
"""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

SUMMER = timezone(timedelta(hours=2))
START = datetime(2023, 10, 20, 1, 0, 0, 123456, tzinfo=SUMMER)
SESSION = "/data/visitor/hg333/id99/20231019/RAW_DATA"
PLAIN: dict[str, Any] = {
    "beamline": "ID99",
    "proposal": "HG333",
    "dataset": "0001",
    "path": f"{SESSION}/colA/colA_0001",
    "metadata": {
        "Sample_name": "sA",
        "startDate": START,
        "endDate": START + timedelta(hours=4),
        "machine": "lid99ctrl1",
        "software": "example_v1",
    },
}

METADATA: dict[str, dict[str, Any]] = {
    "investigation id": {"investigationId": 42},
    "incomplete": {"complete": False},
    "complete as text": {"complete": "true"},
    "complete as a capital word": {"complete": "True"},
    "complete as a number": {"complete": 1},
    "complete is not a truth": {"complete": "gar\"ba'ge"},
    "times in UTC": {"startDate": START.astimezone(UTC), "endDate": START.astimezone(UTC)},
    "times without a fraction": {"startDate": START.replace(microsecond=0), "endDate": START.replace(microsecond=0)},
    "times with milliseconds": {"startDate": START.replace(microsecond=500_000), "endDate": START},
    "naive times": {"startDate": START.replace(tzinfo=None), "endDate": START.replace(tzinfo=None, microsecond=0)},
    "times west of Greenwich": {"startDate": START.astimezone(timezone(-timedelta(hours=3, minutes=30)))},
    "times as text": {"startDate": "2023-10-20T01:00:00.5+02:00", "endDate": "2023-10-20T05:00:00Z"},
    "times with nanoseconds": {"startDate": "2023-10-20T01:00:00.123456789+02:00", "endDate": "2023-10-20T05:00:00Z"},
    "times with a space": {"startDate": "2023-10-20 01:00:00", "endDate": "2023-10-20 05:00:00.25+02:00"},
    "times inside blanks": {"startDate": " 2023-10-20T01:00:00.5000 "},
    "a date for a time": {"endDate": "2023-10-20"},
    "seconds since the epoch": {"endDate": 1_700_000_000},
    "no time at all": {"startDate": "garbage"},
    "a day that is not": {"startDate": "2023-02-30T01:00:00"},
    "integer": {"scanNumber": 7, "InstrumentDetector01_rank": 3},
    "float": {"InstrumentSlitPrimary_vertical_gap": 1.5, "SAXS_waveLength": 1e-10},
    "number as text": {"InstrumentSlitPrimary_vertical_gap": "1.50", "scanNumber": "7"},
    "not a number": {"InstrumentSlitPrimary_vertical_gap": float("nan")},
    "infinite": {"InstrumentSlitPrimary_vertical_gap": float("inf")},
    "decimal": {"InstrumentSlitPrimary_vertical_gap": Decimal("1.10"), "foo": Decimal("1.10")},
    "text where a number belongs": {"SAXS_waveLength": "short", "scanNumber": "x"},
    "numeric array": {"InstrumentMonochromatorCrystal_d_spacing": 3.1, "Sample_temperature": [10.0, 10.1]},
    "positioners": {"InstrumentPositioners_name": ["sx", "sy"], "InstrumentPositioners_value": [1.5, -2]},
    "positioners as text": {"InstrumentPositioners_name": "sx sy", "InstrumentPositioners_value": "1.5 -2"},
    "attenuators": {"InstrumentAttenuator01Positioners_value": [10.0, 10.1, 10.2]},
    "technique": {"definition": "XRF"},
    "two techniques": {"definition": ["XRF", "SAXS"]},
    "technique nobody knows": {"definition": "XRF TELEPATHY"},
    "users of a DOI": {"DOI_users": [["Doe", "Jane"], ["Roe", "Richard"]], "DOI_abstract": "<b>&amp;</b>"},
    "input datasets": {"input_datasets": [f"{SESSION}/colA/../colA/colA_0001/", f"/gpfs/easy{SESSION}/colB/colB_0001"]},
    "unknown fields": {"zeta": 1, "alpha": "b", "Sample_nickname": True},
    "unknown between known": {"Sample_description": "d", "alpha": 1, "scanNumber": 2},
    "unknown values": {
        "integer": 7, "float": 0.1, "large": 1e300, "true": True, "bytes": "é".encode(), "null": None, "empty": "",
        "list": [1, 2], "texts": ["a", "b c"], "tuple": (1.5, None, 2.5), "nested": [["a", "b"], ["c"]],
        "empty list": [], "time": START, "times": [START, START], "complex": 1j,
    },
    "dictionary": {"foo": {"a": 1}},
    "three deep": {"foo": [[[1]]]},
    "mixed types": {"foo": [1, "a"]},
    "invalid and unknown": {"InstrumentSlitPrimary_vertical_gap": "wide", "foo": "bar", "scanNumber": 3},
    "known field with a list for a number": {"scanNumber": [1, 2]},
    "known text with a number": {"Sample_description": 5},
    "null": {"Sample_description": None, "machine": None},
    "comment": {"comment": "a comment"},
    "notes": {"Notes_note_00": "first", "scanType": "continuous"},
    "deprecated": {"DOI_users": "a,b;c,d", "SAXS_definition": "SAXS"},
}  # fmt: skip

HOSTILE = {
    "markup": '<a href="x">&amp;\'</a>]]>',
    "brackets": "[x] a[b]c [/x]",
    "shell": "$(reboot);`id`|a\\b",
    "cell": "=cmd()",
    "blanks": "  two  words ",
    "tabulator": "a\tb",
    "line break": "a\nb",
    "carriage return": "a\rb",
    "bidi": "\u202egnp.exe\u2066",
    "accents": "éß漢字",
    "beyond the plane": "\U0001f600",
    "separators": "a,b c;d",
    "next line": "a\x85b\u2028c",
    "delete": "a\x7fb",
}

CONFLICTS: dict[str, dict[str, Any]] = {
    "dataset in both": {"metadata": {"datasetName": "0002"}},
    "all in both and equal": {
        "metadata": {"proposal": "hg333", "beamlineID": "Id99", "datasetName": "0001", "location": PLAIN["path"] + "/"}
    },
    "all in both and different": {
        "metadata": {"proposal": "hg334", "beamlineID": "id98", "datasetName": "2", "location": "/data/other"}
    },
    "all in the metadata": {
        "beamline": None, "proposal": None, "dataset": None, "path": None,
        "metadata": {"proposal": "HG333", "beamlineID": "ID99", "datasetName": "0001", "location": PLAIN["path"]},
    },
    "empty arguments": {
        "beamline": "", "proposal": "", "dataset": "",
        "metadata": {"proposal": "HG333", "beamlineID": "ID99", "datasetName": "0001"},
    },
    "no proposal": {"proposal": None},
    "no beamline": {"beamline": None},
    "no dataset": {"dataset": None},
    "no path": {"path": None},
    "no sample": {"metadata": {"Sample_name": None}},
    "empty sample": {"metadata": {"Sample_name": ""}},
}  # fmt: skip

PATHS = {
    "a mount point": f"/gpfs/easy{SESSION}/colA/../colA/colA_0001/",
    "an in-house mount point": "/mnt/multipath-shares/data/id21/inhouse/blc15801/id21/20250201/raw/foo/foo_0001",
    "two marks": "/tmp/data/visitor/x/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_0001",
    "a mark inside the session": "/lsbram/visitor/hg333/id99/20231019/RAW_DATA/data/data_0001",
    "no mark": "/lsbram/id21/inhouse/blc15801/id21/20250201/raw/foo/foo_0001",
    "no session": "/mnt/data/somewhere/else",
    "a beamline in capitals": "/data/visitor/ls3333/ID16B/20230210/raw/sample/sample_ds1",
    "a beamline with another directory": "/data/visitor/mx1/id23eh1/20231019/RAW_DATA/a/a_1",
    "two slashes": f"/data//visitor{SESSION.removeprefix('/data/visitor')}/colA//colA_0001",
    "blanks": f"{SESSION}/a b/a b_0001",
    "markup": f"{SESSION}/a&b/a&b_0001",
    "a relative path": "colA/colA_0001",
    "the first schema": "/data/visitor/hg123/id00/20210311/sample/sample_0001",
    "mx": "/data/visitor/mx2500/id23eh1/20240115/RAW_DATA/ins/ins-x1/run_01/run_01_01_datacollection",
}


def _case(**changes: Any) -> dict[str, Any]:
    metadata = PLAIN["metadata"] | changes.pop("metadata", {})
    return PLAIN | changes | {"metadata": metadata}


CASES: dict[str, dict[str, Any]] = (
    {"plain": PLAIN}
    | {f"metadata: {name}": _case(metadata=metadata) for name, metadata in METADATA.items()}
    | {f"sample: {name}": _case(metadata={"Sample_name": text}) for name, text in HOSTILE.items()}
    | {f"unknown: {name}": _case(metadata={"foo": text, f"Foo_{name}": text}) for name, text in HOSTILE.items()}
    | {f"dataset: {name}": _case(dataset=text, proposal=f"{text}É") for name, text in HOSTILE.items()}
    | {f"arguments: {name}": _case(**changes) for name, changes in CONFLICTS.items()}
    | {f"path: {name}": _case(path=path) for name, path in PATHS.items()}
)
