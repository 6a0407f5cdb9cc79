"""How values are written in settings, and how it is said that one can't be used."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.settings.load import load
from icat_tui.settings.schema import environment_name, value_of
from icat_tui.settings.values import duration, show_duration
from tests.support.settings_files import SettingsFiles

# -- values ----------------------------------------------------------------------------------------------------------


def test_every_type_reads_the_same_from_a_file_the_environment_and_arguments(
    settings_files: SettingsFiles, tmp_path: Path
) -> None:
    settings_files.user.write_text(
        'data_root = ["/a", "/b"]\nformat = "mx"\nmax_age = "12h"\njobs = 3\nrate = 0.5\nread_only = true\n'
        'queue = ["x:1", "stomp+ssl://y"]\n[facility]\nportal_url = "https://p.example/"\n'
        '[facility.formats]\nID16B = "id16bspec"\nid29 = "mx"'
    )
    from_file = settings_files.load()
    texts = {
        "data_root": "/a, /b,",
        "format": "mx",
        "max_age": "12h",
        "jobs": "3",
        "rate": "0.5",
        "read_only": "yes",
        "queue": "x:1,stomp+ssl://y",
        "facility.portal_url": "https://p.example",
        "facility.formats": "ID16B=id16bspec, id29=mx",
    }
    from_environment = load(
        {}, {environment_name(key): text for key, text in texts.items()}, site=(), user=tmp_path / "none"
    )
    from_arguments = load(
        {
            "data_root": ["/a", "/b"],
            "format": "mx",
            "max_age": "12h",
            "jobs": "3",
            "rate": "0.5",
            "read_only": True,
            "queue": ["x:1", "stomp+ssl://y"],
        },
        {},
        site=(),
        user=tmp_path / "none",
    )
    for key in texts:
        assert value_of(from_environment, key) == value_of(from_file, key)
        if "." not in key:
            assert value_of(from_arguments, key) == value_of(from_file, key)
    assert from_file.queue == (BrokerAddress("x", 1), BrokerAddress("y", 61613, tls=True))
    assert from_file.facility.formats == {"id16b": "id16bspec", "id29": "mx"}


@pytest.mark.parametrize(
    ("key", "value", "right"),
    [
        ("data_root", "", "at least one"),
        ("format", "esrfv4", "esrfv3"),
        ("max_age", "soon", "12h"),
        ("max_age", "-1", "12h"),
        ("jobs", "0", "at least 1"),
        ("jobs", "many", "at least 1"),
        ("jobs", "2.5", "at least 1"),
        ("jobs", "", "at least 1"),
        ("rate", "-1", "at least 0"),
        ("rate", "inf", "at least 0"),
        ("rate", "1e999", "at least 0"),
        ("queue", "http://a:1", "stomp+ssl"),
        ("queue", "a:1,b:x", "HOST:PORT"),
        ("api_key", "two words", "blanks"),
        ("settle_time", "1x", "12h"),
        ("settle_time", "9999999999d", "at most"),
        ("read_only", "maybe", "true or false"),
        ("cache_dir", "~no-such-user-here/x", "home directory"),
        ("facility.time_zone", "Mars/Olympus", "Europe/Paris"),
        ("facility.time_zone", "../etc/passwd", "Europe/Paris"),
        ("facility.time_zone", "Europe", "Europe/Paris"),
        ("facility.time_zone", "", "empty"),
        ("facility.portal_url", "data.esrf.fr", "https://"),
        ("facility.dataset_queue", "", "empty"),
        ("facility.formats", "id16b=spec", "id16bspec"),
        ("facility.formats", "id16b=auto", "id16bspec"),
        ("facility.formats", "id16b", "NAME=VALUE"),
        ("facility.beamline_directories", "id16b=", "empty"),
    ],
)
def test_a_bad_value_is_refused_with_what_would_be_right(
    settings_files: SettingsFiles, key: str, value: str, right: str
) -> None:
    variable = environment_name(key)
    refusal = settings_files.refusal({}, {variable: value})
    assert refusal.startswith(f"{variable}: ")
    assert right in refusal
    option = "--" + key.replace("_", "-")
    if "." not in key and value:
        refusal = settings_files.refusal({key: [value] if key == "queue" and "," not in value else value})
        assert refusal.startswith(f"{option}: ")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("jobs = true", "jobs"),
        ("jobs = 1.5", "jobs"),
        ("jobs = [1]", "jobs"),
        ("rate = nan", "rate"),
        ("rate = false", "rate"),
        ("settle_time = true", "settle_time"),
        ("settle_time = 1979-05-27", "settle_time"),
        ("settle_time = -1", "settle_time"),
        ("format = 3", "format"),
        ("read_only = 1", "read_only"),
        ("cache_dir = 3", "cache_dir"),
        ('cache_dir = "/a\\u0000b"', "cache_dir"),
        ("data_root = {a = 1}", "data_root"),
        ("data_root = [1]", "data_root"),
        ("queue = 61613", "queue"),
        ("queue = [61613]", "queue"),
        ("icatplus = ['https://a']", "icatplus"),
        ("[facility]\ntime_zone = 1", "time_zone in [facility]"),
        ("[facility]\nformats = 1", "formats in [facility]"),
        ("[facility.formats]\nid29 = 1", "formats in [facility]"),
        ("facility = 1", "[facility]"),
    ],
)
def test_a_value_of_a_wrong_type_in_a_file_is_refused_with_its_file_and_key(
    settings_files: SettingsFiles, line: str, named: str
) -> None:
    settings_files.site.write_text(line)
    refusal = settings_files.refusal()
    assert refusal.startswith(f"{settings_files.site}: ")
    assert named in refusal


def test_an_empty_text_is_not_set_and_wins_over_what_was(settings_files: SettingsFiles) -> None:
    settings_files.site.write_text('cache_dir = "/cache"\nmax_age = "1h"\nformat = "mx"\nqueue = ["a"]\nicatplus = "b"')
    settings_files.user.write_text('cache_dir = ""\nmax_age = "never"\nformat = ""\nqueue = []')
    settings = settings_files.load({}, {"ICAT_TUI_ICATPLUS": ""})
    values = (settings.cache_dir, settings.max_age, settings.format, settings.queue, settings.icatplus)
    assert values == (None, None, None, (), None)


def test_a_facility_can_do_without_a_mount_marker(settings_files: SettingsFiles) -> None:
    assert settings_files.load({}, {"ICAT_TUI_FACILITY_MOUNT_MARKER": ""}).facility.mount_marker == ""


def test_the_names_to_ignore_are_a_list_and_may_be_none(settings_files: SettingsFiles) -> None:
    assert settings_files.load({}, {"ICAT_TUI_FACILITY_IGNORE": ""}).facility.ignore == ()
    settings_files.user.write_text('[facility]\nignore = ["test*", "lost+found", "test*"]')
    assert settings_files.load().facility.ignore == ("test*", "lost+found")
    settings_files.user.write_text('[facility]\nignore = ["hg333/test*"]')
    assert "the name of one directory" in settings_files.refusal()


def test_the_names_of_beamlines_are_compared_in_lower_case(settings_files: SettingsFiles) -> None:
    settings_files.user.write_text('[facility.beamline_directories]\nID23-1 = "ID23EH1"')
    assert settings_files.load().facility.beamline("ID23eh1") == "id23-1"


def test_icatplus_is_passed_on_as_it_stands(settings_files: SettingsFiles) -> None:
    assert settings_files.load({"icatplus": "icatplus.example:8443/x"}).icatplus == "icatplus.example:8443/x"


# -- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("~/cache", "{home}/cache"),
        ("~", "{home}"),
        ("/a/b/", "/a/b"),
        ("//a//b/../c", "/a/c"),
        ("/", "/"),
        ("relative/to", "{here}/relative/to"),
        (".", "{here}"),
        ("/with space/ä\udcff", "/with space/ä\udcff"),
    ],
)
def test_paths_become_absolute(
    settings_files: SettingsFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = expected.format(home=os.environ["HOME"], here=tmp_path)
    settings = settings_files.load({"data_root": [written]}, {"ICAT_TUI_CACHE_DIR": written})
    assert settings.data_root == (expected,)
    assert settings.cache_dir == expected


@pytest.mark.parametrize("line", ['data_root = ["/a", "b"]', 'data_root = "b"', 'cache_dir = "./b"', 'log_file = "b"'])
def test_a_path_in_a_file_must_not_depend_on_where_the_program_was_started(
    settings_files: SettingsFiles, line: str
) -> None:
    settings_files.user.write_text(line)
    refusal = settings_files.refusal()
    assert refusal.startswith(f"{settings_files.user}: {line.split(maxsplit=1)[0]}: ")
    assert "absolute" in refusal


def test_a_data_root_that_is_named_twice_counts_once(settings_files: SettingsFiles) -> None:
    assert settings_files.load({"data_root": ["/b/", "/a", "/b"]}).data_root == ("/b", "/a")


# -- durations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0s", 0),
        ("0", 0),
        ("0.0", 0),
        ("12h", 43200),
        ("7d", 604800),
        ("1h30m", 5400),
        ("1d2h3m4.5s", 93784.5),
        (" 2M ", 120),
        (90, 90),
        (1.5, 1.5),
    ],
)
def test_a_duration_is_read(written: object, seconds: float) -> None:
    assert duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    [
        "90",
        "0.5",
        "7",
        "1e3",
        "",
        " ",
        "h",
        "1h 30m",
        "30m1h",
        "1w",
        "-5s",
        "1h30",
        "5 s",
        "s5",
        "1.s",
        "nan",
        "1e",
        "\u0661s",
        None,
        True,
    ],
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"a duration(:| such as)"):
        duration(written)


@given(st.timedeltas(min_value=timedelta()))
def test_a_duration_is_read_back_from_how_it_is_shown(value: timedelta) -> None:
    assert duration(show_duration(value)) == value


@given(st.integers(0, 10**6), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_the_parts_of_a_duration_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    assert duration(f"{days}d{hours}h{minutes}m{seconds}s") == expected
    assert duration(int(expected.total_seconds())) == expected


@given(st.text(alphabet="0123456789dhms. -e", max_size=20) | st.text() | st.floats() | st.integers())
def test_nothing_breaks_the_reader_of_durations(written: object) -> None:
    try:
        value = duration(written)
    except ValueError:
        return
    assert value >= timedelta()
