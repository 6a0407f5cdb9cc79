"""What stands in the journal about a dataset: the latest record counts."""

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action
from icat_tui.journal.reader import JournalReader, Latest, Standing
from icat_tui.journal.records import SendOutcome
from icat_tui.journal.writer import Journal
from tests.journal.entries import message, records, standing, standings

ONE = message(1)


def planned(journal: Journal) -> None:
    journal.plan([ONE])


def intended(journal: Journal) -> None:
    planned(journal)
    journal.intend([ONE])


def concluded(outcome: SendOutcome, words: str = "") -> Callable[[Journal], None]:
    def act(journal: Journal) -> None:
        intended(journal)
        journal.conclude([(ONE, outcome, words)])

    return act


def seen(journal: Journal) -> None:
    concluded(SendOutcome.ACCEPTED)(journal)
    journal.seen([ONE])


@pytest.mark.parametrize(
    ("history", "out", "rejected", "resumable", "reason"),
    [
        (planned, None, None, True, ""),
        (intended, Latest.INTENDED, None, False, "no receipt"),
        (concluded(SendOutcome.UNKNOWN, "cut"), Latest.UNKNOWN, None, False, "no receipt"),
        (concluded(SendOutcome.ACCEPTED), Latest.ACCEPTED, None, False, "sent "),
        (concluded(SendOutcome.REJECTED, "too large"), None, "too large", False, ""),
        (seen, None, None, False, ""),
    ],
)
def test_the_latest_record_says_where_a_dataset_stands(
    journal: Journal, *, history: Callable[[Journal], None], out: Latest, rejected: str, resumable: bool, reason: str
) -> None:
    history(journal)
    found = standing(journal, ONE)
    assert (found.out and found.out.latest) == out
    assert (found.rejected and found.rejected.words) == rejected
    assert bool(found.planned) == resumable
    assert [sending.id for sending in standings(journal).planned()] == (["m0001"] if resumable else [])
    assert (found.out.reason if found.out else "").startswith(reason)
    last = records(journal)[-1]
    if found.out:
        assert f"by {last.user} on {last.host}" in found.out.reason


def test_an_intent_that_was_taken_back_can_be_resumed(journal: Journal) -> None:
    intended(journal)
    planned(journal)
    assert standing(journal, ONE).out is None
    assert standing(journal, ONE).planned


def test_what_went_out_before_stands_whatever_is_planned_or_rejected_after_it(journal: Journal) -> None:
    concluded(SendOutcome.ACCEPTED)(journal)
    again = message(2, dataset=ONE.dataset)
    journal.plan([again])
    assert standing(journal, ONE).out
    journal.intend([again])
    journal.conclude([(again, SendOutcome.REJECTED, "no")])
    found = standing(journal, ONE)
    assert found.out
    assert found.out.id == "m0001"
    assert found.rejected
    assert found.rejected.id == "m0002"


def test_seeing_a_dataset_settles_everything_that_was_sent_for_it(journal: Journal) -> None:
    concluded(SendOutcome.UNKNOWN)(journal)
    again = message(2, dataset=ONE.dataset)
    journal.plan([again, message(3, dataset=ONE.dataset)])
    journal.intend([again])
    journal.seen([again])
    assert standing(journal, ONE) == Standing()
    assert not list(standings(journal).pending())
    assert not list(standings(journal).planned())


def test_a_receipt_after_it_was_seen_does_not_make_it_pending(journal: Journal) -> None:
    intended(journal)
    journal.seen([ONE])
    journal.conclude([(ONE, SendOutcome.ACCEPTED, "")])
    assert standing(journal, ONE) == Standing()


def test_an_older_plan_is_given_up_when_a_newer_one_goes_out(journal: Journal) -> None:
    planned(journal)
    again = message(2, dataset=ONE.dataset)
    journal.plan([again])
    journal.intend([again])
    assert not list(standings(journal).planned())


def test_a_dataset_is_the_same_below_another_mount_point(journal: Journal) -> None:
    concluded(SendOutcome.ACCEPTED)(journal)
    assert standings(journal).dataset(f"/gpfs/easy{ONE.dataset}").out
    assert standings(journal).dataset(ONE.dataset.replace("id99", "ID99")).out
    assert not standings(journal).dataset(ONE.dataset + "x").out


def test_adding_files_and_registering_are_two_things(journal: Journal) -> None:
    files = message(5, action=Action.ADD_FILES, icat_id=77, dataset=ONE.dataset)
    journal.plan([files])
    journal.intend([files])
    assert standing(journal, ONE) == Standing()
    assert standings(journal).files(77).out
    assert standings(journal).files(78) == Standing()


@pytest.mark.parametrize("outcome", SendOutcome)
def test_a_body_that_went_out_before_is_known_by_its_digest(journal: Journal, outcome: SendOutcome) -> None:
    concluded(outcome)(journal)
    assert bool(standings(journal).sent_before(ONE.digest)) == (outcome is not SendOutcome.REJECTED)
    assert standings(journal).sent_before(message(2).digest) is None


def test_a_body_stays_known_after_it_was_seen_and_after_another_was_rejected(journal: Journal) -> None:
    seen(journal)
    again = message(2, body=ONE.body)
    journal.intend([again])
    journal.conclude([(again, SendOutcome.REJECTED, "no")])
    found = standings(journal).sent_before(ONE.digest)
    assert found
    assert found.id == "m0001"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["plan", "intend", "accept", "reject", "lose", "see"]), st.integers(0, 2))))
def test_whatever_happens_what_went_out_is_pending_until_it_is_rejected_or_seen(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int]]
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal") / "journal.jsonl")
    out: set[int] = set()
    gone: set[int] = set()
    for act, number in history:
        one = message(number, dataset=ONE.dataset)
        match act:
            case "plan" if number not in out | gone:
                journal.plan([one])
            case "intend" if number not in out | gone:
                journal.intend([one])
                out.add(number)
            case "accept" | "lose" if number in out:
                outcome = SendOutcome.ACCEPTED if act == "accept" else SendOutcome.UNKNOWN
                journal.conclude([(one, outcome, "")])
            case "reject" if number in out:
                journal.conclude([(one, SendOutcome.REJECTED, "no")])
                out.discard(number)
                gone.add(number)
            case "see":
                journal.seen([one])
                gone |= out | {number}
                out.clear()
    assert bool(standing(journal, ONE).out) == bool(out)
    assert {sending.id for sending in standings(journal).pending()} == {f"m{number:04d}" for number in out}


# -- reading on --------------------------------------------------------------------------------------------------------


def test_reading_on_is_the_same_as_reading_it_all(journal: Journal) -> None:
    reader = JournalReader(journal.path, Facility())
    for act in (planned, intended, concluded(SendOutcome.ACCEPTED), seen):
        act(journal)
        assert reader.refresh()
        assert not reader.refresh()
        assert reader.standings.dataset(ONE.dataset) == standing(journal, ONE)


def test_a_journal_that_was_replaced_is_read_anew(journal: Journal) -> None:
    planned(journal)
    reader = JournalReader(journal.path, Facility())
    reader.refresh()
    journal.path.rename(journal.path.with_suffix(".old"))
    journal.plan([message(2)])
    assert reader.refresh()
    assert [sending.id for sending in reader.standings.planned()] == ["m0002"]
    journal.path.unlink()
    reader.refresh()
    assert not list(reader.standings.planned())


@pytest.mark.slow
def test_a_large_journal_is_not_held_in_memory(journal: Journal) -> None:
    body = b"x" * 20_000
    for start in range(0, 5_000, 500):
        plan = [message(number, body=body) for number in range(start, start + 500)]
        journal.plan(plan)
        journal.intend(plan)
        journal.conclude([(one, SendOutcome.ACCEPTED, "") for one in plan])
    assert journal.path.stat().st_size > 100_000_000
    tracemalloc.start()
    found = standings(journal)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(list(found.pending())) == 5_000
    assert peak < 20_000_000
