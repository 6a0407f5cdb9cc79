"""Tests of the values of the domain: they come back unchanged from files and other processes."""

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import (
    Answer,
    CatalogueDataset,
    Dataset,
    DiskDataset,
    DiskSession,
    FileCount,
    Fit,
    Investigation,
    Match,
    Metadata,
    Outcome,
    Session,
    SessionDirectory,
    Stamp,
    StoredMessage,
    Trouble,
    TroubleKind,
)
from icat_tui.domain.status import Category, Status
from tests.support.names import HOSTILE_NAMES, HOSTILE_TEXTS

START = datetime(2023, 10, 19, 8, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
END = datetime(2023, 10, 24, 6, tzinfo=UTC)
RAW = "/data/visitor/hg333/id99/20231019/RAW_DATA"
DIRECTORY = SessionDirectory("/data/visitor/hg333/ID99/20231019", "hg333", "id99", "20231019", RawFormat.ESRFV3)
STAMP = Stamp(inode=2**63, modified=1_697_695_200_123_456_789, changed=1, links=2, size=0)
INVESTIGATION = Investigation(id=7, name="HG-333", start=START, end=END, title="Über [/x] \x1b[31m")


def disk_session(name: str) -> DiskSession:
    path = f"{RAW}/{name}/{name}_0001"
    return DiskSession(
        listed_at=1_697_695_200.5,
        first_seen=1.0,
        fingerprint={path: STAMP, f"{RAW}/{name}": None},
        unlisted={f"{RAW}/{name}": Trouble(TroubleKind.UNKNOWN, f"{name}: permission denied")},
        listed=(RAW,),
        datasets=(
            DiskDataset(
                path=path,
                collection=name,
                name=name,
                read=True,
                metadata=Metadata(START, END, sample=name, parameters={name: name}),
                stamps=(STAMP, None),
                entries=False,
            ),
        ),
        stored=(StoredMessage(path, path, name, "hg333", "id99", name, START, END),),
        stored_trouble={name: name},
    )


def session(name: str) -> Session:
    return Session(
        directory=DIRECTORY,
        category=Category.TODO_ONGOING,
        reasons=(name,),
        fit=Fit(id=7, match=Match.INSIDE, target=START, start=START, end=None),
        candidates=(INVESTIGATION,),
        datasets=(
            Dataset(path=name, collection=name, name=name, status=Status.NOT_UPLOADED, sample=name, start=START),
            Dataset(path=name, collection=name, name=None, status=Status.INVALID, parameters={name: name}),
        ),
        seen_at=END,
    )


def through_json(value: msgspec.Struct, kind: Any) -> Any:
    return msgspec.convert(json.loads(json.dumps(msgspec.to_builtins(value))), kind)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_what_lies_on_disk_survives_json_whatever_it_is_called(name: str) -> None:
    assert through_json(disk_session(name), DiskSession) == disk_session(name)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_session_survives_json_whatever_texts_are_in_it(text: str) -> None:
    assert through_json(session(text), Session) == session(text)


def test_what_icat_said_survives_json() -> None:
    answer = Answer(Outcome.OK, rows=(CatalogueDataset(id=3, location=f"{RAW}/a/a_1", investigation=7),))
    assert through_json(answer, Answer[CatalogueDataset]) == answer


@pytest.mark.parametrize("value", [disk_session("a"), session("caf\udce9")])
def test_values_go_to_other_processes_and_come_back(value: msgspec.Struct) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


def test_values_are_never_changed() -> None:
    with pytest.raises(AttributeError):
        INVESTIGATION.end = None  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize(
    ("raw_format", "below"),
    [("esrfv1", ""), ("esrfv2", "/raw"), ("esrfv3", "/RAW_DATA"), ("id16bspec", "/RAW_DATA"), ("mx", "/RAW_DATA")],
)
def test_the_raw_directory_lies_where_the_session_was_found(raw_format: str, below: str) -> None:
    found = msgspec.structs.replace(DIRECTORY, format=RawFormat(raw_format))
    assert found.raw_path == "/data/visitor/hg333/ID99/20231019" + below


def test_counts_leave_out_zeros_and_add_up() -> None:
    assert session("a").counts == {Status.NOT_UPLOADED: 1, Status.INVALID: 1}
    assert msgspec.structs.replace(session("a"), datasets=()).counts == {}


@pytest.mark.parametrize(
    ("outcome", "usable"),
    [("ok", True), ("empty", True), ("unauthorised", False), ("unavailable", False), ("malformed", False)],
)
def test_only_a_complete_answer_is_usable(outcome: str, usable: bool) -> None:
    assert Answer[Investigation](Outcome(outcome)).usable is usable


@pytest.mark.parametrize(
    ("on_disk", "in_icat", "short"),
    [
        (41, 1, True),
        (1, 0, True),
        (41, 41, False),
        (41, 42, False),
        (40_000, 29_999, True),
        (40_000, 30_000, False),
        (None, 1, False),
        (41, None, False),
        (0, 0, False),
    ],
)
def test_icat_is_short_of_files_where_it_has_fewer_than_the_disk_and_could_list_more(
    on_disk: int | None, in_icat: int | None, short: bool
) -> None:
    assert FileCount(on_disk, in_icat).short is short
