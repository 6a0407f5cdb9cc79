"""Default keys and changed ones: conflicts and unknown ids are refused by name."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.domain.errors import UsageError
from icat_tui.settings.keymap import DEFAULT_KEYS, key_names, keys_in_force
from icat_tui.settings.load import load


def test_the_defaults_do_not_collide() -> None:
    assert keys_in_force({}) == DEFAULT_KEYS


@given(st.sampled_from(sorted(DEFAULT_KEYS)), st.sampled_from(sorted(DEFAULT_KEYS)))
def test_two_ids_with_one_key_are_named_both(one: str, other: str) -> None:
    scopes = {one.partition(".")[0], other.partition(".")[0]}
    together = len(scopes) == 1 or ("app" in scopes and "journal" not in scopes)
    key = next(key_names(DEFAULT_KEYS[other]))
    taken = key in key_names(DEFAULT_KEYS[one])
    if one == other or taken or not together:
        return
    with pytest.raises(ValueError, match=r"both have the key") as caught:
        keys_in_force({one: key})
    assert one in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[keys]\n"tree.next" = "r"\n', "tree.next and app.register both have the key r"),
        ('[keys.tree]\nnext = "/"\n', "tree.next and tree.filter both have the key slash"),
        ('[keys]\n"tree.nxt" = "r"\n', "the closest is tree.next"),
        ('[keys]\n"tree.next" = ""\n', "tree.next must be the name of a key, such as n"),
        ('[keys]\n"tree.next" = 3\n', "it must be a text"),
        ("keys = 3\n", "it must be a table"),
    ],
)
def test_what_is_wrong_with_keys_is_said_when_the_file_is_read(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        load({}, {}, site=(), user=file)
    assert str(file) in str(caught.value)


def test_ids_of_earlier_versions_are_taken_with_a_note(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\n"app.filter" = "f"\napp.status_1 = "f1"\n"tree.status_1" = "f2"\n')
    settings = load({}, {}, site=(), user=file)
    assert settings.keys == {"tree.filter": "f", "tree.status_1": "f2"}
    assert settings.warnings == (
        f"{file}: keys: app.filter is called tree.filter now, app.status_1 is called tree.status_1 now",
    )
    settings = load({}, {"ICAT_TUI_KEYS": "app.filter=f"}, site=(), user=tmp_path / "none.toml")
    assert settings.keys == {"tree.filter": "f"}
    assert settings.warnings == ("ICAT_TUI_KEYS: app.filter is called tree.filter now",)
