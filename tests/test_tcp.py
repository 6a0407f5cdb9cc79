"""Connections to names with several addresses, each of which gets its share of the time."""

import socket
import threading
import time

import pytest

from icat_tui import tcp
from tests.support.loopback_addresses import black_hole, give_addresses
from tests.support.ports import free_port


def connected_to(host: str, port: int, seconds: float) -> str:
    with tcp.connect(host, port, time.monotonic() + seconds) as connection:
        assert connection.gettimeout() is None
        found: str = connection.getpeername()[0]
        return found


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    listening_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_addresses(monkeypatch, "broker.example", "127.0.0.2", "127.0.0.3", "127.0.0.1")
    before = time.monotonic()
    with black_hole("127.0.0.2", listening_port):
        assert connected_to("broker.example", listening_port, 1.5) == "127.0.0.1"
    assert 0.4 < time.monotonic() - before < 1.0  # a third for the first, nothing for the one that refuses


def test_no_address_gets_more_than_all_the_time(listening_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    give_addresses(monkeypatch, "broker.example", "127.0.0.2", "127.0.0.3")
    before = time.monotonic()
    with black_hole("127.0.0.2", listening_port), black_hole("127.0.0.3", listening_port), pytest.raises(TimeoutError):
        connected_to("broker.example", listening_port, 0.4)
    assert 0.35 < time.monotonic() - before < 2


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.1", "127.0.0.1"], ["::1", "127.0.0.1"]])
def test_the_first_that_accepts_is_taken(
    listening_port: int, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    give_addresses(monkeypatch, "broker.example", *addresses)
    assert connected_to("broker.example", listening_port, 5) == "127.0.0.1"
    assert len(tcp.look_up("broker.example", listening_port)) == len(set(addresses))


def test_the_reason_is_that_of_the_last_address(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = free_port()
    give_addresses(monkeypatch, "broker.example", "127.0.0.2", "127.0.0.1")
    with black_hole("127.0.0.2", dead), pytest.raises(ConnectionRefusedError):
        connected_to("broker.example", dead, 0.4)


def test_a_name_without_an_address_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    give_addresses(monkeypatch, "broker.example")
    for host in ("broker.example", "a..b"):
        with pytest.raises(socket.gaierror):
            connected_to(host, 1, 5)


def test_a_look_up_that_hangs_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30) and [])
    try:
        with pytest.raises(tcp.NameTimeout, match=r"broker\.example"):
            connected_to("broker.example", 1, 0.1)
    finally:
        over.set()


def test_there_is_no_time_after_the_deadline() -> None:
    assert 0 < tcp.seconds_left(time.monotonic() + 5) <= 5
    with pytest.raises(TimeoutError):
        tcp.seconds_left(time.monotonic())
