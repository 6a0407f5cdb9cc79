"""Against a real ActiveMQ: what it stores, what it refuses, and what is left when it dies in the middle."""

from collections import Counter
from pathlib import Path

import pytest

from icat_tui.domain.message import Message
from icat_tui.ingest.broker import Login
from icat_tui.ingest.send_events import BrokerLost, MessageAccepted, MessageRejected, SendingFinished
from icat_tui.ingest.sender import send
from icat_tui.journal.writer import Journal
from tests.support.activemq import JAR, ActiveMQ, stored
from tests.support.journal_entries import message, records
from tests.support.ports import free_port
from tests.support.scripted_broker import broker_at

pytestmark = [pytest.mark.activemq, pytest.mark.skipif(not JAR.exists(), reason=f"ActiveMQ is not installed ({JAR})")]


def plan(count: int, destination: str) -> list[Message]:
    return [
        message(
            number, body=f"<dataset>{number} é漢\U0001f600 {'x' * 2000}</dataset>".encode(), destination=destination
        )
        for number in range(count)
    ]


def test_what_was_accepted_is_in_the_queue_as_a_persistent_text_message(activemq: ActiveMQ, journal: Journal) -> None:
    messages = plan(100, "text")
    journal.record_plans(messages)
    end = list(send(messages, broker_at(activemq.address), journal))[-1]
    assert end == SendingFinished(100, 0, 0, connected=True, cancelled=False)
    frames = stored(activemq, "text")
    assert [frame.body.encode() for frame in frames] == [one.body for one in messages]
    for frame in frames:
        assert frame.headers["persistent"] == "true"
        assert "content-length" not in frame.headers  # with one it would be a BytesMessage


AUTHORITIES = """
<simpleAuthenticationPlugin><users>
  <authenticationUser username="icat" password="s3cret" groups="beamlines"/>
</users></simpleAuthenticationPlugin>
<authorizationPlugin><map><authorizationMap><authorizationEntries>
  <authorizationEntry queue="open" read="beamlines" write="beamlines" admin="beamlines"/>
  <authorizationEntry queue="closed" read="beamlines" write="nobody" admin="beamlines"/>
  <authorizationEntry topic="&gt;" read="beamlines" write="beamlines" admin="beamlines"/>
</authorizationEntries></authorizationMap></map></authorizationPlugin>
"""


@pytest.mark.slow
def test_what_it_refuses_is_rejected_in_its_own_words(tmp_path: Path, journal: Journal) -> None:
    broker = ActiveMQ(tmp_path / "activemq", free_port())
    known = frozenset({broker.address})
    with broker.running_with(AUTHORITIES):
        wrong = broker_at(broker.address, login=Login("icat", "wr0ng"), login_for=known)
        end = list(send([message(0)], wrong, journal))[-1]
        assert isinstance(end, SendingFinished)
        assert "invalid" in end.trouble
        assert "wr0ng" not in end.trouble
        messages = [message(1, destination="open"), message(2, destination="closed"), message(3, destination="open")]
        journal.record_plans(messages)
        right = broker_at(broker.address, rate=5.0, login=Login("icat", "s3cret"), login_for=known)
        events = list(send(messages, right, journal))
    (rejected,) = [event for event in events if isinstance(event, MessageRejected)]
    assert rejected.message == messages[1]
    assert "icat is not authorized to write to: queue://closed" in rejected.words
    assert [event.message for event in events if isinstance(event, MessageAccepted)] == [messages[0], messages[2]]
    assert events[-1] == SendingFinished(2, 1, 0, connected=True, cancelled=False)


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 150])
def test_a_broker_that_is_killed_and_comes_back_has_all_that_it_accepted_and_nothing_twice(
    tmp_path: Path, journal: Journal, after: int
) -> None:
    broker = ActiveMQ(tmp_path / "activemq", free_port())
    broker.script("start")
    try:
        messages = plan(400, "killed")
        journal.record_plans(messages)
        events, killed = [], False
        for event in send(messages, broker_at(broker.address, reconnect_for=60.0), journal):
            events.append(event)
            if not killed and len([one for one in events if isinstance(one, MessageAccepted)]) == after:
                broker.kill()
                killed = True
            if isinstance(event, BrokerLost):
                broker.script("start")
        accepted = {event.message.body for event in events if isinstance(event, MessageAccepted)}
        intended = {record.id for record in records(journal) if record.record == "intent"}
        received = Counter(frame.body.encode() for frame in stored(broker, "killed"))
    finally:
        broker.script("stop")
    end = events[-1]
    assert isinstance(end, SendingFinished)
    assert any(isinstance(event, BrokerLost) for event in events)
    assert end.accepted + end.unknown == 400
    assert accepted <= set(received)
    assert set(received) <= {one.body for one in messages if one.id in intended}
    assert received.most_common(1)[0][1] == 1
