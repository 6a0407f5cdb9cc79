"""Catalogue queries: each made once, shared by sessions that need it at once, and dropped after the last one."""

import threading
from pathlib import Path
from typing import Any

import pytest

from icat_tui.domain.model import (
    Answer,
    CatalogueDataset,
    DiskDataset,
    DiskSession,
    Investigation,
    Match,
    Outcome,
    SessionDirectory,
)
from icat_tui.sync.catalogue_query import SessionQuery, SharedAnswers, query_session
from tests.support.catalogue_in_memory import NOTHING, OUTAGE, CatalogueInMemory
from tests.support.scanning import NOW
from tests.support.sessions_on_disk import session_at
from tests.support.time_slot import END, FACILITY, START

AN_ANSWER = Answer(Outcome.OK, (Investigation(7, "HG-333", START, END),))


def directories(root: Path, *proposals: str) -> list[SessionDirectory]:
    return [session_at(root, proposal, f"2023102{number}") for number, proposal in enumerate(proposals)]


def answers_of(catalogue: CatalogueInMemory, *expected: SessionDirectory) -> SharedAnswers:
    answers = SharedAnswers(catalogue, FACILITY)
    for directory in expected:
        answers.expect(directory)
    return answers


# -- sharing ---------------------------------------------------------------------------------------------------------


def test_who_asks_at_the_same_time_waits_for_one_answer(root: Path, held: threading.Event) -> None:
    catalogue = CatalogueInMemory(meanwhile=lambda _: held.wait())
    catalogue.told["id99", "hg333"] = AN_ANSWER
    sessions = directories(root, *["hg333"] * 8)
    answers, told, waiting = answers_of(catalogue, *sessions), [], threading.Barrier(9)

    def ask_for(directory: SessionDirectory) -> None:
        waiting.wait()
        told.append(answers.investigations(directory))

    threads = [threading.Thread(target=ask_for, args=(directory,)) for directory in sessions]
    for thread in threads:
        thread.start()
    waiting.wait()
    held.set()
    for thread in threads:
        thread.join()
    assert told == [AN_ANSWER] * 8
    assert catalogue.asked == [("id99", "hg333")]


def test_an_exception_is_had_by_all_who_ask(root: Path) -> None:
    def meanwhile(_: object) -> None:
        raise ZeroDivisionError

    catalogue = CatalogueInMemory(meanwhile)
    sessions = directories(root, "hg333", "hg333")
    answers = answers_of(catalogue, *sessions)
    for directory in sessions:
        with pytest.raises(ZeroDivisionError):
            answers.investigations(directory)
    assert len(catalogue.asked) == 1


def test_answers_are_kept_until_the_last_session_is_done_and_another_proposal_is_found(root: Path) -> None:
    catalogue = CatalogueInMemory()
    first, second, other = directories(root, "hg333", "hg333", "hg334")
    answers = answers_of(catalogue, first)

    def times_asked() -> int:
        answers.investigations(first)
        answers.contents(first, 7)
        assert catalogue.asked.count(7) == catalogue.asked.count(("id99", "hg333"))
        return catalogue.asked.count(7)

    assert times_asked() == 1
    answers.release(first)
    assert times_asked() == 1, "more sessions of the proposal may be found"
    answers.expect(second)
    answers.expect(other)
    assert times_asked() == 1, "one of its sessions is not done"
    answers.release(second)
    assert times_asked() == 2
    answers.release(other)


@pytest.mark.parametrize("found_before_done", [True, False])
def test_at_the_end_nothing_is_kept(root: Path, found_before_done: bool) -> None:
    catalogue = CatalogueInMemory()
    (directory,) = directories(root, "hg333")
    answers = answers_of(catalogue, directory)
    answers.investigations(directory)
    for step in (answers.expect_no_more, lambda: answers.release(directory))[:: 1 if found_before_done else -1]:
        step()
    answers.investigations(directory)
    assert len(catalogue.asked) == 2


def test_proposals_of_the_same_name_at_two_beamlines_are_two_questions(root: Path) -> None:
    catalogue = CatalogueInMemory()
    one = session_at(root)
    other = SessionDirectory(one.path, one.proposal, "id00", one.date, one.format)
    answers = answers_of(catalogue, one, other)
    answers.investigations(one)
    answers.investigations(other)
    assert catalogue.asked == [("id99", "hg333"), ("id00", "hg333")]


# -- what is concluded from the answers ------------------------------------------------------------------------------


def asked_about(directory: SessionDirectory, catalogue: CatalogueInMemory, investigation: int | None = None) -> Any:
    path = f"{directory.raw_path}/colA/colA_0001"
    disk = DiskSession(listed_at=0, first_seen=0, datasets=(DiskDataset(path=path, collection="colA", name="0001"),))
    answers = answers_of(catalogue, directory)
    return query_session(answers, SessionQuery(directory, FACILITY, NOW, investigation), disk)


@pytest.mark.parametrize(
    ("told", "investigation", "trouble"),
    [
        (NOTHING, None, ""),
        (OUTAGE, None, "ICAT+ does not answer"),
        (OUTAGE, 7, "ICAT+ does not answer"),
        (Answer(Outcome.OK, (Investigation(5, "HG-333"),)), None, "no start date of the investigations"),
        (Answer(Outcome.OK, unreadable=("id 5",)), None, "could not be read (id 5)"),
        (NOTHING, 7, "ICAT has no investigation 7 with a start date for this session (it has none)"),
        (AN_ANSWER, 8, "ICAT has no investigation 8 with a start date for this session (it has 7)"),
    ],
)
def test_why_the_investigation_can_not_be_told_is_said(
    root: Path, told: Answer[Investigation], investigation: int | None, trouble: str
) -> None:
    catalogue = CatalogueInMemory()
    catalogue.told["id99", "hg333"] = told
    found = asked_about(session_at(root), catalogue, investigation)
    assert found.fit is None
    assert trouble in found.trouble
    assert bool(found.trouble) == bool(trouble)
    assert found.investigations == told.rows


def test_an_investigation_without_a_start_is_a_candidate_and_never_chosen(root: Path) -> None:
    catalogue = CatalogueInMemory()
    catalogue.told["id99", "hg333"] = Answer(Outcome.OK, (*AN_ANSWER.rows, Investigation(9, "HG-333")))
    found = asked_about(session_at(root), catalogue)
    assert (found.fit.id, found.fit.match) == (7, Match.INSIDE)
    assert [candidate.id for candidate in found.investigations] == [7, 9]


def test_an_outage_of_the_datasets_leaves_the_investigation_known(root: Path) -> None:
    catalogue = CatalogueInMemory()
    catalogue.told |= {("id99", "hg333"): AN_ANSWER, 7: OUTAGE}
    found = asked_about(session_at(root), catalogue)
    assert (found.fit.id, found.trouble, found.listed.by_key) == (7, OUTAGE.reason, {})


def test_datasets_are_those_of_the_session_in_any_spelling_and_no_others(root: Path) -> None:
    directory = session_at(root)
    locations = [
        f"{directory.raw_path}/colA/colA_0002",
        directory.raw_path.replace("id99", "ID99") + "/colA/colA_0003",
        directory.raw_path.replace("hg333", "HG333") + "/colA/colA_0004",
        directory.raw_path.replace("20231019", "20231020") + "/colA/colA_0005",
    ]
    catalogue = CatalogueInMemory()
    rows = tuple(CatalogueDataset(number, location, 7) for number, location in enumerate(locations))
    catalogue.told |= {("id99", "hg333"): AN_ANSWER, 7: Answer(Outcome.OK, rows)}
    found = asked_about(directory, catalogue)
    assert sorted(row.id for rows in found.listed.by_key.values() for row in rows) == [0, 1, 2]
