"""What the journal says of a dataset, as the rules ask for it."""

from pathlib import Path

import pytest

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action, Message
from icat_tui.journal.records import JournalError, SendOutcome
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import message

DATASET = message(1)
FILES = message(1, id="files", action=Action.ADD_FILES, icat_id=11, body=b"{}")


def view(journal: Journal) -> JournalView:
    return JournalView(journal.path, Facility())


def sent(journal: Journal, one: Message, outcome: SendOutcome | None = None, words: str = "") -> None:
    journal.record_plans([one])
    journal.record_intents([one])
    if outcome:
        journal.record_outcomes([(one, outcome, words)])


def test_without_a_journal_nothing_was_sent(journal: Journal) -> None:
    found = view(journal)
    assert found.registration(DATASET.dataset) is found.files(11) is None
    assert found.rejection(DATASET.dataset) is found.files_rejection(11) is None
    assert not journal.path.exists()


def test_what_was_only_planned_was_not_sent(journal: Journal) -> None:
    journal.record_plans([DATASET, FILES])
    assert view(journal).registration(DATASET.dataset) is view(journal).files(11) is None


@pytest.mark.parametrize("outcome", [None, SendOutcome.UNKNOWN, SendOutcome.ACCEPTED])
def test_what_went_out_is_out_until_it_is_seen(journal: Journal, outcome: SendOutcome | None) -> None:
    sent(journal, DATASET, outcome, "no receipt in time")
    found = view(journal)
    known = found.registration(f"/gpfs/easy{DATASET.dataset}")
    assert known is not None
    assert ("no receipt" in known.reason) == (outcome is not SendOutcome.ACCEPTED)
    assert found.files(11) is None
    journal.record_seen([DATASET])
    assert found.registration(DATASET.dataset) is not None, "as it was at the last refresh"
    found.refresh()
    assert found.registration(DATASET.dataset) is None


def test_files_and_registrations_are_kept_apart(journal: Journal) -> None:
    sent(journal, FILES, SendOutcome.REJECTED, "no such queue")
    found = view(journal)
    assert found.registration(DATASET.dataset) is found.files(11) is None
    assert found.rejection(DATASET.dataset) is None
    assert "no such queue" in (found.files_rejection(11) or "")
    sent(journal, DATASET, SendOutcome.REJECTED, "too long")
    found.refresh()
    assert "too long" in (found.rejection(DATASET.dataset) or "")
    sent(journal, message(1, id="again"), SendOutcome.ACCEPTED)
    found.refresh()
    assert found.rejection(DATASET.dataset) is None
    assert found.registration(DATASET.dataset) is not None


def test_a_journal_that_can_not_be_read_is_an_error_and_not_empty(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(JournalError):
        JournalView(tmp_path / "journal.jsonl", Facility())
