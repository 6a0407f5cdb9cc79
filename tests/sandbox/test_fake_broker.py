import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.message import Action, Message
from icat_tui.ingest.broker import Broker, Login
from icat_tui.ingest.send_events import MessageAccepted, MessageRejected, SendEvent, SendingFinished
from icat_tui.ingest.sender import send
from icat_tui.journal.writer import Journal
from icat_tui.sandbox import fake_broker
from icat_tui.sandbox.fake_broker import LARGEST_FRAME, LONGEST_HEAD, Frame, FrameError, frames, serve
from tests.support.journal_entries import own_journal
from tests.support.sandbox_broker import TIMEOUT, Taken, everything

CONNECT = b"CONNECT\naccept-version:1.1\nhost:\n\n\0"
SEND = b"SEND\ndestination:/queue/icatIngest\nreceipt:r1\n\n<a/>\0"


def heard(client: socket.socket, until: Callable[[bytes], bool]) -> bytes:
    said = b""
    while not until(said):
        data = client.recv(4096)
        assert data, said
        said += data
    return said


# -- the client of the program ---------------------------------------------------------------------------------------


def message(name: str, **changes: object) -> Message:
    values = {
        "id": name,
        "action": Action.REGISTER,
        "destination": "icatIngest",
        "body": f"<dataset>{name} é 試</dataset>".encode(),
        "dataset": f"/data/visitor/hg333/id21/20231019/RAW_DATA/colA/{name}",
    }
    return Message(**(values | changes))  # type: ignore[arg-type]  # of a test's choosing


def sent(messages: list[Message], address: BrokerAddress, journal: Path, login: Login | None = None) -> list[SendEvent]:
    there = Broker(addresses=(address,), login=login, rate=0, receipt_timeout=TIMEOUT, reconnect_for=0)
    written = Journal(own_journal(journal))
    written.record_plans(messages)
    return list(send(messages, there, written))


def test_hundreds_of_messages_are_taken_in_order_and_confirmed(taken: Taken, tmp_path: Path) -> None:
    messages = [message(f"m{number:03}") for number in range(300)]
    events = sent(messages, taken.address, tmp_path / "journal.jsonl", Login("guest", "guest"))
    assert [event.message for event in events if isinstance(event, MessageAccepted)] == messages
    assert isinstance(events[-1], SendingFinished)
    assert (events[-1].accepted, events[-1].trouble) == (300, "")
    assert taken.messages == [("icatIngest", each.body) for each in messages]


def test_two_clients_at_once_get_each_their_own_receipts(taken: Taken, tmp_path: Path) -> None:
    names = ("a", "b")
    accepted: dict[str, list[str]] = {}

    def client(name: str) -> None:
        messages = [message(f"{name}{number:03}") for number in range(100)]
        events = sent(messages, taken.address, tmp_path / f"{name}.jsonl")
        accepted[name] = [event.message.id for event in events if isinstance(event, MessageAccepted)]

    threads = [threading.Thread(target=client, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accepted == {name: [f"{name}{number:03}" for number in range(100)] for name in names}
    assert len(taken.messages) == 200


def test_what_is_sent_twice_is_taken_twice(taken: Taken, tmp_path: Path) -> None:
    for again in ("first", "second"):
        sent([message(again, body=b"<same/>")], taken.address, tmp_path / "journal.jsonl")
    assert taken.messages == [("icatIngest", b"<same/>")] * 2


def test_a_message_that_is_too_large_harms_no_other(
    taken: Taken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_broker, "LARGEST_FRAME", 1000)
    messages = [message("m0"), message("m1", body=b"x" * 2000), message("m2")]
    events = sent(messages[:1], taken.address, tmp_path / "journal.jsonl")
    events += sent(messages[1:2], taken.address, tmp_path / "journal.jsonl")
    events += sent(messages[2:], taken.address, tmp_path / "journal.jsonl")
    assert [event.message.id for event in events if isinstance(event, MessageAccepted)] == ["m0", "m2"]
    assert [body for _, body in taken.messages] == [messages[0].body, messages[2].body]


def test_the_broker_s_words_reach_the_sender(taken: Taken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(frame: Frame) -> str:
        raise FrameError("no: such \\ queue")

    monkeypatch.setattr(fake_broker, "_queue", refuse)
    (rejected,) = (
        event
        for event in sent([message("m0")], taken.address, tmp_path / "journal.jsonl")
        if isinstance(event, MessageRejected)
    )
    assert (rejected.message.id, rejected.words) == ("m0", "no: such \\ queue")
    assert taken.messages == []


# -- the wire --------------------------------------------------------------------------------------------------------


def test_a_conversation_as_it_is_on_the_wire(taken: Taken) -> None:
    said = taken.say(CONNECT, b"\n\n", SEND, b"\nDISCONNECT\nreceipt:bye\n\n\0")
    assert said == (
        b"CONNECTED\nversion:1.1\nheart-beat:100,0\nserver:icat-tui-sandbox\n\n\0"
        b"RECEIPT\nreceipt-id:r1\n\n\0"
        b"RECEIPT\nreceipt-id:bye\n\n\0"
    )
    assert taken.messages == [("icatIngest", b"<a/>")]


def test_the_producers_of_the_facility_are_understood_and_hear_nothing_but_connected(taken: Taken) -> None:
    """Source: icat.md, "Bytes on the wire"."""
    said = taken.say(
        CONNECT,
        b"SEND\nack:client-individual\ndestination:/queue/icatIngest\npersistent:true\n\n<?xml ?>\0"
        b'SEND\nack:client-individual\ndestination:/queue/icatDataFiles\npersistent:true\n\n{"datasetId": 1234}\0'
        b"DISCONNECT\n\n\0",
    )
    assert said.startswith(b"CONNECTED\n")
    assert said.count(b"\0") == 1
    assert taken.messages == [("icatIngest", b"<?xml ?>"), ("icatDataFiles", b'{"datasetId": 1234}')]


def test_a_receipt_means_that_the_message_is_taken() -> None:
    kept, asked = threading.Event(), threading.Event()

    def take(queue: str, body: bytes) -> None:
        asked.set()
        assert kept.wait(TIMEOUT)

    with serve(take) as address, socket.create_connection((address.host, address.port), timeout=TIMEOUT) as client:
        client.sendall(CONNECT + SEND)
        heard(client, lambda said: b"\0" in said)
        assert asked.wait(TIMEOUT)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
        kept.set()
        client.settimeout(TIMEOUT)
        assert heard(client, lambda said: b"\0" in said) == b"RECEIPT\nreceipt-id:r1\n\n\0"


def test_names_in_headers_are_escaped_both_ways(taken: Taken) -> None:
    said = taken.say(CONNECT, b"SEND\ndestination:/queue/a\\cb\nreceipt:x\\ny\\cz\\\\\n\n1\0")
    assert b"receipt-id:x\\ny\\cz\\\\\n" in said
    assert taken.messages == [("a:b", b"1")]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"GARBAGE\0", b"without an empty line"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"without an empty line"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\0", b"before CONNECT"),
        (SEND, b"before CONNECT"),
        (CONNECT + CONNECT, b"connected already"),
        (b"CONNECT\naccept-version:1.2\nhost:\n\n\0", b"only version 1.1"),
        (b"CONNECT\n\n\0", b"only version 1.1"),
        (b"CONNECT\naccept-version:1.1\nheart-beat:soon\n\n\0", b"heart-beat"),
        (CONNECT + b"SUBSCRIBE\nid:1\ndestination:/queue/icatIngest\n\n\0", b"'SUBSCRIBE' is not understood"),
        (CONNECT + b"send\ndestination:/queue/icatIngest\n\n1\0", b"'send' is not understood"),
        (CONNECT + b"SEND\n\n1\0", b"destination must be"),
        (CONNECT + b"SEND\ndestination:/topic/icatIngest\n\n1\0", b"destination must be"),
        (CONNECT + b"SEND\ndestination:/queue/icatIngest\ntransaction:t\n\n1\0", b"no transactions"),
        (CONNECT + b"SEND\ndestination:/queue/icatIngest\ncontent-length:x\n\n1\0", b"content-length must be"),
        (CONNECT + b"SEND\ndestination:/queue/icatIngest\ncontent-length:2\n\n1234\0", b"does not end where"),
        (CONNECT + b"SEND\ndestination:/queue/icatIngest\ncontent-length:99999999999\n\n1\0", b"a frame of more than"),
        (CONNECT + b"SEND\nx:" + b"y" * LONGEST_HEAD, b"bytes of headers"),
    ],
)
def test_what_is_not_understood_is_an_error_that_says_why_and_the_end(taken: Taken, said: bytes, why: bytes) -> None:
    *_, error, rest = taken.say(said, SEND).split(b"\0")
    assert error.startswith(b"ERROR\nmessage:")
    assert why in error
    assert (rest, taken.messages) == (b"", [])


def test_the_error_names_the_message_that_it_is_about(taken: Taken) -> None:
    assert b"\nreceipt-id:r7\n" in taken.say(CONNECT, b"SEND\nreceipt:r7\n\n1\0")


def test_a_huge_frame_is_refused_and_the_client_hears_so_while_it_still_sends(taken: Taken) -> None:
    piece = b"x" * (1 << 20)
    with taken.connect() as client:
        client.sendall(CONNECT + b"SEND\ndestination:/queue/icatIngest\n\n")
        for _ in range(LARGEST_FRAME // len(piece) + 1):
            client.sendall(piece)
        said = heard(client, lambda said: said.count(b"\0") == 2)
        assert b"a frame of more than" in said
        client.shutdown(socket.SHUT_WR)
        assert everything(client) == b""
    assert taken.messages == []


@pytest.mark.parametrize("half", [b"SE", SEND[:20], SEND[:-1]])
def test_half_a_message_is_none(taken: Taken, half: bytes) -> None:
    said = taken.say(CONNECT, SEND, half)
    assert said.endswith(b"RECEIPT\nreceipt-id:r1\n\n\0")
    assert len(taken.messages) == 1


def test_after_a_client_that_broke_off_the_next_is_served(taken: Taken) -> None:
    with taken.connect() as client:
        client.sendall(CONNECT + SEND[:20])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
    assert b"RECEIPT\nreceipt-id:r1" in taken.say(CONNECT, SEND)


def test_heart_beats_come_as_often_as_the_client_asks_for_them(taken: Taken) -> None:
    with taken.connect() as client:
        client.sendall(b"CONNECT\naccept-version:1.1\nheart-beat:0,10\n\n\0")
        assert heard(client, lambda said: said.endswith(b"\0\n\n\n"))


def test_without_being_asked_for_there_are_no_heart_beats(taken: Taken) -> None:
    with taken.connect() as client:
        client.sendall(CONNECT)
        heard(client, lambda said: b"\0" in said)
        client.settimeout(3 * fake_broker.BEAT)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_when_it_closes_idle_clients_and_busy_ones_are_let_go_and_no_thread_stays() -> None:
    before = set(threading.enumerate())
    taken = Taken()
    with serve(taken.take) as taken.address:
        idle, connected, half = (taken.connect() for _ in range(3))
        connected.sendall(CONNECT)
        heard(connected, lambda said: b"\0" in said)
        half.sendall(CONNECT + SEND[:20])
    assert set(threading.enumerate()) <= before  # threads of tests before may have ended
    for client in (idle, connected, half):
        with closing(client), suppress(ConnectionResetError):  # what was not read any more is let go like that
            everything(client)
    with pytest.raises(ConnectionRefusedError):
        taken.connect()


def test_a_port_that_is_taken_is_an_error(taken: Taken) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"), serve(taken.take, other.getsockname()[1]):
            pass


# -- frames ----------------------------------------------------------------------------------------------------------


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


BODIES = st.lists(st.binary(max_size=40), max_size=5)


@given(BODIES, st.lists(st.integers(0, 1 << 16)), st.sampled_from([b"", b"\n", b"\r\n\n"]))
def test_frames_are_the_same_in_whatever_pieces_they_come(bodies: list[bytes], cuts: list[int], between: bytes) -> None:
    written = b"".join(
        b"SEND\nplace:%d\ncontent-length:%d\n\n%s\0" % (place, len(body), body) + between
        for place, body in enumerate(bodies)
    )
    found = list(frames(in_pieces(written, cuts)))
    assert [frame.body for frame in found] == bodies
    assert [frame.headers["place"] for frame in found] == [str(place) for place in range(len(bodies))]


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_make_more_than_frames_or_an_error(pieces: list[bytes]) -> None:
    found = []
    with suppress(FrameError):
        for frame in frames(pieces):
            found.append(frame)  # noqa: PERF402 - those before the error count too
    assert len(found) <= b"".join(pieces).count(b"\0")
    assert all(frame.command for frame in found)


def test_a_frame_that_never_ends_is_not_kept_for_ever() -> None:
    read = SimpleNamespace(pieces=0)

    def endless() -> Iterator[bytes]:
        yield b"SEND\n\n"
        while True:
            read.pieces += 1
            yield b"x" * (1 << 20)

    with pytest.raises(FrameError, match="more than"):
        list(frames(endless()))
    assert read.pieces == LARGEST_FRAME >> 20
