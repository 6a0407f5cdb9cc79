"""The socket of a connection: its addresses, its end, and what a broker can write on it."""

import ssl
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.ingest.send_events import MessageAccepted, MessageRejected, MessageUnknown, SendEvent
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import messages
from tests.support.loopback_addresses import black_hole, give_addresses
from tests.support.scripted_broker import Client, Frame, ScriptedBroker, broker_at
from tests.support.sending import finished, run


def test_a_broker_whose_first_address_does_not_answer_is_reached_by_the_next(
    fake: ScriptedBroker, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_addresses(monkeypatch, "broker.example", "127.0.0.2", "127.0.0.1")
    with black_hole("127.0.0.2", fake.port):
        address = BrokerAddress("broker.example", fake.port)
        end = finished(run(broker_at(address, connect_timeout=1.0), journal, messages(2)))
    assert (end.accepted, end.trouble) == (2, "")


def test_a_broker_none_of_whose_addresses_answers_is_left_in_time(
    fake: ScriptedBroker, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_addresses(monkeypatch, "broker.example", "127.0.0.2")
    before = time.monotonic()
    with black_hole("127.0.0.2", fake.port):
        address = BrokerAddress("broker.example", fake.port)
        end = finished(run(broker_at(address, connect_timeout=0.3), journal, messages(2)))
    assert "took no connection within 0.3 s" in end.trouble
    assert time.monotonic() - before < 3


def written(before: bytes, after: bytes = b"") -> Callable[[Client, Frame], None]:
    """Return a script that answers with a receipt between these bytes."""

    def script(client: Client, frame: Frame) -> None:
        client.write(before + f"RECEIPT\nreceipt-id:{frame.headers['receipt']}\n\n".encode() + b"\0" + after)

    return script


@pytest.mark.parametrize(
    "before", [b"\n\n", b"\r\n", b"\r\n\r\n", b"\0\0", b"\n\0\n", b"RECEIPT\nreceipt-id:x\n\n\0\n\n"]
)
def test_a_receipt_is_not_lost_whatever_comes_before_it(fake: ScriptedBroker, journal: Journal, before: bytes) -> None:
    fake.script = written(before, b"\n\n")
    end = finished(run(broker_at(fake.address, receipt_timeout=2), journal, messages(3)))
    assert (end.accepted, end.unknown) == (3, 0)


def test_a_receipt_that_comes_twice_counts_once(fake: ScriptedBroker, journal: Journal) -> None:
    def twice(client: Client, frame: Frame) -> None:
        client.receipt(frame)
        client.receipt(frame)

    fake.script = twice
    events = run(broker_at(fake.address), journal, messages(3))
    assert finished(events).accepted == 3
    assert sum(isinstance(event, MessageAccepted) for event in events) == 3


def words(events: list[SendEvent]) -> list[str]:
    return [event.words for event in events if isinstance(event, MessageRejected)]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"ERROR\nreceipt-id:%s\nmessage:full\\c 3\\\\4\n\n\0", "full: 3\\4"),
        (b"\n\nERROR\r\nreceipt-id:%s\r\n\r\n\0", "an error without words"),
        (b"ERROR\nreceipt-id:%s\nmessage:no\n\ncaf\xe9\0", "no: caf\ufffd"),
        (b"ERROR\nreceipt-id:%s\nmessage:no\ncontent-length:3\n\na\0b\0", "no: a\ufffdb"),
    ],
)
def test_an_error_is_read_in_every_form(fake: ScriptedBroker, journal: Journal, frame: bytes, expected: str) -> None:
    fake.script = lambda client, sent: client.write(frame % sent.headers["receipt"].encode())
    assert words(run(broker_at(fake.address, receipt_timeout=1), journal, messages(1))) == [expected]


@pytest.mark.parametrize("behind_tls", [False, True])
@pytest.mark.parametrize("answer", [b"ERROR\nmessage:long\n\n" + b"x" * (1 << 20) + b"x", b"RECEIPT\n\n\0"])
def test_a_frame_that_is_no_answer_ends_the_connection(
    fake: ScriptedBroker, tls: Callable[[], BrokerAddress], journal: Journal, answer: bytes, behind_tls: bool
) -> None:
    fake.script = lambda client, _: client.write(answer)
    address = tls() if behind_tls else fake.address
    before = time.monotonic()
    end = finished(run(broker_at(address, receipt_timeout=20), journal, messages(1)))
    assert (end.accepted, end.unknown) == (0, 1)
    assert time.monotonic() - before < 5


@pytest.mark.parametrize("closing", ["TLS and TCP", "TLS alone"])
def test_the_end_of_a_connection_behind_tls_is_noticed_at_once(
    fake: ScriptedBroker, tls: Callable[[], BrokerAddress], journal: Journal, closing: str
) -> None:
    def say_good_bye(client: Client, _frame: Frame) -> None:
        wrapped: ssl.SSLSocket = client.request
        wrapped.settimeout(2)
        with suppress(OSError):
            wrapped.unwrap()  # sends the end of TLS, and waits for ours
        if closing == "TLS and TCP":
            raise OSError

    fake.script = say_good_bye
    before, busy = time.monotonic(), time.process_time()
    events = run(broker_at(tls(), receipt_timeout=20), journal, messages(1))
    assert [event for event in events if isinstance(event, MessageUnknown)]
    assert time.monotonic() - before < 5
    assert time.process_time() - busy < 1.5


def test_a_handshake_that_does_not_end_is_left_in_time(listening_port: int, journal: Journal) -> None:
    before = time.monotonic()
    address = BrokerAddress("127.0.0.1", listening_port, tls=True)
    end = finished(run(broker_at(address, connect_timeout=0.3), journal, messages(1)))
    assert "took no connection within 0.3 s" in end.trouble
    assert time.monotonic() - before < 3
