"""Settings: which of two wins, what is refused and how it is said, what is never shown, and the file to start from."""

from datetime import timedelta
from pathlib import Path

import pytest

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.settings.beacon import BeaconFailure, IcatServers
from icat_tui.settings.load import BEACON_DEFAULT_TIMEOUT, BEACON_TIMEOUT, load, site_files, user_file
from icat_tui.settings.schema import Settings, describe
from tests.support.settings_files import KEY, SettingsFiles, key_file, no_beacon

BEACON = IcatServers(metadata_urls=("beacon:1",), elogbook_url="https://beacon.example", elogbook_token="beacon-key")


# -- which of two wins -----------------------------------------------------------------------------------------------


def test_without_anything_everything_has_its_default(settings_files: SettingsFiles) -> None:
    settings = settings_files.load()
    assert settings == Settings()
    assert {origin for _, _, origin in describe(settings)} == {"default"}


SOURCES = ["default", "Beacon", "site", "user", "environment", "argument"]


def load_with(settings_files: SettingsFiles, sources: list[str], tmp_path: Path) -> Settings:
    if "site" in sources:
        settings_files.site.write_text('queue = ["site:1"]\njobs = 2')
    if "user" in sources:
        settings_files.user.write_text('queue = ["user:1"]\njobs = 3')
    environ = {"ICAT_TUI_QUEUE": "environment:1", "ICAT_TUI_JOBS": "4"} if "environment" in sources else {}
    arguments = {"queue": ["argument:1"], "jobs": "5"} if "argument" in sources else {}
    if "Beacon" in sources:
        environ["BEACON_HOST"] = "id00:25000"
    return settings_files.load(arguments, environ, beacon=lambda *_: BEACON)


@pytest.mark.parametrize("weaker", range(len(SOURCES) - 1))
@pytest.mark.parametrize("alone", [True, False], ids=["neighbours", "all below"])
def test_the_later_source_wins_and_is_named(
    settings_files: SettingsFiles, tmp_path: Path, weaker: int, alone: bool
) -> None:
    stronger = weaker + 1
    settings = load_with(settings_files, SOURCES[weaker if alone else 0 : stronger + 1], tmp_path)
    name = SOURCES[stronger]
    origins = {
        "Beacon": "Beacon id00:25000",
        "site": str(settings_files.site),
        "user": str(settings_files.user),
        "environment": "ICAT_TUI_QUEUE",
        "argument": "--queue",
    }
    assert [each.host for each in settings.queue] == [name.lower()]
    assert settings.origin["queue"] == origins[name]
    assert settings.jobs == {"Beacon": 8, "site": 2, "user": 3, "environment": 4, "argument": 5}[name]


def test_each_key_comes_from_the_strongest_source_that_says_it(settings_files: SettingsFiles) -> None:
    settings_files.site.write_text('jobs = 2\nrate = 3\nsettle_time = "2h"')
    settings_files.user.write_text("rate = 4\nread_only = true")
    settings = settings_files.load({"cache_dir": "/cache"}, {"ICAT_TUI_SETTLE_TIME": "0s"})
    assert (settings.jobs, settings.rate, settings.settle_time) == (2, 4.0, timedelta())
    assert (settings.read_only, settings.cache_dir) == (True, "/cache")
    assert settings.origin == {
        "jobs": str(settings_files.site),
        "rate": str(settings_files.user),
        "settle_time": "ICAT_TUI_SETTLE_TIME",
        "read_only": str(settings_files.user),
        "cache_dir": "--cache-dir",
    }


def test_a_table_takes_the_place_of_the_one_before_it(settings_files: SettingsFiles) -> None:
    settings_files.site.write_text(
        '[facility.formats]\nid16b = "id16bspec"\n[facility.beamline_directories]\nbm01 = "bm1"'
    )
    settings_files.user.write_text('[facility.formats]\nid29 = "mx"')
    facility = settings_files.load().facility
    assert facility.formats == {"id29": "mx"}
    assert facility.beamline_directories == {"bm01": "bm1"}


@pytest.mark.parametrize("nothing", [None, False, [], ()])
def test_an_argument_that_was_not_given_changes_nothing(settings_files: SettingsFiles, nothing: object) -> None:
    settings_files.user.write_text('read_only = true\nqueue = ["a:1"]\njobs = 3')
    settings = settings_files.load({"read_only": nothing, "queue": nothing, "jobs": nothing})
    assert (settings.read_only, len(settings.queue), settings.jobs) == (True, 1, 3)


def test_zero_is_an_argument_that_was_given(settings_files: SettingsFiles) -> None:
    assert settings_files.load({"rate": 0.0}).rate == 0
    assert settings_files.load({"rate": 0}).rate == 0
    assert "--jobs" in settings_files.refusal({"jobs": 0})


def test_arguments_that_are_no_settings_are_passed_over(settings_files: SettingsFiles) -> None:
    assert settings_files.load({"beamline": ["id00"], "register": True, "json": True}) == Settings()


def test_the_files_of_the_platform_are_read_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_DIRS", f"{tmp_path}/desktop:{tmp_path}/xdg")
    for directory, text in (("desktop", "jobs = 2"), ("xdg", "jobs = 3\nrate = 3")):
        (tmp_path / directory / "icat-tui").mkdir(parents=True)
        (tmp_path / directory / "icat-tui" / "config.toml").write_text(text)
    user_file().parent.mkdir(parents=True)
    user_file().write_text("verify_wait = 3")
    settings = load({}, {}, beacon=no_beacon)
    assert (settings.jobs, settings.rate, settings.verify_wait) == (2, 3.0, timedelta(seconds=3))
    assert site_files() == (tmp_path / "xdg/icat-tui/config.toml", tmp_path / "desktop/icat-tui/config.toml")


# -- the login at brokers --------------------------------------------------------------------------------------------

LOGIN = '[facility]\nbroker_login = "icat"\nbroker_passcode = "p"'


@pytest.mark.parametrize(
    ("site", "user", "environ", "given", "login_for", "without"),
    [
        ("", f'queue = ["a:1", "b:1"]\n{LOGIN}', {}, {}, ["a:1", "b:1"], ""),
        (f'queue = ["a:1"]\n{LOGIN}', 'queue = ["b:1"]', {}, {}, ["a:1"], "b:1"),
        (f'queue = ["a:1"]\n{LOGIN}', "", {}, {"queue": ["b:1", "a:1"]}, ["a:1"], "b:1"),
        (f'queue = ["a:1"]\n{LOGIN}', "", {"ICAT_TUI_QUEUE": "a:1"}, {}, ["a:1"], ""),
        (LOGIN, "", {"ICAT_TUI_QUEUE": "a:1"}, {}, [], "a:1"),
        ('queue = ["a:1"]', LOGIN, {}, {}, [], "a:1"),
        ('queue = ["a:1", "c:1"]\n[facility]\nbroker_login = "x"', f'queue = ["c:1"]\n{LOGIN}', {}, {}, ["c:1"], ""),
        (
            'queue = ["a:1"]\n[facility]\nbroker_login = "x"',
            'queue = ["c:1"]\n[facility]\nbroker_passcode = "y"',
            {},
            {},
            [],
            "c:1",
        ),
        (
            "",
            "",
            {"ICAT_TUI_QUEUE": "a:1", "ICAT_TUI_FACILITY_BROKER_LOGIN": "x"},
            {"queue": ["b:1"]},
            ["a:1"],
            "b:1",
        ),
    ],
)
def test_login_and_passcode_are_for_the_brokers_that_are_named_beside_them(
    settings_files: SettingsFiles,
    *,
    site: str,
    user: str,
    environ: dict[str, str],
    given: dict[str, object],
    login_for: list[str],
    without: str,
) -> None:
    settings_files.site.write_text(site)
    settings_files.user.write_text(user)
    settings = settings_files.load(given, environ)
    assert list(map(str, settings.login_for)) == login_for
    assert [warning.partition(" (")[0] for warning in settings.warnings] == ([without] if without else [])


def test_beacons_brokers_get_no_login(settings_files: SettingsFiles) -> None:
    settings_files.user.write_text(LOGIN)
    found = IcatServers(metadata_urls=("a:1",), elogbook_url=None, elogbook_token=None)
    settings = settings_files.load({}, {"BEACON_HOST": "id00:1"}, beacon=lambda *_: found)
    assert (settings.login_for, len(settings.queue)) == ((), 1)
    assert "gets no login" in settings.warnings[0]


# -- --config --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_a_named_config_takes_the_place_of_the_users_but_not_of_the_sites(
    settings_files: SettingsFiles, tmp_path: Path, by: str
) -> None:
    settings_files.site.write_text("jobs = 2\nrate = 2")
    settings_files.user.write_text("rate = 3\nsettle_time = 3")
    named = tmp_path / "named.toml"
    named.write_text("rate = 4")
    settings = (
        settings_files.load({"config": str(named)})
        if by == "argument"
        else settings_files.load({}, {"ICAT_TUI_CONFIG": str(named)})
    )
    assert (settings.jobs, settings.rate, settings.settle_time) == (2, 4.0, timedelta(hours=1))
    assert (settings.config, settings.origin["rate"]) == (str(named), str(named))


def test_a_named_config_that_is_not_there_is_refused(settings_files: SettingsFiles, tmp_path: Path) -> None:
    assert f"{tmp_path}/none.toml is not there" in settings_files.refusal({"config": f"{tmp_path}/none.toml"})


def test_a_config_can_not_name_another(settings_files: SettingsFiles) -> None:
    settings_files.user.write_text('config = "/etc/other.toml"')
    assert "--config" in settings_files.refusal()


# -- names that no setting has ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "wrong", "closest"),
    [
        ('cache-dir = "/a"', "cache-dir", "cache_dir"),
        ("job = 3", "job", "jobs"),
        ("Jobs = 3", "Jobs", "jobs"),
        ('time_zone = "Europe/Paris"', "time_zone", "time_zone in [facility]"),
        ('[facility]\ntimezone = "x"', "timezone in [facility]", "time_zone in [facility]"),
        ("[facilty]\na = 1", "facilty", "facility"),
        ('"\\u001b[2J" = 1', "\\x1b[2J", ""),
    ],
)
def test_a_key_that_no_setting_has_is_refused_with_the_closest(
    settings_files: SettingsFiles, line: str, wrong: str, closest: str
) -> None:
    settings_files.user.write_text(line)
    refusal = settings_files.refusal()
    assert refusal.startswith(f"{settings_files.user}: ")
    before, _, after = refusal.partition("the closest is ")
    assert wrong in before
    assert closest in after


@pytest.mark.parametrize(
    ("variable", "closest"),
    [
        ("ICAT_TUI_CACHEDIR", "ICAT_TUI_CACHE_DIR"),
        ("ICAT_TUI_QUEUES", "ICAT_TUI_QUEUE"),
        ("ICAT_TUI_", "ICAT_TUI_"),
        ("ICAT_TUI_TIME_ZONE", "ICAT_TUI_FACILITY_TIME_ZONE"),
        ("ICAT_TUI_cache_dir", "ICAT_TUI_"),
    ],
)
def test_a_variable_that_no_setting_has_is_refused_with_the_closest(
    settings_files: SettingsFiles, variable: str, closest: str
) -> None:
    refusal = settings_files.refusal({}, {variable: "1"})
    before, _, after = refusal.partition("the closest is ")
    assert variable in before
    assert after.startswith(closest)


def test_variables_of_others_are_passed_over(settings_files: SettingsFiles) -> None:
    assert settings_files.load({}, {"ICATPLUS": "x", "MY_ICAT_TUI_JOBS": "y", "PATH": "/bin"}) == Settings()


# -- who may send ----------------------------------------------------------------------------------------------------


def test_a_settings_file_can_allow_to_register(settings_files: SettingsFiles) -> None:
    settings_files.site.write_text("allow_register = true")
    assert settings_files.load().allow_register


def test_neither_the_environment_nor_an_argument_can_allow_to_register(settings_files: SettingsFiles) -> None:
    assert "settings file" in settings_files.refusal({}, {"ICAT_TUI_ALLOW_REGISTER": "true"})
    assert "settings file" in settings_files.refusal({"allow_register": True})


def test_a_broker_alone_allows_nothing(settings_files: SettingsFiles) -> None:
    assert not settings_files.load({"queue": ["a:1"]}).allow_register


# -- what is never shown ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        f"api_key = ['{KEY}']",
        f"api_key = '{KEY} {KEY}'",
        f"icatplus = ['https://{KEY}@host']",
        f"icatplus = {{a = '{KEY}'}}",
        f"queue = 'stomp://login:{KEY}@host:1'",
        f"queue = ['a:1', 'stomp://login:{KEY}@host:1']",
        f"queue = {{a = '{KEY}'}}",
        f"[facility]\nbroker_passcode = ['{KEY}']",
        f"[facility]\nbroker_login = ['{KEY}']",
        f"api_key = '{KEY}",
        f"api_key = {KEY}",
    ],
)
def test_no_refusal_repeats_what_can_hold_a_secret(settings_files: SettingsFiles, line: str) -> None:
    settings_files.user.write_text(line)
    assert KEY not in settings_files.refusal()


# -- Beacon ----------------------------------------------------------------------------------------------------------


class AskedBeacon:
    """Stands for `read_icat_servers`, and remembers how it was asked."""

    def __init__(self, answer: IcatServers | BeaconFailure) -> None:
        self.answer = answer
        self.asked: list[tuple[str, int, float]] = []

    def __call__(self, host: str, port: int, timeout: float) -> IcatServers | BeaconFailure:
        self.asked.append((host, port, timeout))
        return self.answer


def test_beacon_says_what_nothing_else_says(settings_files: SettingsFiles) -> None:
    beacon = AskedBeacon(BEACON)
    settings = settings_files.load({}, {"BEACON_HOST": "id00:25000", "ICAT_TUI_API_KEY": KEY}, beacon=beacon)
    assert beacon.asked == [("id00", 25000, BEACON_TIMEOUT)]
    assert settings.queue == (BrokerAddress("beacon", 1),)
    assert (settings.icatplus, settings.api_key) == ("https://beacon.example", KEY)
    assert settings.origin["icatplus"] == "Beacon id00:25000"
    assert settings.warnings == ()


def test_beacon_is_not_asked_when_everything_is_said(settings_files: SettingsFiles, tmp_path: Path) -> None:
    environ = {"BEACON_HOST": "id00:25000"}
    settings_files.site.write_text('queue = ["a:1"]\nicatplus = "https://a"\napi_key = "k"')
    assert settings_files.load({}, environ).origin["queue"] == str(settings_files.site)
    settings_files.site.write_text(f'queue = []\nicatplus = ""\napi_key_file = "{key_file(tmp_path / "key")}"')
    assert settings_files.load({}, environ, beacon_default="id00:25000").api_key == KEY


def test_beacon_is_not_asked_when_nobody_named_one(settings_files: SettingsFiles) -> None:
    assert settings_files.load({}, {"BEACON_HOST": ""}) == Settings()


def test_beacon_is_not_asked_before_the_settings_are_known_to_be_right(settings_files: SettingsFiles) -> None:
    assert "ICAT_TUI_JOBS" in settings_files.refusal({}, {"BEACON_HOST": "id00:25000", "ICAT_TUI_JOBS": "x"})


def test_the_default_beacon_gets_a_second_and_only_when_none_is_named(settings_files: SettingsFiles) -> None:
    beacon = AskedBeacon(BEACON)
    settings_files.load(beacon=beacon, beacon_default="id00:25000")
    settings_files.load({}, {"BEACON_HOST": "id01:25001"}, beacon=beacon, beacon_default="id00:25000")
    assert beacon.asked == [("id00", 25000, BEACON_DEFAULT_TIMEOUT), ("id01", 25001, BEACON_TIMEOUT)]
    assert BEACON_DEFAULT_TIMEOUT == 1


@pytest.mark.parametrize("answered", [True, False])
def test_a_named_beacon_that_fails_is_a_warning_and_settings_go_on(
    settings_files: SettingsFiles, answered: bool
) -> None:
    failure = AskedBeacon(BeaconFailure("no answer\x1b in time", answered))
    settings = settings_files.load({"jobs": 3}, {"BEACON_HOST": "id00:25000"}, beacon=failure)
    assert (settings.jobs, settings.icatplus) == (3, None)
    (warning,) = settings.warnings
    assert "Beacon id00:25000" in warning
    assert warning.isprintable()


def test_the_default_beacon_that_is_not_there_is_no_news(settings_files: SettingsFiles) -> None:
    failure = AskedBeacon(BeaconFailure("its name can't be resolved", answered=False))
    assert settings_files.load(beacon=failure, beacon_default="id00:25000") == Settings()


def test_the_default_beacon_that_answers_nonsense_is_news(settings_files: SettingsFiles) -> None:
    failure = AskedBeacon(BeaconFailure("no table icat_servers", answered=True))
    assert "no table" in settings_files.load(beacon=failure, beacon_default="id00:25000").warnings[0]


@pytest.mark.parametrize("text", ["id00", "id00:1:2", "id00:/tmp/beacon.sock"])
def test_a_beacon_host_that_can_not_be_asked_is_a_warning(settings_files: SettingsFiles, text: str) -> None:
    (warning,) = settings_files.load({}, {"BEACON_HOST": text}).warnings
    assert text in warning
    assert "HOST:PORT" in warning


def test_one_value_of_beacon_that_can_not_be_used_does_not_spoil_the_others(settings_files: SettingsFiles) -> None:
    beacon = AskedBeacon(IcatServers(metadata_urls=("a:b:c",), elogbook_url="https://a", elogbook_token=KEY))
    settings = settings_files.load({}, {"BEACON_HOST": "id00:25000"}, beacon=beacon)
    assert (settings.queue, settings.icatplus, settings.api_key) == ((), "https://a", KEY)
    (warning,) = settings.warnings
    assert "a:b:c" in warning
    assert "Beacon id00:25000" in warning
