"""Settings become what a run works with: never a broker that nobody named."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import UsageError
from icat_tui.services import Services
from icat_tui.settings.load import load
from icat_tui.settings.schema import Settings, journal_path
from icat_tui.sync.submit import Submission


def submission(settings: Settings, brokers: list[BrokerAddress] | None = None) -> Submission:
    services = Services(settings)
    view = services.journal_view()
    return services.submission(datetime.now(UTC), view, catalogue=None, cache=None, brokers=brokers)


def test_the_journal_is_where_it_is_said_else_beside_the_cache_else_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    assert journal_path(Settings(state_dir="/s", cache_dir="/c")) == Path("/s/journal.jsonl")
    assert journal_path(Settings(cache_dir="/c/")) == Path("/c-state/journal.jsonl")
    assert journal_path(Settings(cache_dir=".")) == Path(f"{tmp_path}-state/journal.jsonl")
    assert journal_path(Settings()) == tmp_path / "user" / "icat-tui" / "journal.jsonl"


def test_there_is_no_broker_and_no_icat_by_default() -> None:
    assert Services(Settings()).catalogue_if_known() is None
    with pytest.raises(UsageError, match="--icatplus URL"):
        Services(Settings()).catalogue()
    with pytest.raises(UsageError, match="--queue HOST:PORT"):
        submission(Settings()).check()


@pytest.mark.parametrize("addresses", [None, [BrokerAddress("b")]])
def test_read_only_lets_nothing_be_sent_whatever_broker_is_named(addresses: list[BrokerAddress] | None) -> None:
    settings = load({"read_only": True, "queue": ["b"]}, {}, site=())
    with pytest.raises(UsageError, match="--read-only"):
        submission(settings, addresses).check()


def test_the_target_is_told_with_who_said_so() -> None:
    settings = load({"queue": ["a:1", "b"]}, {"ICAT_TUI_FACILITY_BROKER_LOGIN": "me"}, site=())
    broker = submission(settings).broker
    assert Services(settings).target() == "a:1, b:61613 (from --queue)"
    assert broker.login is not None
    assert broker.login.user == "me"
