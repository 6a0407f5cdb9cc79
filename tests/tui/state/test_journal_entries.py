"""The journal as data: orders, sessions and messages, made anew only where something changed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from icat_tui.domain.message import Action
from icat_tui.journal.sendings import MessageState, Sending
from icat_tui.tui.state.journal_entries import JournalEntries
from icat_tui.tui.state.journal_filter import JournalFilter, parse_journal_filter
from icat_tui.tui.state.journal_message import LOOKS, JournalMessage, StateCounts, message_of
from tests.support.journal_rows import THEN, a_message, entries_of

TODAY = THEN.date()


def test_messages_of_one_confirmation_are_one_order_by_session_the_newest_first() -> None:
    entries = entries_of(
        a_message("1", order="old", session="hg333/id10/20231019", time=THEN - timedelta(days=2)),
        a_message("2", order="new", session="hg333/id10/20231020"),
        a_message("3", order="new", session="hg333/id10/20231019", time=THEN - timedelta(days=1)),
    )
    new, old = entries.shown()
    assert (new.key, old.key) == ("new", "old")
    assert [session.label for session in new.sessions] == ["hg333 id10 20231019", "hg333 id10 20231020"]
    assert new.time == THEN - timedelta(days=1)
    assert new.tally == StateCounts(((MessageState.PLANNED, 2),))
    assert entries.messages == 3


def test_an_order_may_lie_in_several_shards_and_grows_as_they_are_read() -> None:
    entries = entries_of(a_message("1", order="one", session="hg333/id10/20231019"))
    entries.put("ma1", [a_message("2", order="one", session="ma1/id10/20231019")])
    (order,) = entries.shown()
    assert [message.id for message in order.messages] == ["1", "2"]
    entries.put("ma1", [])
    (order,) = entries.shown()
    assert [message.id for message in order.messages] == ["1"]
    entries.put("shard", [])
    assert entries.shown() == ()
    assert entries.messages == 0


def test_what_did_not_change_stays_the_same_object() -> None:
    entries = entries_of(a_message("1", order="one"))
    entries.put("other", [a_message("2", order="two")])
    before = entries.shown()
    entries.put("other", [a_message("2", order="two")])
    assert entries.shown() is before
    entries.put("other", [a_message("2", order="two", state=MessageState.SEEN)])
    after = entries.shown()
    unchanged = {order.key: order for order in after}["one"]
    assert unchanged is {order.key: order for order in before}["one"]


def test_a_filter_lets_through_messages_and_hides_orders_without_any() -> None:
    entries = entries_of(
        a_message("1", order="one", user="opid10"),
        a_message("2", order="two", state=MessageState.SEEN),
        a_message("3", order="two", state=MessageState.REJECTED),
    )
    entries.narrow(parse_journal_filter("state:rejected", UTC, TODAY))
    assert [[message.id for message in order.messages] for order in entries.shown()] == [["3"]]
    assert entries.messages == 3
    entries.narrow(JournalFilter())
    assert len(entries.shown()) == 2


states = st.sampled_from(list(MessageState))
message_lists = st.lists(
    st.builds(
        a_message,
        st.uuids().map(str),
        order=st.sampled_from("abc"),
        session=st.sampled_from(("hg333/id10/20231019", "ma1/id21/20240101")),
        state=states,
    ),
    max_size=6,
)


@given(st.lists(st.tuples(st.sampled_from(("s1", "s2")), message_lists), max_size=5), st.sampled_from(("", "state:=")))
def test_whatever_comes_the_orders_are_as_if_made_at_once(
    puts: list[tuple[str, list[JournalMessage]]], text: str
) -> None:
    entries, last = JournalEntries(), dict(puts)
    entries.narrow(parse_journal_filter(text, UTC, TODAY))
    for shard, messages in puts:
        entries.put(shard, messages)
        entries.shown()
    at_once = JournalEntries()
    at_once.narrow(parse_journal_filter(text, UTC, TODAY))
    for shard, messages in last.items():
        at_once.put(shard, messages)
    assert entries.shown() == at_once.shown()
    assert entries.messages == sum(map(len, last.values()))


@pytest.mark.parametrize("state", MessageState)
def test_every_state_has_a_glyph_and_a_word(state: MessageState) -> None:
    assert LOOKS[state].glyph
    assert LOOKS[state].word


def a_sending(**changes: object) -> Sending:
    sending = Sending(
        id="m1",
        order="o1",
        action=Action.REGISTER,
        dataset="/data/visitor/hg333/id10/20231019/RAW_DATA/colA/colA_0001",
        location="/data/visitor/hg333/id10/20231019/RAW_DATA/colA/colA_0001",
        proposal="",
        beamline="",
        icat_id=None,
        investigation=7,
        destination="icatIngest",
        digest="d",
        state=MessageState.PLANNED,
        time=datetime(2026, 11, 14, 23, 30, tzinfo=UTC),
        user="opid10",
        host="lid10",
        plan=0,
    )
    return structs.replace(sending, **changes)


def test_a_message_knows_its_session_and_what_is_not_told_comes_from_the_path() -> None:
    message = message_of("hg333", a_sending(), UTC)
    assert (message.session, message.proposal, message.beamline) == (
        "/data/visitor/hg333/id10/20231019",
        "hg333",
        "id10",
    )
    assert message.name == "colA/colA_0001"
    assert message_of("_", a_sending(dataset="/tmp/a", proposal="told"), UTC).proposal == "told"
    assert message_of("_", a_sending(dataset="/tmp/a"), UTC).name == "/tmp/a"


def test_messages_without_an_order_go_together_by_user_host_and_day() -> None:
    one = message_of("s", a_sending(order=""), UTC)
    same = message_of("s", a_sending(order="", id="m2", time=datetime(2026, 11, 14, 1, 0, tzinfo=UTC)), UTC)
    other = message_of("s", a_sending(order="", user="opid11"), UTC)
    assert one.order == same.order != other.order
