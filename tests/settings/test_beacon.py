"""The reader of Beacon, against a server of our own on loopback that behaves well or badly."""

import os
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.settings.beacon import SIZE_LIMIT, BeaconFailure, IcatServers, parse_beacon_host, read_icat_servers
from tests.support.beacon import Behaviour, Conversation, Serve

TOKEN = "b9d6f1ee-secret"
FILE = f"""\
some_other: {{table: [1, 2]}}
icat_servers:
  metadata_urls: [bcu-mq-01.example:61613, bcu-mq-02.example:61613]
  elogbook_url: https://icatplus.example
  elogbook_token: {TOKEN}
  feedback_timeout: 0.1
"""
SERVERS = IcatServers(
    metadata_urls=("bcu-mq-01.example:61613", "bcu-mq-02.example:61613"),
    elogbook_url="https://icatplus.example",
    elogbook_token=TOKEN,
)


def message(kind: int, key: bytes, content: bytes) -> bytes:
    body = key + b"|" + content
    return struct.pack("<ii", kind, len(body)) + body


def answer(content: str | bytes, kind: int = 52) -> Behaviour:
    content = content.encode() if isinstance(content, str) else content

    def behave(conversation: Conversation) -> None:
        _, key, _ = conversation.request()
        conversation.connection.sendall(message(kind, key, content))

    return behave


def ask(port: int, timeout: float = 10) -> IcatServers | BeaconFailure:
    return read_icat_servers("127.0.0.1", port, timeout)


def refused(port: int, timeout: float = 10) -> BeaconFailure:
    found = ask(port, timeout)
    assert isinstance(found, BeaconFailure)
    assert TOKEN not in repr(found)
    return found


# -- what is there ---------------------------------------------------------------------------------------------------


def test_the_three_values_are_read_as_they_stand_in_the_file(serve: Serve) -> None:
    assert ask(serve(answer(FILE))) == SERVERS


def test_the_request_is_the_one_that_beacon_knows(serve: Serve) -> None:
    requests = []

    def record(conversation: Conversation) -> None:
        requests.append(conversation.request())
        conversation.connection.sendall(message(52, requests[0][1], FILE.encode()))

    ask(serve(record))
    assert [(kind, path) for kind, _, path in requests] == [(50, b"__init__.yml")]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_a_reply_in_many_packets_is_put_together(serve: Serve, size: int) -> None:
    def split(conversation: Conversation) -> None:
        _, key, _ = conversation.request()
        conversation.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        whole = message(52, key, FILE.encode())
        for start in range(0, len(whole), size):
            conversation.connection.sendall(whole[start : start + size])

    assert ask(serve(split)) == SERVERS


def test_what_follows_the_reply_in_the_same_packet_does_no_harm(serve: Serve) -> None:
    def merged(conversation: Conversation) -> None:
        _, key, _ = conversation.request()
        conversation.connection.sendall(message(52, key, FILE.encode()) + message(51, key, b"something else"))

    assert ask(serve(merged)) == SERVERS


def test_a_bar_in_the_file_belongs_to_the_file(serve: Serve) -> None:
    found = ask(serve(answer("icat_servers: {elogbook_url: 'https://a|b'}")))
    assert found == IcatServers(elogbook_url="https://a|b")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("icat_servers: {elogbook_token: k}", IcatServers(elogbook_token="k")),
        ("icat_servers: {metadata_urls: one:61613}", IcatServers(metadata_urls=("one:61613",))),
        ("icat_servers: {metadata_urls: , elogbook_url: ''}", IcatServers()),
        ("icat_servers: {elogbook_url: icatplus.example}", IcatServers(elogbook_url="icatplus.example")),
    ],
)
def test_values_that_are_missing_or_empty_are_left_open(serve: Serve, content: str, expected: IcatServers) -> None:
    assert ask(serve(answer(content))) == expected


def test_the_key_is_not_in_the_text_of_what_was_read(serve: Serve) -> None:
    found = ask(serve(answer(f"icat_servers: {{elogbook_token: {TOKEN}, elogbook_url: 'https://{TOKEN}@x'}}")))
    assert isinstance(found, IcatServers)
    assert found.elogbook_token == TOKEN
    assert TOKEN not in repr(found) + str(found)


# -- what is wrong ---------------------------------------------------------------------------------------------------


def test_an_error_of_the_server_is_told_in_its_words(serve: Serve) -> None:
    failure = refused(serve(answer("File __init__.yml doesn't exist", kind=51)))
    assert failure.answered
    assert "File __init__.yml doesn't exist" in failure.reason


def test_a_very_long_error_is_cut(serve: Serve) -> None:
    assert len(refused(serve(answer("x" * 10_000, kind=51))).reason) < 400


def test_a_reply_of_another_type_is_no_file(serve: Serve) -> None:
    assert "type 31" in refused(serve(answer(FILE, kind=31))).reason


def test_a_reply_to_another_question_is_not_used(serve: Serve) -> None:
    def other(conversation: Conversation) -> None:
        conversation.request()
        conversation.connection.sendall(message(52, b"another", FILE.encode()))

    assert refused(serve(other)).answered


@pytest.mark.parametrize(
    "header",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", struct.pack("<ii", 52, -1), struct.pack("<ii", 52, SIZE_LIMIT + 1)],
    ids=["http", "negative", "huge"],
)
def test_garbage_is_recognised_by_its_first_bytes(serve: Serve, header: bytes) -> None:
    def garbage(conversation: Conversation) -> None:
        conversation.request()
        conversation.connection.sendall(header)
        conversation.over.wait(30)

    failure = refused(serve(garbage))
    assert failure.answered
    assert "does not speak as Beacon does" in failure.reason


@pytest.mark.parametrize("sent", [0, 4, 8, 40])
def test_a_connection_closed_in_the_middle_is_a_failure(serve: Serve, sent: int) -> None:
    def stop(conversation: Conversation) -> None:
        _, key, _ = conversation.request()
        conversation.connection.sendall(message(52, key, FILE.encode())[:sent])

    failure = refused(serve(stop))
    assert "closed the connection" in failure.reason
    assert failure.answered == (sent > 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just a text",
        b"[1, 2]",
        b"icat_servers:",
        b"icat_servers: [1]",
        b"icat_servers: {metadata_urls: [1, 2]}",
        b"icat_servers: {metadata_urls: 5}",
        b"icat_servers: {elogbook_url: {a: 1}}",
        b"icat_servers: {elogbook_token: 12345}",
        f"icat_servers:\n  elogbook_token: *{TOKEN}\n".encode(),
        f"icat_servers:\n  elogbook_token: !{TOKEN} x\n".encode(),
        f"icat_servers: {{elogbook_token: {TOKEN}\n  a: b: c".encode(),
        f"icat_servers:\n  elogbook_token: \t'{TOKEN}".encode(),
        b"when: 2023-99-99\n",
        b"\xff\xfe\x00",
        b"\x00\x01\x02",
        b"[" * 100_000,
    ],
)
def test_a_file_that_can_not_be_used_is_a_failure_that_quotes_nothing_of_it(serve: Serve, content: bytes) -> None:
    failure = refused(serve(answer(content)))
    assert failure.answered
    assert "__init__.yml" in failure.reason


def test_a_number_for_a_key_is_said_to_need_quotes(serve: Serve) -> None:
    assert "quotes" in refused(serve(answer("icat_servers: {elogbook_token: 12345}"))).reason


def test_a_yaml_error_names_its_line(serve: Serve) -> None:
    assert "line 3" in refused(serve(answer("a: 1\nb: 2\nc: ]\nd: 4\n"))).reason


# -- what takes long -------------------------------------------------------------------------------------------------


def test_silence_ends_at_the_deadline(serve: Serve) -> None:
    def silent(conversation: Conversation) -> None:
        conversation.over.wait(30)

    before = time.monotonic()
    failure = refused(serve(silent), 0.2)
    assert failure == BeaconFailure("no answer in time", answered=False)
    assert 0.2 <= time.monotonic() - before < 5


def test_a_server_that_trickles_ends_at_the_same_deadline(serve: Serve) -> None:
    def trickle(conversation: Conversation) -> None:
        _, key, _ = conversation.request()
        for byte in message(52, key, FILE.encode() * 100):
            conversation.connection.sendall(bytes([byte]))
            if conversation.over.wait(0.01):
                return

    before = time.monotonic()
    assert refused(serve(trickle), 0.3) == BeaconFailure("no answer in time", answered=True)
    assert time.monotonic() - before < 5


def test_name_resolution_that_hangs_ends_at_the_same_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        over.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    before = time.monotonic()
    failure = read_icat_servers("id00", 25000, 0.1)
    over.set()
    assert isinstance(failure, BeaconFailure)
    assert not failure.answered
    assert "name" in failure.reason
    assert time.monotonic() - before < 5


def test_a_name_that_hangs_does_not_keep_the_program_from_ending() -> None:
    program = (
        "import socket, threading\n"
        "socket.getaddrinfo = lambda *_, **__: threading.Event().wait(60)\n"
        "from icat_tui.settings.beacon import read_icat_servers\n"
        "print(read_icat_servers('id00', 25000, 0.1).answered)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "False\n"


# -- what is not there -----------------------------------------------------------------------------------------------


def test_a_port_where_nobody_listens_has_not_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    failure = refused(port)
    assert not failure.answered
    assert "refused" in failure.reason


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_that_is_not_known_has_not_answered(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert read_icat_servers("id00", 25000, 10) == BeaconFailure("its name can't be resolved", answered=False)


def test_the_next_address_is_tried_when_one_refuses(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    port = serve(answer(FILE))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = listener.getsockname()[1]
    stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(*stream, ("127.0.0.1", dead)), (*stream, ("127.0.0.1", port))]
    )
    assert read_icat_servers("id00", port, 10) == SERVERS


# -- BEACON_HOST -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "expected"), [("id00:25000", ("id00", 25000)), (" 127.0.0.1:1 ", ("127.0.0.1", 1))])
def test_beacon_host_is_host_and_port(text: str, expected: tuple[str, int]) -> None:
    assert parse_beacon_host(text) == expected


@pytest.mark.parametrize(
    "text", ["", "id00", "id00:", ":25000", "id00:a", "id00:0", "id00:65536", "::1", "a:1:2", "a:\u0661"]
)
def test_beacon_host_without_exactly_one_colon_or_a_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_beacon_host(text)


@pytest.mark.parametrize("text", ["id00:/tmp/beacon.sock", "/tmp/beacon.sock", "tcp://id00:25000"])
def test_a_unix_socket_is_said_not_to_be_supported(text: str) -> None:
    with pytest.raises(ValueError, match="unix sockets and URLs are not supported"):
        parse_beacon_host(text)


@given(st.text())
def test_no_text_breaks_the_parser_of_beacon_host(text: str) -> None:
    try:
        host, port = parse_beacon_host(text)
    except ValueError:
        return
    assert host
    assert 0 < port < 65536


# -- beside the reader before us -------------------------------------------------------------------------------------


@pytest.mark.peers
def test_blissdata_reads_the_same_from_the_same_server(serve: Serve) -> None:
    files = pytest.importorskip("blissdata.beacon.files")
    port = serve(answer(FILE))
    section = files.read_config(f"beacon://127.0.0.1:{port}/__init__.yml")["icat_servers"]
    assert ask(port) == IcatServers(
        metadata_urls=tuple(section["metadata_urls"]),
        elogbook_url=section["elogbook_url"],
        elogbook_token=section["elogbook_token"],
    )


@pytest.mark.peers
def test_blissdata_is_told_the_same_error_by_the_same_server(serve: Serve) -> None:
    files = pytest.importorskip("blissdata.beacon.files")
    port = serve(answer("File __init__.yml doesn't exist", kind=51))
    with pytest.raises(RuntimeError) as raised:
        files.read_config(f"beacon://127.0.0.1:{port}/__init__.yml")
    assert str(raised.value) in refused(port).reason


def test_yaml_is_not_imported_before_it_is_needed() -> None:
    program = "import sys, icat_tui.settings.beacon; print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "False\n"
