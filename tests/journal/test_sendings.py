"""States of messages by their latest record in the journal."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icat_tui.domain.message import Action
from icat_tui.journal.records import SendOutcome, Settlement
from icat_tui.journal.sendings import LastMessages, MessageState, Seen
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import journal_index, last_messages, message, own_journal, records

ONE = message(1)


def planned(journal: Journal) -> None:
    journal.record_plans([ONE])


def intended(journal: Journal) -> None:
    planned(journal)
    journal.record_intents([ONE])


def concluded(outcome: SendOutcome, words: str = "") -> Callable[[Journal], None]:
    def act(journal: Journal) -> None:
        intended(journal)
        journal.record_outcomes([(ONE, outcome, words)])

    return act


def seen(journal: Journal) -> None:
    concluded(SendOutcome.ACCEPTED)(journal)
    journal.record_seen([(ONE, 11)])


@pytest.mark.parametrize(
    ("history", "out", "rejected", "resumable", "reason"),
    [
        (planned, None, None, True, ""),
        (intended, MessageState.INTENDED, None, False, "no receipt, sent "),
        (concluded(SendOutcome.UNKNOWN, "cut"), MessageState.UNKNOWN, None, False, "cut"),
        (concluded(SendOutcome.ACCEPTED), MessageState.ACCEPTED, None, False, "sent "),
        (concluded(SendOutcome.REJECTED, "too large"), None, "too large", False, ""),
        (seen, None, None, False, ""),
    ],
)
def test_the_latest_record_says_where_a_dataset_stands(
    journal: Journal,
    *,
    history: Callable[[Journal], None],
    out: MessageState,
    rejected: str,
    resumable: bool,
    reason: str,
) -> None:
    history(journal)
    found = last_messages(journal, ONE)
    assert (found.pending and found.pending.state) == out
    assert (found.rejected and found.rejected.words) == rejected
    assert bool(found.planned) == resumable
    assert [sending.id for sending in journal_index(journal).planned()] == (["m0001"] if resumable else [])
    assert reason in (found.pending.reason if found.pending else "")
    last = records(journal)[-1]
    if found.pending:
        assert f"by {last.user} on {last.host}" in found.pending.reason
        assert ("(" in found.pending.reason) == (reason == "cut")


def test_an_intent_that_was_taken_back_can_be_resumed(journal: Journal) -> None:
    intended(journal)
    planned(journal)
    assert last_messages(journal, ONE).pending is None
    assert last_messages(journal, ONE).planned


def test_what_went_out_before_stands_whatever_is_planned_or_rejected_after_it(journal: Journal) -> None:
    concluded(SendOutcome.ACCEPTED)(journal)
    again = message(2, dataset=ONE.dataset)
    journal.record_plans([again])
    assert last_messages(journal, ONE).pending
    journal.record_intents([again])
    journal.record_outcomes([(again, SendOutcome.REJECTED, "no")])
    found = last_messages(journal, ONE)
    assert found.pending
    assert found.pending.id == "m0001"
    assert found.rejected
    assert found.rejected.id == "m0002"


def test_seeing_a_dataset_settles_everything_that_was_sent_for_it(journal: Journal) -> None:
    concluded(SendOutcome.UNKNOWN)(journal)
    again = message(2, dataset=ONE.dataset)
    journal.record_plans([again, message(3, dataset=ONE.dataset)])
    journal.record_intents([again])
    journal.record_seen([(again, None)])
    assert last_messages(journal, ONE) == LastMessages(seen=Seen(None, records(journal)[-1].time))
    assert not list(journal_index(journal).pending())
    assert not list(journal_index(journal).planned())


def test_a_receipt_after_it_was_seen_does_not_make_it_pending(journal: Journal) -> None:
    intended(journal)
    journal.record_seen([(ONE, 11)])
    when = records(journal)[-1].time
    journal.record_outcomes([(ONE, SendOutcome.ACCEPTED, "")])
    assert last_messages(journal, ONE) == LastMessages(seen=Seen(11, when))


def test_an_older_plan_is_given_up_when_a_newer_one_goes_out(journal: Journal) -> None:
    planned(journal)
    again = message(2, dataset=ONE.dataset)
    journal.record_plans([again])
    journal.record_intents([again])
    assert not list(journal_index(journal).planned())


def test_a_dataset_is_the_same_below_another_mount_point(journal: Journal) -> None:
    concluded(SendOutcome.ACCEPTED)(journal)
    assert journal_index(journal).dataset(f"/gpfs/easy{ONE.dataset}").pending
    assert journal_index(journal).dataset(ONE.dataset.replace("id99", "ID99")).pending
    assert not journal_index(journal).dataset(ONE.dataset + "x").pending


def test_adding_files_and_registering_are_two_things(journal: Journal) -> None:
    files = message(5, action=Action.ADD_FILES, icat_id=77, dataset=ONE.dataset)
    journal.record_plans([files])
    journal.record_intents([files])
    assert last_messages(journal, ONE) == LastMessages()
    assert journal_index(journal).files(77).pending
    assert journal_index(journal).files(78) == LastMessages()


@pytest.mark.parametrize("outcome", SendOutcome)
def test_a_body_that_went_out_before_is_known_by_its_digest(journal: Journal, outcome: SendOutcome) -> None:
    concluded(outcome)(journal)
    assert bool(journal_index(journal).sent_before(ONE.digest)) == (outcome is not SendOutcome.REJECTED)
    assert journal_index(journal).sent_before(message(2).digest) is None


def test_a_body_stays_known_after_it_was_seen_and_after_another_was_rejected(journal: Journal) -> None:
    seen(journal)
    again = message(2, body=ONE.body)
    journal.record_intents([again])
    journal.record_outcomes([(again, SendOutcome.REJECTED, "no")])
    found = journal_index(journal).sent_before(ONE.digest)
    assert found
    assert found.id == "m0001"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["plan", "intend", "accept", "reject", "lose", "see"]), st.integers(0, 2))))
def test_whatever_happens_what_went_out_is_pending_until_it_is_rejected_or_seen(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, int]]
) -> None:
    journal = Journal(own_journal(tmp_path_factory.mktemp("journal")))
    out: set[int] = set()
    gone: set[int] = set()
    for act, number in history:
        one = message(number, dataset=ONE.dataset)
        match act:
            case "plan" if number not in out | gone:
                journal.record_plans([one])
            case "intend" if number not in out | gone:
                journal.record_intents([one])
                out.add(number)
            case "accept" | "lose" if number in out:
                outcome = SendOutcome.ACCEPTED if act == "accept" else SendOutcome.UNKNOWN
                journal.record_outcomes([(one, outcome, "")])
            case "reject" if number in out:
                journal.record_outcomes([(one, SendOutcome.REJECTED, "no")])
                out.discard(number)
                gone.add(number)
            case "see":
                journal.record_seen([(one, None)])
                gone |= out | {number}
                out.clear()
    assert bool(last_messages(journal, ONE).pending) == bool(out)
    assert {sending.id for sending in journal_index(journal).pending()} == {f"m{number:04d}" for number in out}


# -- plans, skipping, settling -----------------------------------------------------------------------------------------


def test_a_newer_plan_of_a_dataset_supersedes_the_older_ones(journal: Journal) -> None:
    planned(journal)
    again = message(2, dataset=ONE.dataset)
    journal.record_plans([again, message(3)])
    assert [sending.id for sending in journal_index(journal).planned()] == ["m0002", "m0003"]


def test_what_was_skipped_is_planned_no_more(journal: Journal) -> None:
    planned(journal)
    journal.record_skipped([(ONE, "it is registered now")])
    assert last_messages(journal, ONE) == LastMessages()
    (sending,) = journal_index(journal).sendings()
    assert (sending.state, sending.words) == (MessageState.SKIPPED, "it is registered now")
    planned(journal)
    assert last_messages(journal, ONE).planned


def test_skipping_takes_nothing_back_that_went_out(journal: Journal) -> None:
    intended(journal)
    journal.record_skipped([(ONE, "late")])
    assert last_messages(journal, ONE).pending


def test_a_person_ends_what_is_pending_or_was_seen(journal: Journal) -> None:
    intended(journal)
    (sending,) = journal_index(journal).sendings()
    journal.record_settled(sending, Settlement.SEEN, "found it by hand")
    assert last_messages(journal, ONE).seen
    assert not last_messages(journal, ONE).pending
    journal.record_settled(sending, Settlement.LOST, "the catalogue was restored")
    assert last_messages(journal, ONE) == LastMessages()
    intended(journal)
    journal.record_settled(sending, Settlement.LOST, "it never came")
    assert last_messages(journal, ONE) == LastMessages()
    (sending,) = journal_index(journal).sendings()
    assert (sending.state, sending.words) == (MessageState.LOST, "it never came")
    assert not journal_index(journal).sent_before(ONE.digest)


def test_what_goes_out_again_ends_that_it_was_seen(journal: Journal) -> None:
    seen(journal)
    assert last_messages(journal, ONE).seen == Seen(11, records(journal)[-1].time)
    again = message(2, dataset=ONE.dataset)
    journal.record_plans([again])
    assert last_messages(journal, ONE).seen
    journal.record_intents([again])
    assert last_messages(journal, ONE).seen is None


def test_a_dataset_is_known_by_where_it_lies_and_by_its_spellings(journal: Journal) -> None:
    spelled = ONE.dataset.replace("20231019", "20231020")
    journal.record_intents([message(1, dataset=spelled, location=ONE.dataset)])
    assert journal_index(journal).dataset(ONE.dataset).pending
    assert journal_index(journal).dataset(spelled).pending
    assert not journal_index(journal).dataset(message(2).dataset).pending


def test_the_messages_of_one_confirmation_have_its_order(journal: Journal) -> None:
    for _ in range(2):
        writer = journal.for_order()
        writer.record_plans([message(1), message(2)])
        writer.record_intents([message(1)])
    orders = [record.order for record in records(journal)]
    assert len(set(orders)) == 2
    assert orders[0] == orders[1] == orders[2] != orders[3]
    assert "" not in orders
    (sending, _) = journal_index(journal).sendings()
    journal.record_seen([(sending, None)])
    assert records(journal)[-1].order == orders[3]
