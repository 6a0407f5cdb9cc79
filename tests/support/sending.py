"""Sending a plan to a broker in a test, and the states of its messages by the journal."""

from icat_tui.domain.message import Message
from icat_tui.ingest.broker import Broker
from icat_tui.ingest.send_events import SendEvent, SendingFinished
from icat_tui.ingest.sender import send
from icat_tui.journal.sendings import MessageState
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import journal_index, records


def message_states(journal: Journal) -> dict[str, MessageState]:
    found = journal_index(journal)
    everything = {sending.id: sending.state for sending in (*found.planned(), *found.pending())}
    for record in records(journal):
        everything.setdefault(record.id, MessageState.REJECTED)
    return everything


def finished(events: list[SendEvent]) -> SendingFinished:
    assert isinstance(events[-1], SendingFinished)
    assert sum(isinstance(event, SendingFinished) for event in events) == 1
    return events[-1]


def run(broker: Broker, journal: Journal, plan: list[Message]) -> list[SendEvent]:
    journal.record_plans(plan)
    return list(send(plan, broker, journal))
