"""Values that are refused when they are read, as they could not work later."""

import pytest

from icat_tui.settings.schema import Settings
from tests.support.settings_files import SettingsFiles


@pytest.mark.parametrize(
    "line",
    [
        'facility.dataset_queue = "a\\r"',
        'facility.dataset_queue = "a b"',
        'facility.dataset_queue = " icatIngest"',
        'facility.files_queue = "a\\nreceipt:1"',
        'facility.files_queue = ""',
        'facility.broker_login = "me\\nheader:1"',
        'facility.broker_passcode = "p\\r\\n"',
        'facility.mount_marker = "a/b"',
        'facility.mount_marker = ".."',
        'facility.beamline_directories = {id27 = "../x"}',
        'facility.beamline_directories = {id27 = "/x"}',
        'facility.beamline_directories = {id27 = "."}',
        'allow_register = "yes"',
        'read_only = "true"',
        "read_only = 1",
        "jobs = 65",
        "jobs = 100000",
        'max_age = "7"',
        'queue = ["a\\nb:1"]',
    ],
)
def test_what_could_not_work_is_refused(settings_files: SettingsFiles, line: str) -> None:
    settings_files.user.write_text(line)
    assert str(settings_files.user) in settings_files.refusal()


@pytest.mark.parametrize(
    "line",
    [
        'facility.dataset_queue = "icatIngest.2"',
        'facility.broker_passcode = " blank in it "',
        'facility.mount_marker = ""',
        'facility.beamline_directories = {id27 = "ID27a"}',
        "allow_register = true",
        "jobs = 64",
        'max_age = "0"',
        "max_age = 0",
    ],
)
def test_what_works_is_taken_without_a_word(settings_files: SettingsFiles, line: str) -> None:
    settings_files.user.write_text(line)
    settings = settings_files.load()
    assert settings != Settings()
    assert settings.warnings == ()


@pytest.mark.parametrize("number", ["7", "0.5"])
def test_a_number_of_seconds_is_taken_from_a_file_with_a_warning(settings_files: SettingsFiles, number: str) -> None:
    settings_files.user.write_text(f"settle_time = {number}\njobs = 3")
    settings = settings_files.load()
    assert settings.settle_time.total_seconds() == float(number)
    assert [f'as in "{number}s"' in warning for warning in settings.warnings] == [True]
    assert settings_files.load({"settle_time": "3h"}).warnings == (), "it does not count"


@pytest.mark.parametrize("source", [({"max_age": "7"}, {}), ({}, {"ICAT_TUI_MAX_AGE": "7"})])
def test_a_number_without_its_unit_is_refused_elsewhere(
    settings_files: SettingsFiles, source: tuple[dict[str, object], dict[str, str]]
) -> None:
    assert "a number needs its unit" in settings_files.refusal(*source)


def test_a_flag_in_the_environment_is_a_text(settings_files: SettingsFiles) -> None:
    assert settings_files.load({}, {"ICAT_TUI_READ_ONLY": "yes"}).read_only


def test_a_byte_order_mark_is_passed_over(settings_files: SettingsFiles) -> None:
    settings_files.user.write_bytes(b"\xef\xbb\xbfjobs = 3")
    key = settings_files.user.with_name("key")
    key.write_bytes(b"\xef\xbb\xbfthe-key\n")
    key.chmod(0o600)
    settings = settings_files.load({"api_key_file": str(key)})
    assert (settings.jobs, settings.api_key) == (3, "the-key")
