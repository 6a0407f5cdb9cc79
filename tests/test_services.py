"""Settings become what a run works with: never a broker that nobody named."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import UsageError
from icat_tui.journal.directory import JournalDirectory
from icat_tui.services import Services
from icat_tui.settings.load import load
from icat_tui.settings.schema import Settings
from icat_tui.sync.submit import Submission
from tests.support.journal_entries import shared_journal


def submission(settings: Settings, brokers: list[BrokerAddress] | None = None) -> Submission:
    services = Services(settings)
    view = services.journal_view()
    return services.submission(datetime.now(UTC), view, catalogue=None, cache=None, brokers=brokers)


def test_the_journal_is_where_it_is_said_else_the_users_own_and_never_beside_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    own, older = tmp_path / "user" / "icat-tui", Path("/c-state/journal.jsonl")

    def journal(settings: Settings) -> JournalDirectory:
        return Services(settings).journal_directory

    assert journal(Settings(state_dir="/s", cache_dir="/c")) == JournalDirectory(Path("/s"), older=(older,))
    assert journal(Settings(cache_dir="/c/")) == JournalDirectory(own, own=True, older=(older,))
    assert journal(Settings(cache_dir=".")).older == (Path(f"{tmp_path}-state/journal.jsonl"),)
    assert journal(Settings()) == JournalDirectory(own, own=True)


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


def test_that_nothing_may_be_sent_comes_before_what_is_wrong_with_the_journal(tmp_path: Path) -> None:
    settings = load({}, {"ICAT_TUI_STATE_DIR": str(tmp_path)}, site=())
    with pytest.raises(UsageError, match="--queue HOST:PORT"):
        Services(settings).check_may_send()
    with pytest.raises(UsageError, match=r"there is no icat-tui-journal\.json"):
        Services(settings).check_may_send([BrokerAddress("b")])
    shared_journal(tmp_path)
    Services(settings).check_may_send([BrokerAddress("b")])


def test_what_is_set_about_time_and_pace_is_what_is_worked_with() -> None:
    environ = {"SETTLE_TIME": "7m", "PENDING_TIMEOUT": "3h", "FINGERPRINT_AGE": "5d", "MAX_AGE": "9d", "RATE": "3"}
    given = {f"ICAT_TUI_{name}": value for name, value in environ.items()} | {"ICAT_TUI_VERIFY_WAIT": "11s"}
    services = Services(load({"queue": ["b"], "jobs": 3}, given, site=()))
    around = services.surroundings(datetime.now(UTC), None)
    assert around.settle_time == timedelta(minutes=7)
    assert around.pending_timeout == timedelta(hours=3)
    plan = services.scan_plan((), Mock(), around, None)
    assert (plan.fingerprint_age, plan.max_age, plan.jobs) == (timedelta(days=5), timedelta(days=9), 3)
    sending = submission(services.settings)
    assert sending.broker.rate == 3
    assert sending.verify_wait == timedelta(seconds=11)
    assert sending.surroundings.settle_time == timedelta(minutes=7)


def test_the_target_is_told_with_who_said_so() -> None:
    settings = load({"queue": ["a:1", "b"]}, {"ICAT_TUI_FACILITY_BROKER_LOGIN": "me"}, site=())
    broker = submission(settings).broker
    assert Services(settings).target() == "a:1, b:61613 (from --queue)"
    assert broker.login is not None
    assert broker.login.user == "me"


def test_scripts_get_the_servers_of_the_command_line_and_the_environment_and_no_secret() -> None:
    arguments = {"icatplus": "https://me:secret@icat.example/x", "api_key": "key", "queue": ["a:1", "b:2"], "rate": "5"}
    call = Services(load(arguments, {}, site=())).script_call()
    assert call.options == (
        ("--icatplus", "https://icat.example/x"),
        ("--queue", "a:1"),
        ("--queue", "b:2"),
        ("--rate", "5"),
    )
    environment = {"ICAT_TUI_ICATPLUS": "http://icat.example", "ICAT_TUI_JOBS": "3", "ICAT_TUI_API_KEY": "key"}
    call = Services(load({}, environment, site=())).script_call()
    assert call.options == (("--icatplus", "http://icat.example"), ("--jobs", "3"))


def test_scripts_read_from_the_settings_what_stands_there(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('icatplus = "http://icat.example"\nqueue = ["a:1"]\n')
    call = Services(load({"config": str(file)}, {}, site=())).script_call()
    assert (call.options, call.config) == ((), str(file))
