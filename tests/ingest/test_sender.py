"""Sending to scripted brokers: whatever they do, the journal and the events tell the same truth."""

import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.message import Message
from icat_tui.ingest.broker import WINDOW, Broker, BrokerConnection, BrokerEvent, connect, connect_unless
from icat_tui.ingest.send_events import (
    BrokerLost,
    MessageAccepted,
    MessageRejected,
    MessageUnknown,
    SendEvent,
    SendingFinished,
)
from icat_tui.ingest.sender import send
from icat_tui.journal.records import JournalError, Record, RecordKind
from icat_tui.journal.sendings import MessageState
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import SHARD, journal_index, lines_in, message, messages, own_journal, records
from tests.support.scripted_broker import Client, Frame, ScriptedBroker, broker_at, serving_broker
from tests.support.sending import finished, message_states, run
from tests.support.waiting import wait_for

# -- a broker that works -----------------------------------------------------------------------------------------------


def test_everything_is_sent_once_and_accepted(fake: ScriptedBroker, journal: Journal) -> None:
    plan = messages(50)
    events = run(broker_at(fake.address), journal, plan)
    assert [event.message for event in events if isinstance(event, MessageAccepted)] == plan
    assert finished(events) == SendingFinished(50, 0, 0, connected=True, cancelled=False)
    assert [frame.body for frame in fake.sent] == [planned.body for planned in plan]
    assert set(message_states(journal).values()) == {MessageState.ACCEPTED}
    assert fake.connections == 1


def test_frames_are_those_that_icat_was_always_sent(fake: ScriptedBroker, journal: Journal) -> None:
    run(broker_at(fake.address), journal, [message(1)])
    connected, sent, bye = fake.frames
    assert connected.command == "CONNECT"
    assert connected.headers["accept-version"] == "1.1"
    assert sent.headers == {"destination": "/queue/icatIngest", "persistent": "true", "receipt": "m0001"}
    assert sent.body == message(1).body
    assert bye.command == "DISCONNECT"
    assert bye.headers["receipt"]


def test_an_intent_is_on_the_disk_before_its_message_goes_out(fake: ScriptedBroker, journal: Journal) -> None:
    known: dict[str, MessageState] = {}

    def look(client: Client, frame: Frame) -> None:
        known[frame.headers["receipt"]] = message_states(journal)[frame.headers["receipt"]]
        client.receipt(frame)

    fake.script = look
    run(broker_at(fake.address), journal, messages(20))
    assert set(known.values()) == {MessageState.INTENDED}


def test_an_intent_is_synced_before_its_message_goes_out(
    fake: ScriptedBroker, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, synced = os.fsync, [0]
    covered: list[bool] = []

    def sync(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        fsync(descriptor)
        synced.append(size)

    def look(client: Client, frame: Frame) -> None:
        (intent,) = (
            line
            for line in lines_in(journal.directory)
            if isinstance(line.content, Record)
            and line.content.record is RecordKind.INTENT
            and line.content.id == frame.headers["receipt"]
        )
        covered.append(intent.end <= max(synced))
        client.receipt(frame)

    fake.script = look
    monkeypatch.setattr("icat_tui.journal.writer.os.fsync", sync)
    run(broker_at(fake.address), journal, messages(20))
    assert covered == [True] * 20


def test_waiting_for_receipts_does_not_keep_the_processor_busy(
    fake: ScriptedBroker, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[float] = []
    receive = BrokerConnection.receive

    def counting(connection: BrokerConnection, timeout: float) -> list[BrokerEvent]:
        heard.append(timeout)
        return receive(connection, timeout)

    monkeypatch.setattr(BrokerConnection, "receive", counting)
    fake.script = lambda _client, _frame: None
    broker = broker_at(fake.address, rate=1000.0, receipt_timeout=0.5)
    list(send(messages(3), structs.replace(broker, window=1), journal))
    assert len(heard) < 30


def test_an_outcome_is_in_the_journal_before_it_is_told(fake: ScriptedBroker, journal: Journal) -> None:
    plan = messages(20)
    journal.record_plans(plan)
    for event in send(plan, broker_at(fake.address), journal):
        if isinstance(event, MessageAccepted):
            assert message_states(journal)[event.message.id] is MessageState.ACCEPTED


def test_no_more_than_the_window_is_ever_without_a_receipt(fake: ScriptedBroker, journal: Journal) -> None:
    held: list[Frame] = []
    most = 0

    def hold(client: Client, frame: Frame) -> None:
        nonlocal most
        held.append(frame)
        most = max(most, len(held))
        if len(held) == WINDOW or frame.headers["receipt"] == "m0099":
            while held:
                client.receipt(held.pop(0))

    fake.script = hold
    assert finished(run(broker_at(fake.address), journal, messages(100))).accepted == 100
    assert most == WINDOW


def test_messages_go_out_at_the_rate(fake: ScriptedBroker, journal: Journal) -> None:
    times: list[float] = []

    def note(client: Client, frame: Frame) -> None:
        times.append(time.monotonic())
        client.receipt(frame)

    fake.script = note
    run(broker_at(fake.address, rate=50.0), journal, messages(11))
    assert times[-1] - times[0] > 10 / 50 * 0.9


def test_messages_are_drawn_just_before_they_are_sent(fake: ScriptedBroker, journal: Journal) -> None:
    drawn = 0

    def source() -> Iterator[Message]:
        nonlocal drawn
        for number in range(40):
            drawn += 1
            assert drawn - len(fake.sent) <= 2 * WINDOW
            yield message(number)

    assert len(list(send(source(), broker_at(fake.address), journal))) == 42


def test_nothing_to_send_opens_no_connection(fake: ScriptedBroker, journal: Journal) -> None:
    assert run(broker_at(fake.address), journal, []) == [SendingFinished(0, 0, 0, connected=False, cancelled=False)]
    assert fake.connections == 0
    assert records(journal) == []


# -- brokers that fail while we send -----------------------------------------------------------------------------------


def test_a_refused_message_has_the_words_of_the_broker_and_the_others_go_on(
    fake: ScriptedBroker, journal: Journal
) -> None:
    def refuse_one(client: Client, frame: Frame) -> None:
        if frame.headers["receipt"] == "m0003":
            client.error("too large", frame)
        client.receipt(frame)

    fake.script = refuse_one
    events = run(broker_at(fake.address, rate=200.0), journal, messages(8))
    assert MessageRejected(message(3), "too large") in events
    end = finished(events)
    assert (end.accepted + end.unknown, end.rejected) == (7, 1)
    standing = journal_index(journal).dataset(message(3).dataset)
    assert standing.pending is None
    assert standing.rejected
    assert standing.rejected.words == "too large"
    assert Counter(fake.ids).most_common(1)[0][1] == 1


def test_an_error_about_no_message_makes_what_is_out_unknown_with_its_words(
    fake: ScriptedBroker, journal: Journal
) -> None:
    fake.script = lambda client, frame: client.error("out of memory") if frame.headers["receipt"] == "m0002" else None
    events = run(broker_at(fake.address), journal, messages(3))
    assert [event.reason for event in events if isinstance(event, MessageUnknown)] == ["out of memory"] * 3
    assert set(message_states(journal).values()) == {MessageState.UNKNOWN}


def test_closing_after_a_send_makes_it_unknown_and_is_not_repaired_by_sending_again(
    fake: ScriptedBroker, journal: Journal
) -> None:
    def close_on_tenth(client: Client, frame: Frame) -> None:
        if frame.headers["receipt"] == "m0010":
            raise OSError
        client.receipt(frame)

    fake.script = close_on_tenth
    events = run(broker_at(fake.address, reconnect_for=5.0), journal, messages(40))
    end = finished(events)
    assert end.unknown >= 1
    assert end.accepted + end.unknown == 40
    assert any(isinstance(event, BrokerLost) for event in events)
    assert fake.connections == 2
    assert Counter(fake.ids).most_common(1)[0][1] == 1
    accepted = {event.message.id for event in events if isinstance(event, MessageAccepted)}
    assert {one for one, state in message_states(journal).items() if state is MessageState.ACCEPTED} == accepted


def test_a_broker_that_never_confirms_gets_one_window_and_no_more(fake: ScriptedBroker, journal: Journal) -> None:
    fake.script = lambda _client, _frame: None
    end = finished(run(broker_at(fake.address, receipt_timeout=0.3), journal, messages(40)))
    assert (end.accepted, end.unknown) == (0, WINDOW)
    assert "confirms" in end.trouble
    states = message_states(journal)
    assert Counter(states.values()) == {MessageState.UNKNOWN: WINDOW, MessageState.PLANNED: 40 - WINDOW}
    assert {one for one, state in states.items() if state is MessageState.UNKNOWN} == set(fake.ids)


def test_a_broker_that_never_confirms_is_left_for_the_next(fake: ScriptedBroker, journal: Journal) -> None:
    with serving_broker(ScriptedBroker(script=lambda _client, _frame: None)) as mute:
        end = finished(run(broker_at(mute.address, fake.address, receipt_timeout=0.3), journal, messages(40)))
    assert (end.accepted, end.unknown, end.trouble) == (40 - WINDOW, WINDOW, "")
    assert not set(mute.ids) & set(fake.ids)


def test_a_late_receipt_is_believed(fake: ScriptedBroker, journal: Journal) -> None:
    held: list[Frame] = []
    fake.script = lambda _client, frame: held.append(frame)

    def at_last(client: Client, frame: Frame) -> None:
        for late in (*held, frame):
            client.receipt(late)

    fake.on_disconnect = at_last
    events = run(broker_at(fake.address, receipt_timeout=0.3), journal, messages(2))
    kinds = [type(event) for event in events]
    assert kinds.count(MessageUnknown) == kinds.count(MessageAccepted) == 2
    assert finished(events) == SendingFinished(2, 0, 0, connected=True, cancelled=False)
    assert set(message_states(journal).values()) == {MessageState.ACCEPTED}


def test_a_receipt_for_something_else_is_passed_over(fake: ScriptedBroker, journal: Journal) -> None:
    def confuse(client: Client, frame: Frame) -> None:
        client.write(b"RECEIPT\nreceipt-id:other\n\n\0")
        client.receipt(frame)
        client.receipt(frame)

    fake.script = confuse
    assert finished(run(broker_at(fake.address), journal, messages(20))).accepted == 20


def test_a_broker_that_stops_reading_does_not_hold_us_for_ever(journal: Journal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        done = threading.Event()

        def stop_reading() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(b"CONNECTED\nversion:1.1\n\n\0")
                done.wait(20)

        thread = threading.Thread(target=stop_reading)
        thread.start()
        try:
            large = message(1, body=b"x" * 30_000_000)
            address = BrokerAddress("127.0.0.1", listener.getsockname()[1])
            before = time.monotonic()
            end = finished(run(broker_at(address, receipt_timeout=0.5), journal, [large]))
            assert time.monotonic() - before < 8
        finally:
            done.set()
            thread.join()
    assert end.unknown == 1
    assert message_states(journal) == {"m0001": MessageState.UNKNOWN}


def test_a_broker_whose_heart_stops_is_lost(
    fake: ScriptedBroker, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("icat_tui.ingest.broker.HEART_BEATS", (100, 100))
    fake.on_connect = lambda client, _: client.write(b"CONNECTED\nversion:1.1\nheart-beat:100,100\n\n\0")
    fake.script = lambda _client, _frame: None
    before = time.monotonic()
    end = finished(run(broker_at(fake.address, receipt_timeout=30.0), journal, messages(2)))
    assert (end.accepted, end.unknown) == (0, 2)
    assert time.monotonic() - before < 5
    assert fake.frames[0].headers["heart-beat"] == "100,100"
    assert fake.beats > 0


def test_a_connection_that_breaks_while_idle_is_made_again(fake: ScriptedBroker, journal: Journal) -> None:
    def source() -> Iterator[Message]:
        yield message(1)
        fake.wait_for(lambda: len(fake.sent) == 1)
        for client in clients:
            client.request.shutdown(socket.SHUT_RDWR)
        yield message(2)

    clients: list[Client] = []

    def answer(client: Client, frame: Frame) -> None:
        clients.append(client)
        client.receipt(frame)

    fake.script = answer
    plan = [message(1), message(2)]
    journal.record_plans(plan)
    broker = broker_at(fake.address, reconnect_for=5.0)
    events = list(send(source(), structs.replace(broker, window=1), journal))
    end = finished(events)
    assert end.accepted >= 1
    assert end.accepted + end.unknown == 2
    assert Counter(fake.ids) == {"m0001": 1, "m0002": 1}


# -- called off --------------------------------------------------------------------------------------------------------


def test_cancelling_stops_sending_and_what_is_out_gets_its_receipt(fake: ScriptedBroker, journal: Journal) -> None:
    plan = messages(100)
    journal.record_plans(plan)
    broker = broker_at(fake.address)
    events = list(send(plan, broker, journal, cancelled=lambda: len(fake.sent) >= 20))
    end = finished(events)
    assert end.cancelled
    assert 20 <= end.accepted < 100
    assert end.unknown == 0
    assert Counter(message_states(journal).values()) == {
        MessageState.ACCEPTED: end.accepted,
        MessageState.PLANNED: 100 - end.accepted,
    }


def test_cancelling_waits_for_no_broker_that_says_nothing(journal: Journal) -> None:
    plan = messages(3)
    journal.record_plans(plan)
    with serving_broker(ScriptedBroker(on_connect=lambda _client, _frame: None)) as silent:
        broker = broker_at(silent.address, connect_timeout=20)
        before = time.monotonic()
        events = list(send(plan, broker, journal, cancelled=lambda: silent.connections > 0))
        assert time.monotonic() - before < 5
        assert finished(events) == SendingFinished(0, 0, 0, connected=False, cancelled=True)
    assert set(message_states(journal).values()) == {MessageState.PLANNED}


def test_a_connection_that_comes_too_late_is_closed(fake: ScriptedBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    connected, given_up = threading.Event(), threading.Event()

    def late(broker: Broker, first: int) -> BrokerConnection:
        connection = connect(broker, first)
        connected.set()
        assert given_up.wait(20)
        return connection

    monkeypatch.setattr("icat_tui.ingest.broker.connect", late)
    assert connect_unless(connected.is_set, broker_at(fake.address)) is None
    given_up.set()
    fake.wait_for(lambda: fake.connections == 1 and fake.open == 0)
    made = connect_unless(lambda: False, broker_at(fake.address))
    assert isinstance(made, BrokerConnection)
    made.close()


def test_a_connection_that_is_made_while_it_is_cancelled_is_closed(fake: ScriptedBroker) -> None:
    def cancelled() -> bool:
        wait_for(lambda: not any(thread.name == "icat-tui connect" for thread in threading.enumerate()))
        return True

    assert connect_unless(cancelled, broker_at(fake.address)) is None
    fake.wait_for(lambda: fake.connections == 1 and fake.open == 0)


def test_what_breaks_in_connecting_is_raised(monkeypatch: pytest.MonkeyPatch, fake: ScriptedBroker) -> None:
    def broken(broker: Broker, first: int) -> BrokerConnection:
        raise ZeroDivisionError(f"{broker.addresses[first]}")

    monkeypatch.setattr("icat_tui.ingest.broker.connect", broken)
    with pytest.raises(ZeroDivisionError, match=str(fake.address)):
        connect_unless(lambda: False, broker_at(fake.address))


def test_cancelling_does_not_wait_long_for_a_broker_that_does_not_answer(
    fake: ScriptedBroker, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("icat_tui.ingest.sender.CLOSE_TIMEOUT", 0.3)
    fake.script = lambda _client, _frame: None
    before = time.monotonic()
    plan = messages(5)
    journal.record_plans(plan)
    end = finished(list(send(plan, broker_at(fake.address), journal, cancelled=lambda: len(fake.sent) >= 5)))
    assert (end.unknown, end.cancelled) == (5, True)
    assert time.monotonic() - before < 3


def test_whoever_stops_listening_leaves_the_truth_in_the_journal(fake: ScriptedBroker, journal: Journal) -> None:
    fake.script = lambda client, frame: client.receipt(frame) if frame.headers["receipt"] == "m0000" else None
    plan = messages(30)
    journal.record_plans(plan)
    sending = send(plan, broker_at(fake.address), journal)
    for event in sending:
        if isinstance(event, MessageAccepted):
            sending.close()  # type: ignore[attr-defined] # it is a generator
    states = message_states(journal)
    assert states["m0000"] is MessageState.ACCEPTED
    went_out = {one for one, state in states.items() if state is MessageState.UNKNOWN} | {"m0000"}
    fake.wait_for(lambda: len(fake.ids) == len(went_out))  # what went out last may still be read
    assert went_out == set(fake.ids)


def test_a_failing_source_leaves_the_truth_in_the_journal(fake: ScriptedBroker, journal: Journal) -> None:
    def source() -> Iterator[Message]:
        yield from messages(3)
        fake.wait_for(lambda: len(fake.sent) == 3)
        raise ZeroDivisionError

    fake.script = lambda _client, _frame: None
    with pytest.raises(ZeroDivisionError):
        list(send(source(), broker_at(fake.address, rate=100.0, window=4), journal))
    assert message_states(journal) == {
        "m0000": MessageState.UNKNOWN,
        "m0001": MessageState.UNKNOWN,
        "m0002": MessageState.UNKNOWN,
    }


# -- the journal that can't be written ---------------------------------------------------------------------------------


def test_nothing_is_sent_when_the_journal_cannot_be_written(fake: ScriptedBroker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="file"):
        list(send(messages(3), broker_at(fake.address), Journal(own_journal(tmp_path / "file" / "state"))))
    assert fake.sent == []


def test_nothing_is_sent_when_the_disk_is_full(
    fake: ScriptedBroker, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("icat_tui.journal.writer.os.write", full)
    with pytest.raises(JournalError, match="No space left"):
        list(send(messages(3), broker_at(fake.address), journal))
    assert fake.sent == []


def test_nothing_more_is_sent_when_the_disk_is_full_in_the_middle(
    fake: ScriptedBroker, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = messages(40)
    journal.record_plans(plan)
    write, limit = os.write, journal.directory.shard(SHARD).stat().st_size + 12_000

    def full(descriptor: int, data: bytes) -> int:
        left = limit - os.fstat(descriptor).st_size
        if left <= 0:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:left])

    monkeypatch.setattr("icat_tui.journal.writer.os.write", full)
    told: list[SendEvent] = []
    with pytest.raises(JournalError, match="No space left"):
        told.extend(send(plan, broker_at(fake.address), journal))  # extend takes what comes before the error
    monkeypatch.undo()
    states = message_states(journal)
    assert {one for one, state in states.items() if state is not MessageState.PLANNED} >= set(fake.ids)
    assert 0 < len(fake.ids) < 40
    outcomes = [event.message.id for event in told if isinstance(event, MessageAccepted | MessageUnknown)]
    assert len(set(outcomes)) == len(outcomes), "told of each once"
    assert set(outcomes) >= set(fake.ids), "some of what went out may not have been received yet"


def test_bodies_stand_in_plans_only(fake: ScriptedBroker, journal: Journal) -> None:
    run(broker_at(fake.address), journal, messages(2))
    records = [json.loads(line) for line in journal.directory.shard(SHARD).read_text().splitlines()]
    assert [record["record"] for record in records].count("plan") == 2
    assert all(("body" in record) == (record["record"] == "plan") for record in records)
