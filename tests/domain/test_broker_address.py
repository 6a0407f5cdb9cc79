"""Tests of addresses of brokers as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.broker_address import BrokerAddress, parse_broker


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bcu-mq-01.example", BrokerAddress("bcu-mq-01.example", 61613)),
        ("bcu-mq-01.example:61614", BrokerAddress("bcu-mq-01.example", 61614)),
        ("tcp://mq:1", BrokerAddress("mq", 1)),
        ("stomp://mq", BrokerAddress("mq", 61613)),
        ("stomp+ssl://mq", BrokerAddress("mq", 61613, tls=True)),
        ("STOMP+SSL://mq:61612/", BrokerAddress("mq", 61612, tls=True)),
        ("  127.0.0.1:65535\n", BrokerAddress("127.0.0.1", 65535)),
        ("[::1]:61613", BrokerAddress("::1", 61613)),
        ("stomp+ssl://[fe80::1]", BrokerAddress("fe80::1", 61613, tls=True)),
    ],
)
def test_an_address_is_read(text: str, expected: BrokerAddress) -> None:
    assert parse_broker(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ":61613",
        "mq:",
        "mq:0",
        "mq:65536",
        "mq:x",
        "mq:-1",
        "mq:1:2",
        "::1",
        "[mq]:1",
        "[]",
        "http://mq:1",
        "ssl://mq",
        "://mq",
        "stomp://",
        "mq:1/queue",
        "mq:1?x=y",
        "a b:1",
        "a,b",
        "mq:\u0661",
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no broker"):
        parse_broker(text)


def test_a_login_in_an_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="broker_login") as raised:
        parse_broker("stomp://icat:hunter2@mq:61613")
    assert "hunter2" not in str(raised.value)


hosts = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,30}", fullmatch=True) | st.ip_addresses().map(str)


@given(st.builds(BrokerAddress, hosts, st.integers(1, 65535), st.booleans()))
def test_an_address_is_read_back_from_its_text(address: BrokerAddress) -> None:
    assert parse_broker(str(address)) == address


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        address = parse_broker(text)
    except ValueError:
        return
    assert address.host
    assert parse_broker(str(address)) == address
