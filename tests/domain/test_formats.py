"""Tests of paths and names against the tables of icat.md, "Paths", and against esrf-pathlib."""

import xml.etree.ElementTree as ET
from datetime import date

import pytest
from esrf_pathlib import ESRFPath
from esrf_pathlib.errors import EsrfPathlibError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from icat_tui.domain.facility import BEAMLINE_DIRECTORIES, Facility
from icat_tui.domain.formats import (
    FORBIDDEN,
    NOT_XML,
    RawFormat,
    dataset_name,
    date_in_name,
    detect_format,
    is_collection,
    is_valid_name,
    location_key,
    metadata_file,
    other_format,
    raw_directory,
    session_date,
    session_of,
    strip_mount_point,
)
from tests.support.names import HOSTILE_NAMES

BLISS = {1: RawFormat.ESRFV1, 2: RawFormat.ESRFV2, 3: RawFormat.ESRFV3}
"""Formats by version of their schema."""
SESSION = "/data/visitor/ma6658/id21/20250509"
RAW = f"{SESSION}/RAW_DATA"
ESRF = Facility()

unhurried = settings(deadline=None)
asked_of_the_oracle = settings(deadline=None, max_examples=60)


def oracle(path: str, version: int) -> ESRFPath:
    """Return the path parsed by esrf-pathlib with one version of the schema.

    Its default class never tries v1 (icat.md, "Which session a path belongs to").
    """
    return ESRFPath.from_path(path, schema_name="esrf", schema_version=version)


# -- icat.md, "Examples of paths" ------------------------------------------------------------------------------------

MX_DATASET = "/data/visitor/mx2500/id23eh1/20240115/RAW_DATA/ins/ins-x1/run_01/run_01_01_datacollection"
EXAMPLES = [
    # path, session, location as ICAT is told it where that differs
    (SESSION, SESSION, None),
    (RAW, SESSION, None),
    (f"{RAW}/foo", SESSION, None),
    (f"{RAW}/foo/foo_0001", SESSION, None),
    (f"{RAW}/foo_a/foo_a_b_0001/foo_a_b_0001.h5", SESSION, None),
    (f"{RAW}/foo/foo_0001/scan0001/eiger_0000.h5", SESSION, None),
    (f"{RAW}/foo/bar_0001", SESSION, None),
    (f"{RAW}/__icat__/foo_0001.xml", SESSION, None),
    (f"{RAW}/foo/foo_0001.1", SESSION, None),
    (f"{RAW}/a b/a b_0001", SESSION, None),
    (f"{RAW}/a#b/a#b_0001", SESSION, None),
    (f"{SESSION}/PROCESSED_DATA/foo/foo_0001/proc1", SESSION, None),
    (MX_DATASET, "/data/visitor/mx2500/id23eh1/20240115", None),
    ("/data/visitor/ls3333/ID16B/20230210/raw/sample/sample_ds1", "/data/visitor/ls3333/ID16B/20230210", None),
    ("/data/visitor/hg123/id00/20210311/sample/sample_0001", "/data/visitor/hg123/id00/20210311", None),
    (
        "/data/id21/inhouse/blc15801/id21/20250201/RAW_DATA/foo/foo_0001",
        "/data/id21/inhouse/blc15801/id21/20250201",
        None,
    ),
    ("/data/id00/tmp/tmptest/id00/20250201/RAW_DATA/foo/foo_0001", "/data/id00/tmp/tmptest/id00/20250201", None),
    (f"/gpfs/easy{RAW}/foo/foo_0001", f"/gpfs/easy{SESSION}", f"{RAW}/foo/foo_0001"),
    (
        "/mnt/multipath-shares/data/id21/inhouse/blc15801/id21/20250201/raw/foo/foo_0001",
        "/mnt/multipath-shares/data/id21/inhouse/blc15801/id21/20250201",
        "/data/id21/inhouse/blc15801/id21/20250201/raw/foo/foo_0001",
    ),
    (f"/tmp/x{RAW}/foo/foo_0001", f"/tmp/x{SESSION}", f"{RAW}/foo/foo_0001"),
    ("/lsbram/id21/inhouse/p/id21/20250201", "/lsbram/id21/inhouse/p/id21/20250201", None),
]


@pytest.mark.parametrize(("path", "session", "stripped"), EXAMPLES)
def test_the_session_of_a_path_is_found(path: str, session: str, stripped: str | None) -> None:
    assert session_of(path) == session


@pytest.mark.parametrize(("path", "session", "stripped"), EXAMPLES)
def test_what_stands_before_the_first_data_is_a_mount_point(path: str, session: str, stripped: str | None) -> None:
    assert strip_mount_point(path, "data") == (stripped or path)


@pytest.mark.parametrize(
    ("collection", "directory", "name"),
    [
        ("foo", "foo_0001", "0001"),
        ("foo_a", "foo_a_b_0001", "b_0001"),
        ("foo", "foo_0001.1", "0001.1"),
        ("a b", "a b_0001", "0001"),
        ("sample", "sample_ds1", "ds1"),
        ("foo", "foo_foo_1", "foo_1"),
        ("_", "___", "_"),
        ("foo", "bar_0001", None),
        ("foo", "foo0001", None),
        ("foo", "foo_", None),
        ("foo", "foo", None),
        ("foo", "Foo_0001", None),
        ("a#b", "a#b_0001", None),
        ("foo", "foo_1.h5", None),
        ("foo.h5", "foo.h5_1", None),
        ("foo", "foo_1\n", None),
        ("ins-x1", "run_01_01_datacollection", None),
    ],
)
@pytest.mark.parametrize("raw_format", BLISS.values())
def test_bliss_names_a_dataset_after_its_collection(
    raw_format: RawFormat, collection: str, directory: str, name: str | None
) -> None:
    assert dataset_name(collection, directory, raw_format) == name
    assert metadata_file("ma6658", collection, directory, raw_format) == (f"{directory}.h5" if name else None)


# -- icat.md, "Raw data formats" -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw_format", "raw", "name", "file"),
    [
        ("esrfv3", f"{SESSION}/RAW_DATA", "b_0001", "foo_a_b_0001.h5"),
        ("esrfv2", f"{SESSION}/raw", "b_0001", "foo_a_b_0001.h5"),
        ("esrfv1", SESSION, "b_0001", "foo_a_b_0001.h5"),
        ("id16bspec", f"{SESSION}/RAW_DATA", "foo_a_b_0001", "ma6658-foo_a-b_0001.h5"),
        ("mx", f"{SESSION}/RAW_DATA", "foo_a_b_0001", "metadata.json"),
    ],
)
def test_each_format_has_its_raw_directory_names_and_metadata(raw_format: str, raw: str, name: str, file: str) -> None:
    known = RawFormat(raw_format)
    assert raw_directory(SESSION, known) == raw
    assert dataset_name("foo_a", "foo_a_b_0001", known) == name
    assert metadata_file("ma6658", "foo_a", "foo_a_b_0001", known) == file


def test_where_the_directory_does_not_name_the_file_it_is_not_guessed() -> None:
    assert dataset_name("foo", "bar_0001", RawFormat.ID16BSPEC) == "bar_0001"
    assert metadata_file("ma6658", "foo", "bar_0001", RawFormat.ID16BSPEC) is None
    assert metadata_file("mx2500", "run_01", "run_01_01_datacollection", RawFormat.MX) == "metadata.json"


@pytest.mark.parametrize("raw_format", RawFormat)
def test_hidden_directories_and_stored_messages_are_no_collections(raw_format: RawFormat) -> None:
    assert not is_collection(".snapshot", raw_format)
    assert not is_collection("__icat__", raw_format)
    assert not is_collection("lost+found", raw_format)
    assert not is_collection("System Volume Information", raw_format)
    assert is_collection("foo", raw_format)


@pytest.mark.parametrize("name", ["RAW_DATA", "PROCESSED_DATA", "NOBACKUP", "SCRIPTS", "GALLERY", "NOTES", "raw"])
def test_only_v1_passes_over_directories_of_the_later_formats(name: str) -> None:
    assert not is_collection(name, RawFormat.ESRFV1)
    assert is_collection(name, RawFormat.ESRFV2)
    assert is_collection(name, RawFormat.ESRFV3)


# -- the format of a session -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"RAW_DATA"}, "esrfv3"),
        ({"RAW_DATA", "raw"}, "esrfv3"),
        ({"raw"}, "esrfv2"),
        ({"raw", "SCRIPTS"}, "esrfv2"),
        ({"PROCESSED_DATA"}, "esrfv3"),
        ({"NOTES", "foo"}, "esrfv3"),
        ({"processed"}, "esrfv2"),
        ({"_nobackup", "foo"}, "esrfv2"),
        ({"foo", "__icat__"}, "esrfv1"),
        (set(), "esrfv1"),
        ({"raw_data", "RAW"}, "esrfv1"),
    ],
)
def test_the_format_is_found_by_the_directories_of_the_session(names: set[str], found: str) -> None:
    assert detect_format("id21", names, ESRF) is RawFormat(found)


@pytest.mark.parametrize("spelled", ["id30a-1", "ID30A-1", "id30a1"])
def test_what_the_facility_says_of_a_beamline_goes_before_its_directories(spelled: str) -> None:
    facility = Facility(formats={spelled: "mx"})
    assert detect_format("id30a-1", {"raw"}, facility) is RawFormat.MX
    assert detect_format("id30a-2", {"raw"}, facility) is RawFormat.ESRFV2


# -- names -----------------------------------------------------------------------------------------------------------


def test_the_forbidden_characters_are_those_of_the_field() -> None:
    every = [chr(code) for code in range(0x110000)]
    assert "".join(filter(FORBIDDEN.match, every)) == "".join(map(chr, range(32))) + "\"#%'*/:<>?@\\{|}"


def test_a_name_is_not_empty_and_no_file_name() -> None:
    assert [name for name in ("", "a.h5", "a/b", "a b", "a.h5.1", "é", ".") if is_valid_name(name)] == [
        "a b",
        "a.h5.1",
        "é",
        ".",
    ]


@unhurried
@given(st.characters())
@example("\ud800")
@example("\udfff")
@example("\ufffe")
@example("\uffff")
@example("\ufffd")
@example("\x00")
@example("\x7f")
@example("\U0010ffff")
def test_a_parser_of_xml_takes_what_xml_can_carry_and_nothing_else(character: str) -> None:
    escaped = {"<": "&lt;", "&": "&amp;"}.get(character, character)
    try:
        parsed = ET.fromstring(f"<a>{escaped}</a>".encode("utf-8", "surrogatepass")).text
    except ET.ParseError:
        parsed = None
    assert bool(NOT_XML.search(character)) == (parsed is None)


# -- sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("20250509", date(2025, 5, 9)),
        ("20240229", date(2024, 2, 29)),
        ("20250229", None),
        ("20250231", None),
        ("20251399", None),
        ("00000101", None),
        ("2025-5-9", None),
        ("2025W192", None),
        ("202505", None),
        ("20250509\n", None),
        (" 20250509", None),
        ("٢٠٢٥٠٥٠٩", None),
        ("20250509_old", None),
    ],
)
def test_a_session_is_named_by_a_date_that_exists(name: str, found: date | None) -> None:
    assert session_date(name) == found
    assert session_of(f"/data/visitor/ma6658/id21/{name}") == (
        f"/data/visitor/ma6658/id21/{name}" if found is not None else None
    )


@unhurried
@given(st.dates())
def test_every_date_names_a_session(day: date) -> None:
    assert session_date(day.isoformat().replace("-", "")) == day


@pytest.mark.parametrize(
    ("path", "session"),
    [
        ("/hg1/id21/20250509", "/hg1/id21/20250509"),
        (f"{SESSION}/", SESSION),
        (f"{RAW}/20240101/20240101_0001", SESSION),
        (f"{RAW}/20240101/20240102/20240103", SESSION),
        (f"{RAW}/x/y/20240101/raw", SESSION),
        (f"{RAW}/20240231", SESSION),
        ("/data/visitor/ma6658/id21/20230210/raw/20240101/20240101_1", "/data/visitor/ma6658/id21/20230210"),
        ("/data/visitor/hg123/id00/20210311/20240101/20240101_0001", "/data/visitor/hg123/id00/20210311"),
        (f"/mnt/a/b/20240101{SESSION}", f"/mnt/a/b/20240101{SESSION}"),
        (f"/mnt/a/b/20240101{RAW}/foo/foo_0001", f"/mnt/a/b/20240101{SESSION}"),
        (f"/mnt/a/b/20240101/raw{RAW}/foo/foo_0001", f"/mnt/a/b/20240101/raw{SESSION}"),
        (f"/mnt/a/b/20240101{SESSION}/foo/foo_0001", f"/mnt/a/b/20240101{SESSION}"),
        (f"{RAW}/new\nline/new\nline_1", SESSION),
        ("/data\n/visitor/ma6658/id21/20250509", "/data\n/visitor/ma6658/id21/20250509"),
    ],
)
def test_collections_and_data_roots_may_be_called_like_dates(path: str, session: str) -> None:
    assert session_of(path) == session


def test_where_nothing_else_speaks_the_last_date_is_the_session() -> None:
    assert session_of("/a/b/c/20240101/d/20240102") == "/a/b/c/20240101/d/20240102"
    assert session_of("/a/b/c/20240101/d/20240102/RAW_DATA") == "/a/b/c/20240101/d/20240102"
    assert session_of("/a/b/c/20240101/d/e/20240102/f") == "/a/b/c/20240101/d/e/20240102"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/id21/20250509",
        "data/visitor/ma6658/id21/20250509",
        "ma6658/id21/20250509",
        "/data/visitor/ma%6658/id21/20250509",
        "/data/visitor/ma6658/id21.h5/20250509",
        "//id21/20250509",
        "/data/visitor/ma6658//20250509",
        "/data/visitor/ma6658/id21/20250509x/RAW_DATA",
        "/data/visitor/ma6658/id21/2025/05/09",
    ],
)
def test_a_path_without_root_proposal_beamline_and_date_is_in_no_session(path: str) -> None:
    assert session_of(path) is None
    assert strip_mount_point(path, "data") == path


# -- the oracle ------------------------------------------------------------------------------------------------------

names = st.one_of(
    st.text("ab_.- 1#%\n\t\x7fé\udce9", min_size=1, max_size=6),
    st.sampled_from(["foo", "20240101", "raw", "RAW_DATA", "gallery", "x.h5", "a_b"]),
).filter(lambda name: name not in (".", "..") and not name.endswith("\n"))
"""Names of directories; at the end of one esrf-pathlib overlooks a line feed."""
roots = st.lists(st.sampled_from(["data", "visitor", "mnt", "20240101", "inhouse", "DATA"]), min_size=1, max_size=6)
beamlines = st.sampled_from(["id21", "ID16B", "bm05", *BEAMLINE_DIRECTORIES, *BEAMLINE_DIRECTORIES.values()])


@asked_of_the_oracle
@given(st.sampled_from(sorted(BLISS)), names, st.one_of(names, names.map("_{}".format)), st.booleans())
def test_names_of_datasets_and_of_their_files_are_those_of_the_oracle(
    version: int, collection: str, rest: str, repeated: bool
) -> None:
    directory = f"{collection}{rest}" if repeated else rest
    path = f"{raw_directory(SESSION, BLISS[version])}/{collection}/{directory}"
    name = file = None
    try:
        parsed = oracle(path, version)
        if str(getattr(parsed, "raw_dataset_path", "")) == path:
            name, file = parsed.dataset, parsed.raw_dataset_file.name
    except EsrfPathlibError:
        pass  # a path that no template matches
    assert dataset_name(collection, directory, BLISS[version]) == name
    assert metadata_file("ma6658", collection, directory, BLISS[version]) == file


@asked_of_the_oracle
@given(roots, st.sampled_from(["RAW_DATA", "raw"]), st.sampled_from(["foo", "20240101", "data"]), st.booleans())
def test_sessions_and_locations_are_those_of_the_oracle(root: list[str], raw: str, collection: str, bare: bool) -> None:
    session = f"/{'/'.join(root)}/ma6658/id21/20250509"
    path = session if bare else f"{session}/{raw}/{collection}/{collection}_0001"
    parsed = ESRFPath(path)
    assert f"{parsed.data_root}/{parsed.proposal}/{parsed.beamline}/{parsed.session_date:%Y%m%d}" == session
    assert session_of(path) == session
    assert strip_mount_point(path, "data") == str(parsed.strip_mount_point())


@asked_of_the_oracle
@given(roots, beamlines)
def test_beamlines_and_mount_points_are_those_of_the_oracle_but_for_the_case_of_a_path(
    root: list[str], beamline: str
) -> None:
    path = f"/{'/'.join(root)}/ma6658/{beamline}/20250509/RAW_DATA/foo/foo_0001"
    parsed = ESRFPath(path)
    told = str(parsed.strip_mount_point())
    assert ESRF.beamline(beamline) == parsed.beamline_normalized
    assert ESRF.beamline(parsed.session_path.parent.name) == parsed.beamline_normalized
    assert strip_mount_point(path, "data").endswith(f"/ma6658/{beamline}/20250509/RAW_DATA/foo/foo_0001")
    assert location_key(path, ESRF) == location_key(told, ESRF)


# -- locations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        "/gpfs/easy/data/visitor/mx2500/id23eh1/20240115/RAW_DATA/foo/foo_0001",
        "/data/visitor/mx2500/ID23-1/20240115/RAW_DATA/foo/foo_0001",
        "/data/visitor/mx2500/ID23EH1/20240115/RAW_DATA/foo/foo_0001/",
        "//data/visitor//mx2500/id23-1/20240115/RAW_DATA/./bar/../foo/foo_0001",
        "/mnt/a/b/20240101/data/visitor/mx2500/id23eh1/20240115/RAW_DATA/foo/foo_0001",
    ],
)
def test_two_locations_of_a_dataset_have_the_same_key(other: str) -> None:
    key = location_key("/data/visitor/mx2500/id23eh1/20240115/RAW_DATA/foo/foo_0001", ESRF)
    assert key == "/data/visitor/mx2500/id23-1/20240115/RAW_DATA/foo/foo_0001"
    assert location_key(other, ESRF) == key


@pytest.mark.parametrize(
    "other",
    [
        "/data/visitor/MX2500/id23eh1/20240115/RAW_DATA/foo/foo_0001",
        "/data/visitor/mx2500/id23eh1/20240115/raw_data/foo/foo_0001",
        "/data/visitor/mx2500/id23eh1/20240115/RAW_DATA/Foo/Foo_0001",
        "/data/visitor/mx2500/id23eh2/20240115/RAW_DATA/foo/foo_0001",
        "/data/visitor/mx2500/id23eh1/20240116/RAW_DATA/foo/foo_0001",
        "/data/visitor/mx2500/id23eh1/20240115/RAW_DATA/foo/foo_0001\n",
        "/lsbram/visitor/mx2500/id23eh1/20240115/RAW_DATA/foo/foo_0001",
    ],
)
def test_two_datasets_have_different_keys(other: str) -> None:
    assert location_key(other, ESRF) != location_key(
        "/data/visitor/mx2500/id23eh1/20240115/RAW_DATA/foo/foo_0001", ESRF
    )


def test_each_facility_has_its_own_mount_points_and_beamlines() -> None:
    elsewhere = Facility(mount_marker="facility", beamline_directories={"P06": "Nano"})
    path = "/mnt/facility/hg1/nano/20250509/RAW_DATA"
    assert location_key(path, elsewhere) == "/facility/hg1/p06/20250509/RAW_DATA"
    assert location_key(path, ESRF) == path
    assert location_key(path, Facility(mount_marker="", beamline_directories={"p06": "nano"})) == (
        "/mnt/facility/hg1/p06/20250509/RAW_DATA"
    )


@pytest.mark.parametrize(
    "path", ["//tmp/elsewhere", "/tmp//elsewhere", "/tmp/elsewhere/", "/tmp/./elsewhere", "/a/../tmp/elsewhere"]
)
def test_needless_parts_of_a_path_are_not_in_its_key(path: str) -> None:
    assert location_key(path, ESRF) == "/tmp/elsewhere"


@pytest.mark.parametrize("path", ["", "/", "/tmp/elsewhere", "relative/path"])
def test_a_location_outside_every_session_is_its_own_key(path: str) -> None:
    assert location_key(path, ESRF) == path


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_the_key_of_a_dataset_is_that_of_its_session_and_what_follows_whatever_it_is_called(name: str) -> None:
    found = "/mnt/data/visitor/ma6658/ID21/20250509"
    below = f"/RAW_DATA/{name}/{name}_0001"
    assert location_key(found + below, ESRF) == location_key(found, ESRF) + below


@unhurried
@given(st.lists(st.one_of(names, st.sampled_from(["", ".", "..", "data", "20250509", "id23eh1"])), max_size=9))
def test_a_key_is_its_own_key(parts: list[str]) -> None:
    key = location_key("/" + "/".join(parts), ESRF)
    assert location_key(key, ESRF) == key


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("20231019", "20231019"),
        ("20231019_bis", "20231019"),
        ("old_20231019", "20231019"),
        ("2023-10-19", "20231019"),
        ("2023_10_19b", "20231019"),
        ("2023.10.19", "20231019"),
        ("20230231", "20230231"),
        ("2023-1019", None),
        ("2023-10_19", None),
        ("120231019", None),
        ("202310190", None),
        ("2023101", None),
        ("notes", None),
        ("\u0662\u0660\u0662\u06631019", None),
    ],
)
def test_a_date_in_a_name_has_eight_digits_of_one_kind_of_spelling(name: str, digits: str | None) -> None:
    assert date_in_name(name) == digits


@pytest.mark.parametrize(
    ("raw_format", "names", "other"),
    [
        (RawFormat.ESRFV3, {"RAW_DATA", "raw"}, None),
        (RawFormat.MX, {"RAW_DATA"}, None),
        (RawFormat.ID16BSPEC, {"raw"}, RawFormat.ESRFV2),
        (RawFormat.ESRFV3, {"raw", "colA"}, RawFormat.ESRFV2),
        (RawFormat.ESRFV2, {"raw"}, None),
        (RawFormat.ESRFV2, {"raw", "RAW_DATA"}, RawFormat.ESRFV3),
        (RawFormat.ESRFV1, {"RAW_DATA"}, RawFormat.ESRFV3),
        (RawFormat.ESRFV3, {"colA"}, RawFormat.ESRFV1),
        (RawFormat.ESRFV1, {"colA"}, None),
        (RawFormat.ESRFV3, {"colA", "processed"}, None),
        (RawFormat.ESRFV3, {"colA", "SCRIPTS"}, None),
        (RawFormat.ESRFV3, {".hidden"}, None),
        (RawFormat.ESRFV3, set(), None),
    ],
)
def test_raw_data_elsewhere_in_a_session_looks_like_another_format(
    raw_format: RawFormat, names: set[str], other: RawFormat | None
) -> None:
    assert other_format(raw_format, names) == other
