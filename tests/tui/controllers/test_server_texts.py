"""What the status line says of ICAT+ and of the brokers."""

import pytest

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.server_report import BrokerReport, LastAnswer, ServerReport
from icat_tui.tui.controllers.server_texts import broker_text, icatplus_text

BROKERS = (BrokerAddress("broker", 61613),)


def told(report: ServerReport) -> str:
    text = icatplus_text(report)
    return text.text if text else ""


def ended(ago: float, *, status: int | None = None, trouble: str = "") -> ServerReport:
    return ServerReport(now=1000, last=LastAnswer(at=1000 - ago, seconds=0.23, status=status, trouble=trouble))


def test_nothing_is_said_of_what_was_not_asked() -> None:
    assert not told(ServerReport(now=1000))


@pytest.mark.parametrize(
    ("status", "trouble", "now", "later"),
    [
        (200, "", "ICAT+ answers, 0.2 s", "ICAT+ answered 5 minutes ago, 0.2 s"),
        (403, "", "ICAT+ refuses the key (403)", "ICAT+ refused the key (403), 5 minutes ago"),
        (500, "", "ICAT+ answers with errors (500)", "ICAT+ answered with errors (500), 5 minutes ago"),
        (
            None,
            "connection refused",
            "ICAT+ can't be reached: connection refused",
            "ICAT+ could not be reached: connection refused, 5 minutes ago",
        ),
    ],
)
def test_what_is_so_is_said_and_of_what_was_when(status: int | None, trouble: str, now: str, later: str) -> None:
    assert told(ended(1, status=status, trouble=trouble)) == now
    assert told(ended(300, status=status, trouble=trouble)) == later


def test_silence_is_said_while_it_lasts_whatever_was_answered_before() -> None:
    last = LastAnswer(at=980, seconds=0.2, status=200)
    assert told(ServerReport(now=1000, silent_since=988, last=last)) == "ICAT+: no answer for 12 s"
    assert told(ServerReport(now=1000, silent_since=999, last=last)) == "ICAT+ answers, 0.2 s"


def test_brokers_are_told_with_the_reason() -> None:
    assert broker_text("nobody allowed it", BROKERS, None, 0).text == "read-only"
    assert broker_text("", BROKERS, None, 0).text == "sends to broker:61613"
    assert broker_text("", BROKERS, BrokerReport(10), 11).text == "broker answers"
    assert broker_text("", BROKERS, BrokerReport(10), 310).text == "sends to broker:61613"
    refused = "No broker took the connection (broker:61613: connection refused): see --queue, or try again later"
    assert broker_text("", BROKERS, BrokerReport(10, refused), 11).text == "no broker: broker:61613: connection refused"
    assert broker_text("", BROKERS, BrokerReport(10, "gone"), 310).text == "no broker: gone, 5 minutes ago"
