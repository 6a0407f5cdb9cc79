"""The file to begin with changes nothing, and says what every setting does."""

import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

from icat_tui.settings.schema import KEYS, Settings, value_of
from icat_tui.settings.template import template, write_template
from tests.support.settings_files import SettingsFiles


def uncommented(text: str) -> str:
    return re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE)


def test_the_template_changes_nothing_as_it_is(settings_files: SettingsFiles) -> None:
    settings_files.user.write_text(template())
    assert settings_files.load() == Settings()


def test_the_uncommented_template_says_exactly_the_defaults(settings_files: SettingsFiles) -> None:
    settings_files.user.write_text(uncommented(template()))
    settings = settings_files.load()
    assert all(value_of(settings, key) == value_of(Settings(), key) for key in KEYS)
    assert settings.origin.keys() == KEYS.keys() - {"config"}


def test_every_setting_is_in_the_template_with_a_line_that_says_what_it_does() -> None:
    lines = template().splitlines()
    for key, declared in KEYS.items():
        if key == "config":
            continue
        last = key.rpartition(".")[2]
        place = next(i for i, line in enumerate(lines) if line.startswith((f"#{last} = ", f"#[{key}]")))
        assert lines[place - 1] == f"# {declared.description}"


def test_the_template_holds_nothing_but_comments_as_it_is() -> None:
    assert tomllib.loads(template()) == {}


def test_the_template_is_written_with_its_directories_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "config.toml"
    write_template(path)
    assert path.read_text() == template()
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_nlink == 1


def test_the_template_follows_the_umask(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib\n"
        "os.umask(0o027)\n"
        "from icat_tui.settings.template import write_template\n"
        "write_template(pathlib.Path(sys.argv[1]))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "config.toml")], check=True)
    assert stat.S_IMODE((tmp_path / "config.toml").stat().st_mode) == 0o640
