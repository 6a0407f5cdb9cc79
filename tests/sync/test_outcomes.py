"""What became of confirmed messages: each is counted once, and what ICAT may still show is looked for."""

from icat_tui.ingest.send_events import MessageAccepted, MessageRejected, MessageUnknown
from icat_tui.sync.outcomes import MessageOutcome, Outcomes
from icat_tui.sync.submit import MessageSkipped
from icat_tui.sync.verify import MessageConfirmed, VerifyFailed
from tests.support.journal_entries import message, messages


def test_each_message_counts_once_with_its_latest_outcome() -> None:
    outcomes, (first, second, third) = Outcomes(), messages(3)
    outcomes.add(MessageUnknown(first, "no receipt"))
    assert outcomes.reason(first.id) == "no receipt"
    outcomes.add(MessageAccepted(first))
    assert outcomes.reason(first.id) == ""
    outcomes.add(MessageSkipped(second, "it has changed"))
    outcomes.add(MessageUnknown(third, "no receipt"))
    assert outcomes.counts == {MessageOutcome.ACCEPTED: 1, MessageOutcome.SKIPPED: 1, MessageOutcome.UNKNOWN: 1}
    assert outcomes.how_far() == "1 sent, 1 not sent, 1 unknown"


def test_what_went_out_is_looked_for_until_icat_has_it_or_the_broker_did_not_want_it() -> None:
    outcomes, (confirmed, rejected, unseen) = Outcomes(), messages(3)
    for each in (confirmed, rejected, unseen):
        outcomes.add(MessageAccepted(each))
    outcomes.add(MessageRejected(rejected, "no"))
    outcomes.confirm(MessageConfirmed(confirmed, 7, 1))
    outcomes.confirm(VerifyFailed(unseen, "ICAT+ did not answer"))
    assert list(outcomes.open) == [unseen]
    assert outcomes.of(confirmed.id) == MessageOutcome.SEEN
    assert outcomes.of(rejected.id) == MessageOutcome.REJECTED
    assert outcomes.reason(unseen.id) == "ICAT+ did not answer"


def test_a_planned_message_counts_as_not_sent_until_it_is_sent() -> None:
    outcomes, planned = Outcomes(), message(0)
    outcomes.expect(planned.id)
    assert outcomes.how_far(to_go=1) == "1 to go, 0 sent, 0 not sent, 0 unknown"
    assert outcomes.how_far() == "0 sent, 1 not sent, 0 unknown"
    outcomes.add(MessageAccepted(planned))
    assert outcomes.how_far() == "1 sent, 0 not sent, 0 unknown"
