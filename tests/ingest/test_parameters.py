"""Times of parameters as text."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from icat_tui.ingest.parameters import xml_time
from tests.ingest.data.cases import START


@given(st.datetimes(timezones=st.just(UTC) | st.none()))
def test_a_time_reads_back_the_same(time: datetime) -> None:
    assert datetime.fromisoformat(xml_time(time)) == time


def test_a_time_keeps_its_offset() -> None:
    assert xml_time(START) == "2023-10-20T01:00:00.123456+02:00"
    assert xml_time(START.replace(microsecond=500_000)) == "2023-10-20T01:00:00.500+02:00"
    assert xml_time(START - timedelta(microseconds=123456)) == "2023-10-20T01:00:00+02:00"
