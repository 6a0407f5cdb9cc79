"""Bodies of the messages to ICAT. Pure: no clock, no network, no disk.

What must stay true: for the same input a dataset's body is, with the extra `definitions`, byte for byte what
pyicat-plus 3.1 sends (icat.md, "Producer rules"), but for `software` and for the location, which is the directory as
it is on disk. A character that XML 1.0 can't carry is refused, with the name of its field.
"""

import json
import os
import os.path
import re
import socket
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath

from msgspec import Struct

from icat_tui._version import __version__
from icat_tui.domain.errors import MessageError
from icat_tui.domain.formats import NOT_XML, strip_mount_point
from icat_tui.ingest.parameters import parameter_texts, xml_time
from icat_tui.text import visible

NAMESPACE = "http://www.esrf.fr/icat"
REQUIRED = ("beamlineID", "proposal", "datasetName", "location", "Sample_name")

XML_TIME = re.compile(
    r"(?P<day>-?[0-9]{4,}-[0-9]{2}-[0-9]{2})T(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.(?P<fraction>[0-9]{0,9}))?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
)


class Body(Struct, frozen=True):
    """Body of a message, with warnings about its content."""

    content: bytes
    warnings: tuple[str, ...] = ()
    """For a person, a line each: fields that ICAT does not know, values it may not take, conflicts."""


class Identity(Struct, frozen=True, kw_only=True):
    """Values that identify a dataset; they take precedence over those in its metadata."""

    beamline: str | None = None
    proposal: str | None = None
    dataset: str | None = None
    path: str | PurePath | None = None
    """The dataset directory as it is on disk."""


class Origin(Struct, frozen=True):
    """Values of a message for fields that its metadata lack."""

    machine: str
    software: str
    now: datetime
    """Start and end of a dataset without either; with an offset."""


def add_files_body(icat_id: int) -> bytes:
    """Return the JSON that requests ICAT to add the files of a dataset that it has (icat.md, "Queues")."""
    return json.dumps({"datasetId": icat_id}).encode()


def dataset_body(
    identity: Identity,
    metadata: Mapping[str, object],
    origin: Origin,
    *,
    mount_marker: str = "data",
    strict: bool = False,
) -> Body:
    """Return the XML that registers a dataset; `metadata` are ICAT's fields by name.

    Raises MessageError where a required field is missing or a value can't be written; with `strict` also where there
    is anything to warn of. `mount_marker` is that of `domain.facility`.
    """
    parameters, warnings = _parameters(identity, metadata, origin, mount_marker)
    for name in REQUIRED:
        if not parameters.get(name):
            raise MessageError(f"{name} is missing: a dataset can't be registered without it", names=(name,))
    texts, issues = parameter_texts(parameters)
    warnings += issues
    for name, text in texts.items():
        _refuse_unwritable(name, text)
        if "\n" in text and name != "location":
            warnings.append(f"The line breaks in {name} are left out, as ICAT's messages have no lines")
    if strict and warnings:
        raise MessageError("; ".join(warnings))
    return Body(_dataset_xml(texts).encode(), tuple(warnings))


def _parameters(
    identity: Identity, metadata: Mapping[str, object], origin: Origin, mount_marker: str
) -> tuple[dict[str, object], list[str]]:
    """Return metadata, defaults and identity merged, and warnings about them (icat.md, "Producer rules")."""
    parameters = dict(metadata)
    defaults = {
        "startDate": origin.now,
        "endDate": origin.now,
        "machine": origin.machine,
        "software": origin.software,
        "complete": True,
    }
    for name, default in defaults.items():
        if parameters.get(name) is None:
            parameters[name] = default
    warnings: list[str] = []
    arguments = {
        "datasetName": identity.dataset,
        "location": identity.path,
        "proposal": identity.proposal,
        "beamlineID": identity.beamline,
    }
    for name, argument in arguments.items():
        given = _identity(name, parameters.pop(name, None), mount_marker)
        value = _identity(name, argument, mount_marker) or given
        if given and given != value:
            warnings.append(f"{name}: {visible(given)} in the metadata is not {visible(value)}, which is sent")
        if value:
            parameters[name] = value
    if parameters.get("input_datasets"):
        parameters["input_datasets"] = _inputs(parameters["input_datasets"], mount_marker)
    location = parameters.get("location")
    if isinstance(location, str) and not location.startswith("/"):
        warnings.append(f"The location {visible(location)} is not an absolute path")
    return parameters, warnings


def _identity(name: str, value: object, mount_marker: str) -> str:
    """Return an identifying value in the spelling that is sent to ICAT; empty where there is none."""
    if value is None or value == "":
        return ""
    if isinstance(value, PurePath):
        value = str(value)
    if not isinstance(value, str):
        raise MessageError(f"{name} is of type {type(value).__name__}: give it as text")
    if name == "location":
        return icat_location(value, mount_marker)
    return value.lower() if name in ("proposal", "beamlineID") else value


def icat_location(path: str, mount_marker: str) -> str:
    """Return a directory as it is sent to ICAT: normalised as text, without the mount point, its case untouched."""
    return strip_mount_point(os.path.normpath(path), mount_marker)


def _inputs(value: object, mount_marker: str) -> list[str]:
    paths = value.split(",") if isinstance(value, str) else value
    if not isinstance(paths, list | tuple) or not all(isinstance(path, str | PurePath) for path in paths):
        raise MessageError("input_datasets must be a list of directories")
    return [icat_location(str(path), mount_marker) for path in paths]


def _refuse_unwritable(name: str, text: str) -> None:
    if (found := NOT_XML.search(name)) or (found := NOT_XML.search(text)):
        code = f"U+{ord(found.group()):04X}"
        raise MessageError(
            f"{visible(name)} holds the character {code}, which XML can't carry: the message can't be made",
            names=(name,),
        )


def _dataset_xml(parameters: Mapping[str, str]) -> str:
    root = (
        ("investigation", parameters["proposal"]),
        ("instrument", parameters["beamlineID"]),
        ("name", parameters["datasetName"]),
        ("location", parameters["location"]),
        ("startDate", _root_time(parameters["startDate"])),
        ("endDate", _root_time(parameters["endDate"])),
    )
    elements = "".join(_element(name, _escaped(text, whole=name == "location")) for name, text in root)
    sample = _element("sample", _element("name", _escaped(parameters["Sample_name"])))
    pairs = "".join(
        _element(
            "parameter",
            _element("name", _escaped(name)) + _element("value", _escaped(text, whole=name == "location")),
        )
        for name, text in parameters.items()
    )
    from xml.sax.saxutils import quoteattr  # noqa: PLC0415 - late: it brings urllib, which most runs never need

    complete = quoteattr(_root_boolean(parameters["complete"]))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<tns:dataset xmlns:tns="{NAMESPACE}" complete={complete}>{elements}{sample}{pairs}</tns:dataset>'
    )


def _element(name: str, content: str) -> str:
    return f"<tns:{name}>{content}</tns:{name}>" if content else f"<tns:{name}/>"


def _escaped(text: str, *, whole: bool = False) -> str:
    """Return text escaped for an element; line breaks are left out, but kept in a location (`whole`)."""
    from xml.sax.saxutils import escape  # noqa: PLC0415 - late: see _dataset_xml

    if whole:
        return escape(text, {"\n": "&#10;", "\r": "&#13;"})
    return escape(text.replace("\n", ""))


def _root_boolean(text: str) -> str:
    return {"true": "true", "1": "true", "false": "false", "0": "false"}.get(text.strip(), text)


def _root_time(text: str) -> str:
    """Return a time as the root element has it: 0, 3, 6 or 9 fractional digits; a text that is no time is unchanged.

    Parameters have the same time with other digits (icat.md, "Value formats").
    """
    found = XML_TIME.fullmatch(text.strip())
    if not found:
        return text
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['time']}")
    except ValueError:
        return text
    digits = (found["fraction"] or "").rstrip("0")
    digits = digits.ljust(-(-len(digits) // 3) * 3, "0")
    zone = "Z" if found["zone"] in ("+00:00", "-00:00") else found["zone"] or ""
    return f"{xml_time(moment)}{'.' if digits else ''}{digits}{zone}"


def origin_of(body: bytes, default: Origin) -> Origin:
    """Return the machine and the software in a body that `dataset_body` made, else those of `default`."""
    from xml.sax.saxutils import unescape  # noqa: PLC0415 - late: see _dataset_xml

    text = body.decode("utf-8", "surrogateescape")
    found = {
        name: unescape(value[1])
        for name in ("machine", "software")
        if (value := re.search(f"<tns:name>{name}</tns:name><tns:value>([^<]*)</tns:value>", text))
    }
    return Origin(found.get("machine", default.machine), found.get("software", default.software), default.now)


def origin_here(now: datetime) -> Origin:
    """Return the origin of messages from this machine and this program (icat.md, "Producer rules")."""
    return Origin(machine=socket.getfqdn(), software=f"icat-tui_v{__version__}", now=now)
