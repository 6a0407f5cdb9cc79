"""Connections to brokers: which of them is taken, login and TLS."""

import time
from collections.abc import Callable

import pytest

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.ingest.broker import Login
from icat_tui.ingest.send_events import BrokerConnected
from icat_tui.journal.sendings import MessageState
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import SHARD, messages
from tests.support.ports import free_port
from tests.support.scripted_broker import Client, Frame, ScriptedBroker, broker_at, serving_broker
from tests.support.sending import finished, message_states, run

# -- brokers that can't be reached -------------------------------------------------------------------------------------


def test_every_broker_is_tried_before_giving_up(fake: ScriptedBroker, journal: Journal) -> None:
    with serving_broker(ScriptedBroker(on_connect=lambda client, _: client.error("maintenance"))) as refusing:
        addresses = BrokerAddress("127.0.0.1", free_port()), refusing.address, fake.address
        events = run(broker_at(*addresses), journal, messages(3))
    assert finished(events).accepted == 3
    assert refusing.connections == 1
    assert BrokerConnected(str(fake.address)) in events


def test_what_every_broker_said_is_told_when_none_takes_the_connection(journal: Journal) -> None:
    with serving_broker(ScriptedBroker(on_connect=lambda client, _: client.error("wrong passcode"))) as refusing:
        dead = BrokerAddress("127.0.0.1", free_port())
        events = run(broker_at(dead, refusing.address), journal, messages(3))
    end = finished(events)
    assert (end.connected, end.accepted, end.unknown) == (False, 0, 0)
    assert f"{dead} Connection refused" in end.trouble
    assert f"{refusing.address} refused: wrong passcode" in end.trouble
    assert set(message_states(journal).values()) == {MessageState.PLANNED}


@pytest.mark.parametrize("on_connect", [lambda _client, _frame: None, lambda client, _: client.write(b"CONN")])
def test_a_broker_that_takes_the_connection_and_says_nothing_is_left_in_time(
    journal: Journal, on_connect: object
) -> None:
    with serving_broker(ScriptedBroker(on_connect=on_connect)) as silent:  # type: ignore[arg-type] # lambdas without types
        before = time.monotonic()
        end = finished(run(broker_at(silent.address, connect_timeout=0.3), journal, messages(3)))
        assert time.monotonic() - before < 3
        assert "said nothing for 0.3 s" in end.trouble
    assert set(message_states(journal).values()) == {MessageState.PLANNED}


def test_a_broker_that_does_not_speak_1_1_is_left(journal: Journal) -> None:
    with serving_broker(
        ScriptedBroker(on_connect=lambda client, _: client.error("Supported protocol versions are 1.2"))
    ) as odd:
        assert "1.2" in finished(run(broker_at(odd.address), journal, messages(1))).trouble
        assert odd.sent == []


def test_a_host_that_closes_at_once_is_left(journal: Journal) -> None:
    def hang_up(_client: Client, _frame: Frame) -> None:
        raise OSError

    with serving_broker(ScriptedBroker(on_connect=hang_up)) as rude:
        assert "closed the connection at once" in finished(run(broker_at(rude.address), journal, messages(1))).trouble


def test_without_a_broker_nothing_is_sent(journal: Journal) -> None:
    assert "--queue" in finished(run(broker_at(), journal, messages(1))).trouble


# -- secrets and TLS ---------------------------------------------------------------------------------------------------


def test_the_passcode_is_sent_and_never_shown(
    fake: ScriptedBroker, journal: Journal, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    broker = broker_at(fake.address, login=Login("icat", "s3cret"), login_for=frozenset({fake.address}))
    events = run(broker, journal, messages(2))
    assert fake.frames[0].headers["login"] == "icat"
    assert fake.frames[0].headers["passcode"] == "s3cret"
    shown = [repr(broker), repr(events), caplog.text, journal.directory.shard(SHARD).read_text(), *capfd.readouterr()]
    assert not any("s3cret" in text for text in shown)


def test_a_dead_broker_prints_nothing_on_the_screen(journal: Journal, capfd: pytest.CaptureFixture[str]) -> None:
    run(broker_at(BrokerAddress("127.0.0.1", free_port())), journal, messages(1))
    assert capfd.readouterr() == ("", "")


def test_a_broker_behind_tls_gets_everything(
    fake: ScriptedBroker, tls: Callable[[], BrokerAddress], journal: Journal
) -> None:
    end = finished(run(broker_at(tls()), journal, messages(40)))
    assert (end.accepted, end.trouble) == (40, "")
    assert len(fake.sent) == 40


def test_a_broker_that_leaves_behind_tls_makes_what_is_out_unknown(
    fake: ScriptedBroker, tls: Callable[[], BrokerAddress], journal: Journal
) -> None:
    def hang_up(_client: Client, _frame: Frame) -> None:
        raise OSError

    fake.script = hang_up
    before = time.monotonic()
    end = finished(run(broker_at(tls(), receipt_timeout=0.5), journal, messages(3)))
    assert end.accepted == 0
    assert 1 <= end.unknown <= 3, "how many are out when the end is seen depends on the threads"
    assert time.monotonic() - before < 8


def test_a_certificate_that_nobody_vouches_for_is_refused(
    fake: ScriptedBroker, tls: Callable[[], BrokerAddress], journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tls()
    monkeypatch.delenv("SSL_CERT_FILE")
    end = finished(run(broker_at(address), journal, messages(1)))
    assert "certificate" in end.trouble
    assert fake.sent == []
