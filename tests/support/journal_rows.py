"""Messages of a journal as they are shown."""

from datetime import UTC, datetime

from icat_tui.domain.message import Action
from icat_tui.journal.sendings import MessageState
from icat_tui.tui.state.journal_entries import JournalEntries, JournalShown
from icat_tui.tui.state.journal_message import JournalMessage, sum_of_tallies

THEN = datetime(2026, 11, 14, 10, 0, tzinfo=UTC)


def a_message(
    identity: str,
    *,
    order: str = "o1",
    session: str = "hg333/id10/20231019",
    state: MessageState = MessageState.PLANNED,
    time: datetime = THEN,
    user: str = "opid10",
    words: str = "",
) -> JournalMessage:
    path = f"/data/visitor/{session}"
    proposal, beamline, _ = session.split("/")
    return JournalMessage(
        id=identity,
        shard=proposal,
        order=order,
        action=Action.REGISTER,
        dataset=f"{path}/RAW_DATA/colA/colA_{identity}",
        session=path,
        proposal=proposal,
        beamline=beamline,
        icat_id=None,
        investigation=7,
        destination="icatIngest",
        state=state,
        time=time,
        user=user,
        host="lid10",
        words=words,
        has_body=True,
    )


def entries_of(*messages: JournalMessage) -> JournalEntries:
    entries = JournalEntries()
    entries.put("shard", messages)
    return entries


def shown_of(*messages: JournalMessage) -> JournalShown:
    orders = entries_of(*messages).shown()
    return JournalShown(orders, sum_of_tallies(order.tally for order in orders), len(messages))
