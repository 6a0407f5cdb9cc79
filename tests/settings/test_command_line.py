"""Settings that a command repeats: what a person gave, never what a file holds, and no secret."""

from pathlib import Path

from icat_tui.settings import command_line
from icat_tui.settings.beacon import IcatServers
from icat_tui.settings.load import load


def test_what_was_given_is_repeated_and_what_a_file_holds_is_not(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('rate = 5\nstate_dir = "/srv/journal"\n[facility]\nmount_marker = "gpfs"\n')
    environment = {"ICAT_TUI_SETTLE_TIME": "90m", "ICAT_TUI_FACILITY_FORMATS": "id29=mx,id16b=id16bspec"}
    settings = load({"queue": ["a:1", "b:2"], "config": str(file)}, environment, site=())
    assert list(command_line.options(settings, ("queue", "rate", "icatplus"))) == [
        ("--queue", "a:1"),
        ("--queue", "b:2"),
    ]
    given = dict(command_line.variables(settings, command_line.WITHOUT_OPTION))
    assert given.keys() == environment.keys()
    assert load({"config": str(file)}, given, site=()).facility.formats == settings.facility.formats
    assert load({"config": str(file)}, given, site=()).settle_time == settings.settle_time


def test_what_beacon_told_is_repeated_where_that_is_asked_for() -> None:
    told = IcatServers(metadata_urls=("a:1",), elogbook_url="http://icat.example", elogbook_token="elogbook-key")
    settings = load({}, {"BEACON_HOST": "id00:1"}, site=(), user=Path("/none"), beacon=lambda *_: told)
    assert list(command_line.options(settings, ("queue",))) == []
    assert list(command_line.options(settings, ("queue",), beacon=True)) == [("--queue", "a:1")]


def test_no_secret_is_repeated() -> None:
    environment = {
        "ICAT_TUI_API_KEY": "elogbook-key",
        "ICAT_TUI_FACILITY_BROKER_LOGIN": "me",
        "ICAT_TUI_FACILITY_BROKER_PASSCODE": "hush",
        "ICAT_TUI_ICATPLUS": "https://me:hush@icat.example/x",
    }
    settings = load({}, environment, site=())
    assert list(command_line.options(settings, ("icatplus",))) == [("--icatplus", "https://icat.example/x")]
    assert list(command_line.variables(settings, command_line.WITHOUT_OPTION)) == []


def test_a_list_that_would_be_read_back_as_another_is_left_out() -> None:
    settings = load({"data_root": ["/data/a,b", "/data/c"]}, {}, site=())
    assert list(command_line.variables(settings, ("data_root",))) == []
    settings = load({"data_root": ["/data/a", "/data/c"]}, {}, site=())
    ((name, value),) = command_line.variables(settings, ("data_root",))
    assert load({}, {name: value}, site=()).data_root == settings.data_root
