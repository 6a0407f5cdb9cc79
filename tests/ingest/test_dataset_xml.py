"""Bodies against those of pyicat-plus 3.1, with the ICAT definitions and without."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.errors import MessageError
from icat_tui.domain.formats import NOT_XML
from icat_tui.ingest.dataset_xml import Body, Identity, Origin, add_files_body, dataset_body, icat_location
from icat_tui.ingest.parameters import definitions
from tests.ingest.data.cases import CASES, METADATA, PATHS, PLAIN
from tests.peers.install import installed, interpreter
from tests.support.names import HOSTILE_TEXTS

PEER = "icat-fs-sync-1.0.0"
DATA = Path(__file__).parent / "data"
CORPUS: dict[str, dict[str, Any]] = json.loads((DATA / "corpus.json").read_text())
ORIGIN = Origin(machine="host.example", software="icat-tui_v1", now=datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC))
NAMESPACE = {"tns": "http://www.esrf.fr/icat"}
CONVERTED = ("times with a space", "a date for a time", "seconds since the epoch", "times with nanoseconds",
             "complete as a capital word")  # fmt: skip
"""Cases whose values only the definitions can convert."""

needs_definitions = pytest.mark.skipif(definitions() is None, reason="the extra `definitions` is not installed")


def made(case: dict[str, Any], **more: Any) -> Body:
    arguments = {name: value for name, value in case.items() if name != "metadata"}
    return dataset_body(Identity(**arguments), case["metadata"], ORIGIN, **more)


def comparable(body: str, location: str) -> str:
    """The body of pyicat-plus with the location that we send, and our host: it can't know ours."""
    told = ET.fromstring(body).findtext("tns:location", "", NAMESPACE)
    assert told.lower().replace("id23eh1", "id23-1") == location.lower().replace("id23eh1", "id23-1")
    told, location = escape(told), escape(location)
    assert f"<tns:location>{told}</tns:location>" in body
    replaced = body.replace(f"<tns:location>{told}</tns:location>", f"<tns:location>{location}</tns:location>")
    pair = "<tns:name>location</tns:name><tns:value>{}</tns:value>"
    return replaced.replace(pair.format(told), pair.format(location))


def fields(body: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(body).findall("tns:parameter/tns:name", NAMESPACE)]


def own_host(body: str) -> str:
    """The body with the name of the host that made it taken out."""
    return re.sub(r"(<tns:name>machine</tns:name><tns:value>)[^<]*", r"\1", body)


@needs_definitions
@pytest.mark.parametrize("name", CASES)
def test_a_dataset_is_told_byte_for_byte_as_pyicat_plus_tells_it(name: str) -> None:
    case, expected = CASES[name], CORPUS[name]
    if "error" in expected:
        with pytest.raises(MessageError):
            made(case)
        return
    body = made(case)
    ours = body.content.decode()
    location = ET.fromstring(ours).findtext("tns:location", "", NAMESPACE)
    theirs = comparable(expected["body"], location)
    assert own_host(ours) == own_host(theirs)
    if expected["warned"]:
        assert body.warnings


@pytest.mark.parametrize("name", [name for name in CASES if "body" in CORPUS[name]])
def test_without_the_definitions_the_same_fields_are_sent_in_the_order_given(no_definitions: None, name: str) -> None:
    case = CASES[name]
    ours = fields(made(case).content.decode())
    added_by_the_ontology = {"technique_pid", "technique_pid_esrfet_version"} - set(case["metadata"])
    assert set(ours) == set(fields(CORPUS[name]["body"])) - added_by_the_ontology
    given = [field for field in case["metadata"] if field in ours]
    assert [field for field in ours if field in given and field not in IDENTITY] == [
        field for field in given if field not in IDENTITY
    ]


IDENTITY = ("datasetName", "location", "proposal", "beamlineID")


@pytest.mark.parametrize("name", [name for name in METADATA if name not in CONVERTED])
def test_without_the_definitions_the_root_is_that_of_pyicat_plus(no_definitions: None, name: str) -> None:
    name = f"metadata: {name}"
    if "error" in CORPUS[name]:
        with pytest.raises(MessageError):
            made(CASES[name])
        return
    root = made(CASES[name]).content.decode().partition("<tns:parameter>")[0]
    assert root == CORPUS[name]["body"].partition("<tns:parameter>")[0]


@pytest.mark.parametrize("code", ["\x00", "\x0b", "\x1b", "\ufffe", "\uffff", "\udc80"])
@pytest.mark.parametrize("field", ["Sample_name", "foo", "datasetName", "location", "machine"])
def test_a_character_that_xml_cannot_carry_is_refused_with_the_name_of_its_field(code: str, field: str) -> None:
    arguments = PLAIN | {"metadata": PLAIN["metadata"] | {field: f"a{code}b"}}
    if field in ("datasetName", "location"):
        arguments[{"datasetName": "dataset", "location": "path"}[field]] = f"/a{code}b"
    with pytest.raises(MessageError, match=rf"{field}.*U\+{ord(code):04X}"):
        made(arguments)


def test_a_field_whose_name_xml_cannot_carry_is_refused() -> None:
    with pytest.raises(MessageError, match="U\\+0001"):
        made(PLAIN | {"metadata": PLAIN["metadata"] | {"fo\x01o": "x"}})


NAMES = st.text(st.characters(exclude_characters="/"), min_size=1).filter(
    lambda name: name not in (".", "..") and not NOT_XML.search(name)
)


@given(name=NAMES)
def test_the_location_comes_back_as_it_is_on_disk(name: str) -> None:
    path = f"/gpfs/easy/data/visitor/hg333/ID99/20231019/RAW_DATA/{name}/{name}_1"
    body = made(PLAIN | {"path": path})
    root = ET.fromstring(body.content)
    assert root.findtext("tns:location", "", NAMESPACE) == path.removeprefix("/gpfs/easy")
    values = {
        pair.findtext("tns:name", "", NAMESPACE): pair.findtext("tns:value", "", NAMESPACE)
        for pair in root.findall("tns:parameter", NAMESPACE)
    }
    assert values["location"] == path.removeprefix("/gpfs/easy")


def test_a_path_says_the_same_as_its_text() -> None:
    as_paths = PLAIN | {"path": Path(PLAIN["path"])}
    assert made(as_paths) == made(PLAIN)


@pytest.mark.parametrize("argument", ["beamline", "proposal", "dataset", "path"])
def test_what_says_which_dataset_it_is_must_be_text(argument: str) -> None:
    name = {"beamline": "beamlineID", "dataset": "datasetName", "path": "location"}.get(argument, argument)
    with pytest.raises(MessageError, match=f"{name} is of type int"):
        made(PLAIN | {argument: 1})


@pytest.mark.parametrize("inputs", [1, {"/data/a"}, ["/data/a", 1]])
def test_input_datasets_that_are_no_list_of_directories_are_refused(inputs: object) -> None:
    with pytest.raises(MessageError, match="input_datasets"):
        made(PLAIN | {"metadata": PLAIN["metadata"] | {"input_datasets": inputs}})


@pytest.mark.parametrize("text", [text for text in HOSTILE_TEXTS if NOT_XML.search(text)])
def test_a_hostile_sample_that_xml_cannot_carry_is_refused(no_definitions: None, text: str) -> None:
    with pytest.raises(MessageError, match="Sample_name"):
        made(PLAIN | {"metadata": PLAIN["metadata"] | {"Sample_name": text}})


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE_TEXTS if not NOT_XML.search(text) and not set(text) & {"\n", "\r"}]
)
def test_a_hostile_sample_comes_back_the_same(no_definitions: None, text: str) -> None:
    body = made(PLAIN | {"metadata": PLAIN["metadata"] | {"Sample_name": text}}).content
    assert ET.fromstring(body).findtext("tns:sample/tns:name", "", NAMESPACE) == text


@pytest.mark.parametrize("path", PATHS.values())
def test_a_location_is_told_the_same_when_it_is_told_again(path: str) -> None:
    assert icat_location(icat_location(path, "data"), "data") == icat_location(path, "data")


def test_defaults_are_the_senders() -> None:
    text = made(PLAIN | {"metadata": {"Sample_name": "s", "startDate": None}}).content.decode()
    for name, value in {
        "startDate": "2024-02-03T04:05:06Z",
        "endDate": "2024-02-03T04:05:06Z",
        "machine": "host.example",
        "software": "icat-tui_v1",
        "complete": "true",
    }.items():
        assert f"<tns:name>{name}</tns:name><tns:value>{value}</tns:value>" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"path": "relative"}, "not an absolute path"),
        ({"metadata": {"datasetName": "other", **PLAIN["metadata"]}}, "datasetName"),
        ({"metadata": {**PLAIN["metadata"], "Sample_name": "a\nb"}}, "line breaks in Sample_name"),
    ],
)
def test_what_is_only_warned_of_is_refused_when_strict(no_definitions: None, changes: Any, words: str) -> None:
    assert any(words in warning for warning in made(PLAIN | changes).warnings)
    with pytest.raises(MessageError, match=words):
        made(PLAIN | changes, strict=True)


@needs_definitions
@pytest.mark.parametrize("metadata", [{"Sample_nickname": "x"}, {"scanNumber": "x"}])
def test_fields_that_icat_does_not_know_or_take_are_refused_when_strict(metadata: dict[str, str]) -> None:
    case = PLAIN | {"metadata": PLAIN["metadata"] | metadata}
    (field,) = metadata
    assert any(field in warning for warning in made(case).warnings)
    with pytest.raises(MessageError, match=field):
        made(case, strict=True)


def test_a_plain_dataset_is_good_enough_when_strict() -> None:
    assert made(PLAIN, strict=True).warnings == ()


@pytest.mark.parametrize("value", [b"\xff", {"a": 1}, object(), [1, "a"], [[[1]]], {1, 2}])
def test_a_value_without_a_text_is_refused_with_the_name_of_its_field(no_definitions: None, value: object) -> None:
    with pytest.raises(MessageError, match="foo"):
        made(PLAIN | {"metadata": PLAIN["metadata"] | {"foo": value}})


def test_files_are_asked_for_by_the_id_of_the_dataset() -> None:
    assert add_files_body(1234) == b'{"datasetId": 1234}'


@pytest.mark.peers
def test_the_corpus_is_what_pyicat_plus_makes_today() -> None:
    if not installed(PEER):
        pytest.skip(f"{PEER}, which comes with pyicat-plus 3.1.0, is not installed: python -m tests.peers.install")
    done = subprocess.run([interpreter(PEER), DATA / "make_corpus.py"], capture_output=True, check=True, timeout=60)
    again = json.loads(done.stdout)
    assert again.keys() == CORPUS.keys()
    for name, expected in CORPUS.items():
        ours = {key: own_host(value) if key == "body" else value for key, value in expected.items()}
        theirs = {key: own_host(value) if key == "body" else value for key, value in again[name].items()}
        if "\r" in str(ours.get("body")):  # where lxml is installed beside it, pyicat-plus writes this as a reference
            theirs["body"] = str(theirs["body"]).replace("&#13;", "\r")
        assert ours == theirs, name
