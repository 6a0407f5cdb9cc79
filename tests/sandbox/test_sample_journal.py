from pathlib import Path

import pytest

from icat_tui.domain.message import Action
from icat_tui.journal.reader import JournalReader, MessageState
from icat_tui.journal.records import planned_message, read_journal
from icat_tui.sandbox.cases import InIcat, InJournal
from icat_tui.sandbox.fake_icatplus import CatalogueState
from icat_tui.sandbox.fake_ingester import ingest
from icat_tui.sandbox.raw_data_tree import SITE, SandboxDataset, SandboxFacility, catalogue_state
from icat_tui.sandbox.sample_journal import LONG_AGO, OUTCOMES, SENDER, write_journal
from icat_tui.settings.schema import Settings


@pytest.fixture(scope="module")
def state(facility: SandboxFacility) -> CatalogueState:
    return catalogue_state(facility)


@pytest.fixture
def journal(facility: SandboxFacility, state: CatalogueState, tmp_path: Path) -> Path:
    path = tmp_path / "state" / "journal.jsonl"
    write_journal(path, facility, state)
    return path


def sent(facility: SandboxFacility) -> list[SandboxDataset]:
    return [
        dataset
        for session in facility.sessions
        for dataset in session.datasets
        if dataset.situation.journal != InJournal.NOTHING
    ]


def test_the_program_reads_every_line_of_it(journal: Path, facility: SandboxFacility) -> None:
    lines = list(read_journal(journal))
    assert len(lines) == 3 * len(sent(facility))
    assert {line.record.user for line in lines if line.record} == {SENDER}


def test_it_says_of_each_dataset_what_the_story_tells(
    journal: Path, facility: SandboxFacility, state: CatalogueState
) -> None:
    reader = JournalReader(journal, SITE)
    reader.refresh()
    ids = {row["location"]: row["id"] for slot in facility.investigations for row in state.datasets(slot.id)}
    for dataset in sent(facility):
        if dataset.situation.icat == InIcat.NO_FILES:
            standing = reader.index.files(ids[dataset.acquisition.location])
        else:
            standing = reader.index.dataset(dataset.path)
        sending = standing.rejected if dataset.situation.journal == InJournal.REJECTED else standing.pending
        assert sending is not None
        assert sending.state == MessageState(OUTCOMES[dataset.situation.journal][0].value)
        age = facility.now - sending.time
        assert (age > Settings().pending_timeout) == (dataset.situation.journal == InJournal.LONG_AGO)
        assert age <= LONG_AGO


def test_its_messages_are_ones_that_would_have_been_ingested(
    journal: Path, facility: SandboxFacility, state: CatalogueState
) -> None:
    seen = set()
    for line in read_journal(journal):
        if line.record and line.record.record == "plan":
            message = planned_message(journal, line.offset)
            assert message.digest == line.record.digest
            ingest(state, facility, message.destination, message.body)
            seen.add(message.action)
    assert seen == set(Action)


def test_a_journal_that_is_there_is_not_written_over(
    journal: Path, facility: SandboxFacility, state: CatalogueState
) -> None:
    with pytest.raises(FileExistsError):
        write_journal(journal, facility, state)
