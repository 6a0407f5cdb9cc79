"""The files of settings: what can't be read, the file of the API key, and the file to start from."""

import os
import re
from pathlib import Path

import pytest

from icat_tui.domain.errors import SaveError, UsageError
from icat_tui.settings.schema import environment_name
from icat_tui.settings.template import write_template
from tests.support.settings_files import KEY, SettingsFiles, key_file

# -- files that can't be read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"jobs = 3\nrate\n", "line 2"),
        (b"jobs = 3\njobs = 4\n", "line 2"),
        (b"jobs = 3\n\nrate = '\xff'\n", "line 3"),
        (b"\x00", "line 1"),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_its_line(
    settings_files: SettingsFiles, content: bytes, line: str
) -> None:
    settings_files.site.write_bytes(content)
    refusal = settings_files.refusal()
    assert refusal.startswith(str(settings_files.site))
    assert line in refusal


@pytest.mark.parametrize("content", ["jobs = " + "9" * 5000, "jobs = " + "[" * 10_000])
def test_a_file_that_is_too_much_for_the_parser_is_refused_too(settings_files: SettingsFiles, content: str) -> None:
    settings_files.site.write_text(content)
    assert "not TOML" in settings_files.refusal()


def test_a_config_that_is_a_directory_is_refused(settings_files: SettingsFiles) -> None:
    settings_files.user.mkdir()
    assert f"{settings_files.user} can't be read" in settings_files.refusal()


def test_a_config_without_permission_is_refused(settings_files: SettingsFiles) -> None:
    settings_files.site.write_text("jobs = 3")
    settings_files.site.chmod(0)
    before = os.geteuid()
    os.seteuid(before or 65534)  # root may read everything, nobody may not
    try:
        refusal = settings_files.refusal()
    finally:
        os.seteuid(before)
    assert f"{settings_files.site} can't be read: Permission denied" in refusal


# -- the API key -----------------------------------------------------------------------------------------------------


def test_the_key_is_read_from_its_file(settings_files: SettingsFiles, tmp_path: Path) -> None:
    file = key_file(tmp_path / "key", f"  {KEY}\n")
    settings_files.user.write_text(f'api_key_file = "{file}"')
    settings = settings_files.load()
    assert (settings.api_key, settings.api_key_file, settings.origin["api_key"]) == (KEY, str(file), str(file))


@pytest.mark.parametrize("mode", [0o604, 0o660, 0o644, 0o620, 0o601, 0o610, 0o650])
def test_a_key_file_that_is_open_to_others_is_refused(settings_files: SettingsFiles, tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path / "key", mode=mode)
    refusal = settings_files.refusal({"api_key_file": str(file)})
    assert f"chmod 600 {file}" in refusal
    assert KEY not in refusal


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700, 0o640, 0o440])
def test_a_key_file_that_only_its_owner_can_read_is_used(
    settings_files: SettingsFiles, tmp_path: Path, mode: int
) -> None:
    assert settings_files.load({"api_key_file": str(key_file(tmp_path / "key", mode=mode))}).api_key == KEY


def test_a_key_file_that_is_not_there_is_named(settings_files: SettingsFiles, tmp_path: Path) -> None:
    assert f"{tmp_path}/none is not there" in settings_files.refusal({}, {"ICAT_TUI_API_KEY_FILE": f"{tmp_path}/none"})


def test_a_key_file_that_is_a_directory_is_refused(settings_files: SettingsFiles, tmp_path: Path) -> None:
    assert f"{tmp_path} can't be read" in settings_files.refusal({"api_key_file": str(tmp_path)})


@pytest.mark.parametrize("content", ["", " \n", f"{KEY}\nanother", f"{KEY} # mine", f"{KEY}\x1b"])
def test_a_key_file_without_exactly_one_key_is_refused(
    settings_files: SettingsFiles, tmp_path: Path, content: str
) -> None:
    refusal = settings_files.refusal({"api_key_file": str(key_file(tmp_path / "key", content))})
    assert f"{tmp_path}/key" in refusal
    assert KEY not in refusal


def test_a_key_file_that_is_not_text_is_refused(settings_files: SettingsFiles, tmp_path: Path) -> None:
    file = key_file(tmp_path / "key")
    file.write_bytes(b"\xff\xfe")
    assert f"{file} is not text" in settings_files.refusal({"api_key_file": str(file)})


def test_a_later_key_wins_over_an_earlier_file_which_is_not_read(settings_files: SettingsFiles) -> None:
    settings_files.site.write_text('api_key_file = "/no/such/file"')
    settings = settings_files.load({}, {"ICAT_TUI_API_KEY": KEY})
    assert (settings.api_key, settings.api_key_file) == (KEY, None)
    assert settings.origin["api_key"] == "ICAT_TUI_API_KEY"


def test_a_later_file_wins_over_an_earlier_key(settings_files: SettingsFiles, tmp_path: Path) -> None:
    settings_files.site.write_text('api_key = "weaker"')
    settings_files.user.write_text(f'api_key_file = "{key_file(tmp_path / "key")}"')
    assert settings_files.load().api_key == KEY


def test_an_argument_wins_over_both_in_the_environment(settings_files: SettingsFiles) -> None:
    settings_files.user.write_text('api_key_file = "/no/such/file"')
    assert settings_files.load({"api_key": "typed"}, {"ICAT_TUI_API_KEY": KEY}).api_key == "typed"


@pytest.mark.parametrize("where", ["file", "environment", "argument"])
def test_a_key_and_a_file_in_one_place_contradict_each_other(settings_files: SettingsFiles, where: str) -> None:
    both = {"api_key": KEY, "api_key_file": "/no/such/file"}
    if where == "file":
        settings_files.user.write_text("".join(f'{key} = "{value}"\n' for key, value in both.items()))
    refusal = settings_files.refusal(
        both if where == "argument" else {},
        {environment_name(key): value for key, value in both.items()} if where == "environment" else {},
    )
    assert "api_key" in refusal
    assert KEY not in refusal


# -- the file to start from ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["file", "dangling link", "directory"])
def test_what_is_there_is_never_written_over(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.toml"
    if kind == "file":
        path.write_text("jobs = 3")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=re.escape(f"{path} is there already")):
        write_template(path)
    assert list(tmp_path.iterdir()) == [path]
    assert kind != "file" or path.read_text() == "jobs = 3"


def test_a_place_that_can_not_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match=re.escape(str(tmp_path / "file"))):
        write_template(tmp_path / "file" / "config.toml")


def test_nothing_is_left_behind_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SaveError, match="No space left"):
        write_template(tmp_path / "config.toml")
    assert list(tmp_path.iterdir()) == []
