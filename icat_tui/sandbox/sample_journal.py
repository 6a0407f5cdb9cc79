"""Sample journal: messages that were sent before, and whose effects ICAT never shows (interface.md, "Journal").

It is written record by record and not by the program's writer, so that time, user and host can be others.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from icat_tui.disk.location import resolved
from icat_tui.domain.message import Action, Message
from icat_tui.ingest.dataset_xml import add_files_body
from icat_tui.journal.directory import JournalDirectory, make_journal, name_shard, new_mark
from icat_tui.journal.records import SCHEMA, Record, RecordKind, SendOutcome, line
from icat_tui.journal.shard import shard_of
from icat_tui.sandbox.acquisition import stored_message
from icat_tui.sandbox.cases import InIcat, InJournal, StoredState
from icat_tui.sandbox.fake_icatplus import CatalogueState
from icat_tui.sandbox.raw_data_tree import SITE, SandboxDataset, SandboxFacility, SandboxInvestigation

SENDER, SENT_FROM = "opid21", "lid21ctrl1"
A_WHILE_AGO = timedelta(minutes=20)
LONG_AGO = timedelta(days=5)
"""Longer than `pending_timeout`, a day."""
OUTCOMES = {
    InJournal.ACCEPTED: (SendOutcome.ACCEPTED, ""),
    InJournal.LONG_AGO: (SendOutcome.ACCEPTED, ""),
    InJournal.NO_RECEIPT: (SendOutcome.UNKNOWN, "the connection was lost"),
    InJournal.REJECTED: (SendOutcome.REJECTED, "User opid21 is not authorized to write to: queue://icatIngest"),
}


def write_journal(path: Path, facility: SandboxFacility, state: CatalogueState) -> None:
    """Make a journal with that of the scenario in a new directory; the ids of datasets come from `state`."""
    ids = {
        row["location"]: row["id"]
        for investigation in facility.investigations
        for row in state.datasets(investigation.id)
    }
    path.mkdir(parents=True)
    mark = new_mark()
    make_journal(path, mark)
    directory = JournalDirectory(path)
    shards: dict[str, list[bytes]] = {}
    for session in facility.sessions:
        for dataset in session.datasets:
            if session.investigation and dataset.situation.journal != InJournal.NOTHING:
                lines = shards.setdefault(shard_of(dataset.path), [])
                lines += map(line, _records(facility, session.investigation, dataset, ids))
    for name, lines in shards.items():
        with name_shard(directory, mark, name):
            header = line({"record": "shard", "schema": SCHEMA, "journal": mark.id, "shard": name})
            directory.shard(name).write_bytes(header + b"".join(lines))


def _records(
    facility: SandboxFacility, investigation: SandboxInvestigation, dataset: SandboxDataset, ids: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield the records about the message of one dataset: plan, intent, outcome."""
    situation = dataset.situation
    message = _message(dataset, investigation, ids)
    plan = Record(
        record=RecordKind.PLAN,
        schema=SCHEMA,
        id=message.id,
        time=facility.now - (LONG_AGO if situation.journal == InJournal.LONG_AGO else A_WHILE_AGO),
        user=SENDER,
        host=SENT_FROM,
        action=message.action,
        dataset=message.dataset,
        location=resolved(message.dataset),
        proposal=message.proposal,
        beamline=message.beamline,
        icat_id=message.icat_id,
        investigation=message.investigation,
        destination=message.destination,
        digest=message.digest,
    )
    record: dict[str, Any] = msgspec.to_builtins(plan)
    del record["outcome"], record["settled"], record["words"]
    outcome, words = OUTCOMES[situation.journal]
    yield record | {"body": message.body.decode()}
    yield record | {"record": RecordKind.INTENT}
    yield record | {"record": RecordKind.OUTCOME, "outcome": outcome} | ({"words": words} if words else {})


def _message(dataset: SandboxDataset, investigation: SandboxInvestigation, ids: dict[str, int]) -> Message:
    if dataset.situation.icat == InIcat.NO_FILES:
        icat_id = ids[dataset.acquisition.location]
        return Message(
            action=Action.ADD_FILES,
            destination=SITE.files_queue,
            body=add_files_body(icat_id),
            dataset=dataset.path,
            icat_id=icat_id,
            investigation=investigation.id,
        )
    stored = dataset.situation.stored != StoredState.NOTHING
    return Message(
        action=Action.REGISTER_STORED if stored else Action.REGISTER,
        destination=SITE.dataset_queue,
        body=stored_message(dataset.acquisition, StoredState.USABLE).encode(),
        dataset=dataset.path,
        investigation=investigation.id,
    )
