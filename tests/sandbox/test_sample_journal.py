from pathlib import Path

import pytest

from icat_tui.domain.message import Action
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.sendings import MessageState
from icat_tui.journal.view import troubles_of
from icat_tui.sandbox.cases import InIcat, InJournal
from icat_tui.sandbox.fake_icatplus import CatalogueState
from icat_tui.sandbox.fake_ingester import ingest
from icat_tui.sandbox.raw_data_tree import SITE, SandboxDataset, SandboxFacility
from icat_tui.sandbox.sample_journal import LONG_AGO, OUTCOMES, SENDER, write_journal
from icat_tui.settings.schema import Settings
from tests.support.journal_entries import index_of, records_in


def sent(sandbox_facility: SandboxFacility) -> list[SandboxDataset]:
    return [
        dataset
        for session in sandbox_facility.sessions
        for dataset in session.datasets
        if dataset.situation.journal != InJournal.NOTHING
    ]


def test_the_program_reads_every_line_of_it(sample_journal: Path, sandbox_facility: SandboxFacility) -> None:
    directory = JournalDirectory(sample_journal)
    reader = JournalReader(directory, SITE)
    reader.refresh()
    assert not list(troubles_of(reader.all_shards()))
    records = records_in(directory)
    assert len(records) == 3 * len(sent(sandbox_facility))
    assert {record.user for record in records} == {SENDER}


def test_it_says_of_each_dataset_what_the_story_tells(
    sample_journal: Path, sandbox_facility: SandboxFacility, sandbox_catalogue: CatalogueState
) -> None:
    index = index_of(JournalDirectory(sample_journal))
    ids = {
        row["location"]: row["id"]
        for slot in sandbox_facility.investigations
        for row in sandbox_catalogue.datasets(slot.id)
    }
    for dataset in sent(sandbox_facility):
        if dataset.situation.icat == InIcat.NO_FILES:
            standing = index.files(ids[dataset.acquisition.location])
        else:
            standing = index.dataset(dataset.path)
        sending = standing.rejected if dataset.situation.journal == InJournal.REJECTED else standing.pending
        assert sending is not None
        assert sending.state == MessageState(OUTCOMES[dataset.situation.journal][0].value)
        age = sandbox_facility.now - sending.time
        assert (age > Settings().pending_timeout) == (dataset.situation.journal == InJournal.LONG_AGO)
        assert age <= LONG_AGO


def test_its_messages_are_ones_that_would_have_been_ingested(
    sample_journal: Path, sandbox_facility: SandboxFacility, sandbox_catalogue: CatalogueState
) -> None:
    seen = set()
    reader = JournalReader(JournalDirectory(sample_journal), SITE)
    reader.refresh()
    for sending in index_of(reader.directory).sendings():
        message = reader.message(sending)
        assert message.digest == sending.digest
        ingest(sandbox_catalogue, sandbox_facility, message.destination, message.body)
        seen.add(message.action)
    assert seen == set(Action)


def test_a_journal_that_is_there_is_not_written_over(
    sample_journal: Path, sandbox_facility: SandboxFacility, sandbox_catalogue: CatalogueState
) -> None:
    with pytest.raises(FileExistsError):
        write_journal(sample_journal, sandbox_facility, sandbox_catalogue)
