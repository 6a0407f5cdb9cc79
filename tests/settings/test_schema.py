"""Every setting has a key, and nothing secret is in a text that is made of them."""

from dataclasses import fields

import msgspec
import pytest

from icat_tui.domain.facility import Facility
from icat_tui.settings.beacon import IcatServers
from icat_tui.settings.schema import KEYS, Settings, describe
from tests.support.settings_files import KEY, SettingsFiles


def everything(settings: Settings) -> str:
    return f"{settings} {settings!r} {describe(settings)} {vars(settings)['origin']} {settings.warnings}"


def test_secrets_are_in_no_text_of_the_settings(settings_files: SettingsFiles) -> None:
    settings_files.user.write_text(f'[facility]\nbroker_login = "icat"\nbroker_passcode = "pass {KEY}"')
    settings = settings_files.load({"icatplus": f"https://user:{KEY}@icatplus.example/x"}, {"ICAT_TUI_API_KEY": KEY})
    assert (settings.api_key, settings.broker_passcode, settings.broker_login) == (KEY, f"pass {KEY}", "icat")
    assert KEY not in everything(settings)
    shown = {key: value for key, value, _ in describe(settings)}
    assert shown["api_key"] == "set (from ICAT_TUI_API_KEY)"
    assert shown["facility.broker_passcode"] == f"set (from {settings_files.user})"
    assert shown["icatplus"] == "https://***@icatplus.example/x"


@pytest.mark.parametrize(
    "url", [f"{KEY}@host", f"https://{KEY}@host", f"https://a:{KEY}/x@host/", f"https://a:x@{KEY}@host", f"//{KEY}@h"]
)
def test_the_login_in_a_url_is_masked_however_it_is_written(settings_files: SettingsFiles, url: str) -> None:
    settings = settings_files.load({"icatplus": url})
    assert settings.icatplus == url
    assert KEY not in everything(settings)


def test_the_key_of_beacon_is_in_no_text_of_the_settings(settings_files: SettingsFiles) -> None:
    beacon = IcatServers(elogbook_url=f"https://{KEY}@host", elogbook_token=KEY)
    settings = settings_files.load({}, {"BEACON_HOST": "id00:25000"}, beacon=lambda *_: beacon)
    assert settings.api_key == KEY
    assert KEY not in everything(settings)


def test_whatever_is_described_can_be_printed_anywhere(settings_files: SettingsFiles) -> None:
    settings = settings_files.load({"cache_dir": "/a\x1b[2J\nb\u202e\udcff", "icatplus": "https://\x07"})
    for row in describe(settings):
        assert "".join(row).isprintable()


def test_settings_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings().jobs = 3  # type: ignore[misc] # that it is refused is the point


def test_every_field_has_a_key_and_every_key_a_field() -> None:
    own = {each.name for each in fields(Settings)} - {"facility", "origin", "warnings"}
    facility = {f"facility.{each.name}" for each in msgspec.structs.fields(Facility)}
    login = {"broker_login", "broker_passcode"}
    assert KEYS.keys() == (own - login - {"login_for"}) | facility | {f"facility.{each}" for each in login}
