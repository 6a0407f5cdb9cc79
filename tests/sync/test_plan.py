"""What is offered, in which order and words, and what is declined and why (promises.md 3, interface.md)."""

import os
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action
from icat_tui.domain.model import Dataset, Fit, Match, Session
from icat_tui.domain.status import ACTIONABLE, Category, Status
from icat_tui.ingest.dataset_xml import Origin
from icat_tui.sync.plan import UNSUPERVISED, Plan, Terms, make_plan, needs_choice
from tests.support.samples import INSIDE, NOW, a_dataset, a_directory, a_session, every_status
from tests.support.time_slot import END, START

TERMS = Terms(facility=Facility(), origin=Origin("lid99ctrl1", "icat-tui_v1", NOW), again=True)
UNSENDABLE = (Status.IN_PROGRESS, Status.UNKNOWN, Status.PENDING)
SENT = "sent 2026-01-30T08:00:00+00:00 by opid99 on lid99"
PATH = "/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_{}"


def session_of(*datasets: Dataset, **known: Any) -> Session:
    return structs.replace(a_session(Category.TODO), datasets=datasets, **known)


def one(status: Status, name: str = "0001", **known: Any) -> Dataset:
    return structs.replace(a_dataset(a_directory(), name, status, "why"), **known)


def stored(tmp_path: Path, content: bytes = b"<dataset> as it is \xc3\xa9 </dataset>") -> Dataset:
    file = tmp_path / "colA_0009.xml"
    file.write_bytes(content)
    return one(Status.NOT_UPLOADED, "0009", stored=str(file))


def offered(plan: Plan) -> list[tuple[Status, bool, list[str]]]:
    """Return the groups: status, whether again, and the names of the datasets."""
    return [(group.status, group.again, [str(offer.dataset.name) for offer in group.offers]) for group in plan.groups]


def declined(plan: Plan) -> dict[str, str]:
    return {str(each.dataset.name): each.reason for each in plan.declined}


def test_it_offers_what_is_actionable_in_the_order_of_sending(tmp_path: Path) -> None:
    session = session_of(
        one(Status.REGISTERED_WITHOUT_FILES, "0001"),
        one(Status.UNREGISTERED, "0002"),
        stored(tmp_path),
        one(Status.UNREGISTERED, "0003"),
        *[one(status, status) for status in Status if status not in ACTIONABLE],
    )
    plan = make_plan(session, TERMS)
    assert offered(plan) == [
        (Status.NOT_UPLOADED, False, ["0009"]),
        (Status.UNREGISTERED, False, ["0002", "0003"]),
        (Status.REGISTERED_WITHOUT_FILES, False, ["0001"]),
    ]
    assert not plan.declined
    assert not plan.warnings
    assert [offer.dataset.name for offer in plan.offers] == ["0009", "0002", "0003", "0001"]
    assert offered(make_plan(session, structs.replace(TERMS, statuses=UNSUPERVISED))) == [
        (Status.REGISTERED_WITHOUT_FILES, False, ["0001"])
    ]


def test_a_dataset_is_registered_in_these_words() -> None:
    (offer,) = make_plan(session_of(one(Status.UNREGISTERED)), TERMS).offers
    location = PATH.format("0001")
    parameters = [
        ("Sample_name", "sA"), ("beamlineID", "id99"), ("datasetName", "0001"), ("proposal", "hg333"),
        ("location", location), ("startDate", "2023-10-19T09:00:00+02:00"), ("endDate", "2023-10-19T10:00:00+02:00"),
        ("machine", "lid99ctrl1"), ("software", "icat-tui_v1"), ("complete", "true"), ("investigationId", "7"),
    ]  # fmt: skip
    text = offer.message.body.decode()
    assert text.startswith(
        '<?xml version="1.0" encoding="UTF-8"?><tns:dataset xmlns:tns="http://www.esrf.fr/icat" complete="true">'
        "<tns:investigation>hg333</tns:investigation><tns:instrument>id99</tns:instrument><tns:name>0001</tns:name>"
        f"<tns:location>{location}</tns:location><tns:startDate>2023-10-19T09:00:00+02:00</tns:startDate>"
        "<tns:endDate>2023-10-19T10:00:00+02:00</tns:endDate><tns:sample><tns:name>sA</tns:name></tns:sample>"
    )
    for name, value in parameters:
        assert f"<tns:parameter><tns:name>{name}</tns:name><tns:value>{value}</tns:value></tns:parameter>" in text
    assert text.count("<tns:parameter>") == len(parameters)
    message = offer.message
    assert (message.action, message.destination, message.dataset) == (Action.REGISTER, "icatIngest", location)
    assert (message.investigation, message.icat_id) == (7, None)


def test_what_bliss_left_goes_out_as_it_is_and_files_are_asked_for_by_id(tmp_path: Path) -> None:
    session = session_of(stored(tmp_path), one(Status.REGISTERED_WITHOUT_FILES, icat_id=1234))
    left, files = [offer.message for offer in make_plan(session, TERMS).offers]
    assert (left.action, left.destination) == (Action.REGISTER_STORED, "icatIngest")
    assert left.body == b"<dataset> as it is \xc3\xa9 </dataset>"
    assert (files.action, files.destination, files.body) == (Action.ADD_FILES, "icatDataFiles", b'{"datasetId": 1234}')
    assert files.icat_id == 1234


@pytest.mark.parametrize("status", UNSENDABLE)
def test_what_can_not_be_sent_is_refused_with_the_reason(status: Status) -> None:
    dataset = one(status)
    plan = make_plan(session_of(dataset), structs.replace(TERMS, paths=frozenset({dataset.path})))
    assert (offered(plan), declined(plan)) == ([], {"0001": f"it is {status.word}: why"})


@pytest.mark.parametrize("status", [status for status in Status if status not in (*ACTIONABLE, *UNSENDABLE)])
def test_what_there_is_nothing_to_send_about_is_declined_where_it_was_meant(status: Status) -> None:
    dataset = one(status)
    plan = make_plan(session_of(dataset), structs.replace(TERMS, paths=frozenset({dataset.path})))
    assert (offered(plan), declined(plan)) == ([], {"0001": f"it is {status.word}: why"})
    assert not make_plan(session_of(dataset), TERMS).declined


def test_only_what_is_meant_is_offered() -> None:
    session = session_of(one(Status.UNREGISTERED, "0001"), one(Status.UNREGISTERED, "0002"))
    plan = make_plan(session, structs.replace(TERMS, paths=frozenset({PATH.format("0002")})))
    assert offered(plan) == [(Status.UNREGISTERED, False, ["0002"])]


@pytest.mark.parametrize("match", Match)
def test_an_investigation_that_may_be_another_must_be_chosen_but_for_files(match: Match, tmp_path: Path) -> None:
    session = session_of(
        one(Status.UNREGISTERED),
        stored(tmp_path),
        one(Status.REGISTERED_WITHOUT_FILES, "0003"),
        fit=structs.replace(INSIDE, match=match),
    )
    doubtful = match in (Match.FAR, Match.AMBIGUOUS)
    plan = make_plan(session, TERMS)
    assert needs_choice(session, TERMS) == doubtful
    assert len(list(plan.offers)) == (1 if doubtful else 3)
    if doubtful:
        assert offered(plan) == [(Status.REGISTERED_WITHOUT_FILES, False, ["0003"])]
        assert set(declined(plan).values()) == {f"its investigation is {match}: choose one with --investigation"}
        other = structs.replace(TERMS, chosen=8, statuses=(Status.UNREGISTERED,))
        assert not make_plan(session, other).groups
        chosen = make_plan(session, structs.replace(TERMS, chosen=7))
        assert len(list(chosen.offers)) == 3
        assert chosen.warnings == (f"investigation 7 was chosen by hand: it is {match}",)
        assert not needs_choice(session, structs.replace(TERMS, chosen=7))
        assert not needs_choice(session, structs.replace(TERMS, statuses=UNSUPERVISED))


def test_without_an_investigation_only_files_are_asked_for() -> None:
    session = session_of(one(Status.UNREGISTERED, "0001"), one(Status.REGISTERED_WITHOUT_FILES, "0002"), fit=None)
    plan = make_plan(session, TERMS)
    assert offered(plan) == [(Status.REGISTERED_WITHOUT_FILES, False, ["0002"])]
    assert declined(plan) == {"0001": "no investigation is known for its session"}
    assert not needs_choice(session, TERMS)


def test_what_was_sent_before_is_a_group_of_its_own_and_only_on_a_word_of_its_own() -> None:
    datasets = [
        one(status, f"{number}{bool(sent)}", sent=sent)
        for number, status in enumerate((Status.UNREGISTERED, Status.REGISTERED_WITHOUT_FILES))
        for sent in (SENT, None)
    ]
    plan = make_plan(session_of(*datasets), TERMS)
    assert offered(plan) == [
        (Status.UNREGISTERED, False, ["0False"]),
        (Status.UNREGISTERED, True, ["0True"]),
        (Status.REGISTERED_WITHOUT_FILES, False, ["1False"]),
        (Status.REGISTERED_WITHOUT_FILES, True, ["1True"]),
    ]
    assert plan.warnings == ("2 of these were sent before, and ICAT does not have them",)
    once = make_plan(session_of(*datasets), structs.replace(TERMS, again=False))
    assert [again for _, again, _ in offered(once)] == [False, False]
    assert all(SENT in reason for reason in declined(once).values())
    assert set(declined(once)) == {"0True", "1True"}


def test_what_looks_moved_is_a_group_of_its_own_and_only_on_a_word_of_its_own() -> None:
    datasets = [
        one(Status.UNREGISTERED, "0001", moved="looks moved: it was there"),
        one(Status.UNREGISTERED, "0002"),
        one(Status.UNREGISTERED, "0003", moved="looks moved: it was there", sent=SENT),
    ]
    plan = make_plan(session_of(*datasets), TERMS)
    groups = [
        (group.moved, group.again, group.doubts, [offer.dataset.name for offer in group.offers])
        for group in plan.groups
    ]
    sent, moved = "sent before and not in ICAT", "moved, as it looks"
    assert groups == [
        (False, False, (), ["0002"]),
        (True, False, (moved,), ["0001"]),
        (True, True, (sent, moved), ["0003"]),
    ]
    assert plan.warnings[1:] == ("2 of these look moved: sent, they are in ICAT twice, once where they were",)
    once = make_plan(session_of(*datasets), structs.replace(TERMS, again=False))
    assert [group.moved for group in once.groups] == [False]
    assert declined(once)["0001"] == "looks moved: it was there: to send it takes a confirmation of its own"


HOSTILE = ("a\0b", "a\x1bb", os.fsdecode(b"\xff"), "\ufffe")


@pytest.mark.parametrize("text", HOSTILE)
def test_names_that_no_message_can_carry_are_declined_and_harm_no_other(text: str) -> None:
    session = session_of(
        one(Status.UNREGISTERED, "1", sample=text),
        one(Status.UNREGISTERED, "2", path=f"/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_{text}"),
        one(Status.UNREGISTERED, "3", parameters={"scanNumber": text}),
        one(Status.UNREGISTERED, "4"),
    )
    plan = make_plan(session, TERMS)
    assert offered(plan) == [(Status.UNREGISTERED, False, ["4"])]
    assert set(declined(plan)) == {"1", "2", "3"}


@pytest.mark.parametrize("content", [b"", b"<a>\0</a>"])
def test_a_stored_message_that_can_not_be_sent_is_declined(tmp_path: Path, content: bytes) -> None:
    plan = make_plan(session_of(stored(tmp_path, content)), TERMS)
    assert (offered(plan), list(declined(plan))) == ([], ["0009"])


def test_a_stored_message_that_is_gone_is_declined(tmp_path: Path) -> None:
    dataset = stored(tmp_path)
    Path(dataset.stored or "").unlink()
    plan = make_plan(session_of(dataset), TERMS)
    assert "No such file" in declined(plan)["0009"]


def test_a_session_that_is_not_over_is_warned_of() -> None:
    session = session_of(one(Status.UNREGISTERED), category=Category.TODO_ONGOING)
    assert make_plan(session, TERMS).warnings == ("the session is not over: BLISS may still register some of this",)


@pytest.mark.parametrize("lacking", ["sample", "start", "end"])
def test_what_lacks_something_is_declined_and_never_made_up(lacking: str) -> None:
    known: dict[str, Any] = {lacking: None}
    plan = make_plan(session_of(one(Status.UNREGISTERED, **known)), TERMS)
    assert not plan.groups
    assert "lacks what it takes" in declined(plan)["0001"]


def test_unsupervised_terms_offer_nothing_but_files() -> None:
    plan = make_plan(every_status(), structs.replace(TERMS, statuses=UNSUPERVISED, again=False))
    assert offered(plan) == [(Status.REGISTERED_WITHOUT_FILES, False, ["0005"])]


def test_the_same_session_makes_the_same_plan_but_for_ids(tmp_path: Path) -> None:
    session = session_of(one(Status.UNREGISTERED), stored(tmp_path), fit=Fit(7, Match.INSIDE, START, START, END))
    first, second = make_plan(session, TERMS), make_plan(session, TERMS)
    same = [structs.replace(offer.message, id="") for offer in first.offers]
    assert same == [structs.replace(offer.message, id="") for offer in second.offers]
