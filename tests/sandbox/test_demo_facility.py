import shlex
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest

from icat_tui.journal.directory import MARK
from icat_tui.sandbox import demo_facility as box
from icat_tui.sandbox.demo_facility import CONFIG, MARKER, run_sandbox
from icat_tui.sandbox.raw_data_tree import SITE, SandboxFacility, describe_facility
from icat_tui.settings.load import load
from tests.support.waiting import wait_for

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def facilities(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()} - {".lock"}


def opened(directory: Path, now: datetime = NOW) -> Path:
    """The directory of the facility that is used."""
    with run_sandbox(directory, now) as open_box:
        return open_box.facility.directory


# -- what is in it ---------------------------------------------------------------------------------------------------


def test_an_open_box_has_raw_data_and_a_catalogue_that_knows_them(tmp_path: Path) -> None:
    with run_sandbox(tmp_path / "box", NOW) as open_box:
        settings = open_box.settings
        assert all(Path(session).is_dir() for session in open_box.facility.truth)
        key, base = settings["api_key"], settings["icatplus"]
        with urlopen(
            f"{base}/dataacquisition/{key}/investigation?instrumentName=id21&investigationName=hg333", timeout=10
        ) as response:
            assert response.status == 200
            assert b'"HG-333"' in response.read()
        assert settings["facility"] == {"formats": {"id16b": "id16bspec", "id23-1": "mx"}}
        assert settings["data_root"] == [open_box.facility.data_root]


@pytest.mark.usefixtures("without_raw_data")
def test_everything_that_is_written_lies_in_the_box(tmp_path: Path) -> None:
    directory = tmp_path / "box"
    with run_sandbox(directory, NOW) as open_box:
        for key in ("cache_dir", "save_dir", "state_dir"):
            assert Path(str(open_box.settings[key])).is_relative_to(directory)
    assert [path.name for path in tmp_path.iterdir()] == ["box"]


@pytest.mark.usefixtures("without_raw_data")
def test_by_default_it_lies_in_the_user_s_cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "user_cache_path", lambda name: tmp_path / name)
    with run_sandbox(now=NOW) as open_box:
        assert open_box.facility.directory.parent == tmp_path / "icat-tui" / "sandbox"


@pytest.mark.usefixtures("without_raw_data")
def test_a_shell_understands_the_settings_to_use(tmp_path: Path) -> None:
    with run_sandbox(tmp_path / "it's a $(box)", NOW) as open_box:
        lines, settings = open_box.shell_exports(), open_box.settings
        config = Path(open_box.facility.directory / "config.toml").read_text()
    names = [shlex.split(line)[1].partition("=")[0] for line in lines.splitlines()]
    script = f"{lines}\n" + "\n".join(f'printf "%s\\0" "${name}"' for name in names)
    values = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, env={}).stdout.split("\0")
    understood = dict(zip(names, values, strict=False))
    assert understood["ICAT_TUI_DATA_ROOT"] == open_box.facility.data_root
    for key in ("format", "icatplus", "api_key", "cache_dir", "save_dir", "state_dir"):
        assert understood[f"ICAT_TUI_{key.upper()}"] == settings[key]
    assert understood["ICAT_TUI_CONFIG"] == str(open_box.facility.directory / "config.toml")
    assert understood["ICAT_TUI_QUEUE"] == str(open_box.queue)
    assert '[facility.formats]\n"id16b" = "id16bspec"\n"id23-1" = "mx"\n' in config


SITE_SETTINGS = """
queue = ["bcu-mq-01.esrf.fr"]
icatplus = "https://icatplus.esrf.fr"
read_only = true
[facility]
time_zone = "Asia/Tokyo"
mount_marker = "gpfs"
dataset_queue = "elsewhere"
files_queue = "elsewhere"
broker_login = "site"
[facility.formats]
id21 = "esrfv1"
"""


@pytest.mark.usefixtures("without_raw_data")
def test_nothing_of_a_site_s_settings_leaks_in_and_the_ui_may_register(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE_SETTINGS)
    with run_sandbox(tmp_path / "box", NOW) as open_box:
        config = {"config": str(open_box.facility.directory / CONFIG)}
        given = {key: value for key, value in open_box.settings.items() if key != "facility"}
        settings = load(given | config, {}, site=[site])
    assert settings.queue == (open_box.queue,)
    assert (settings.allow_register, settings.read_only, settings.broker_login) == (True, False, None)
    assert settings.facility == SITE
    left_alone = load(config, {}, site=[site])
    assert (left_alone.queue, left_alone.icatplus) == ((), None)


@pytest.mark.usefixtures("without_raw_data")
def test_each_opening_has_a_journal_and_a_cache_of_its_own_and_takes_them_away(tmp_path: Path) -> None:
    with run_sandbox(tmp_path, NOW) as first, run_sandbox(tmp_path, NOW) as second:
        assert first.facility == second.facility
        for key in ("cache_dir", "state_dir", "queue"):
            assert first.settings[key] != second.settings[key]
        assert all(Path(str(each.settings["state_dir"]), MARK).read_bytes() for each in (first, second))
    assert not first.own.exists()
    assert not second.own.exists()


@pytest.mark.usefixtures("without_raw_data")
def test_what_a_killed_opening_left_behind_goes_with_the_facility(tmp_path: Path) -> None:
    left = opened(tmp_path) / "opening-left" / "state"
    left.mkdir(parents=True)
    opened(tmp_path, NOW + DAY)
    assert not left.exists()


@pytest.mark.usefixtures("without_raw_data")
def test_what_is_sent_in_one_opening_is_in_its_catalogue_and_forgotten_in_the_next(tmp_path: Path) -> None:
    message = b"CONNECT\naccept-version:1.1\n\n\0SEND\ndestination:/queue/icatIngest\n\n<no/>\0DISCONNECT\n\n\0"
    with run_sandbox(tmp_path, NOW, ingest_delay=0) as first, run_sandbox(tmp_path, NOW) as second:
        with socket.create_connection((first.queue.host, first.queue.port), timeout=20) as client:
            client.sendall(message)
            while client.recv(100):
                pass
        wait_for(lambda: first.dead_letters)
        assert second.dead_letters == []


def test_importing_the_room_imports_no_h5py() -> None:
    code = (
        "import sys; import icat_tui.sandbox.demo_facility; sys.exit('h5py' in sys.modules or 'stomp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- made once, used by many -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_raw_data")
def test_it_is_used_again_on_the_same_day_and_told_as_it_was_made(tmp_path: Path) -> None:
    with run_sandbox(tmp_path, NOW) as first, run_sandbox(tmp_path, NOW + DAY / 2) as second:
        assert second.facility == first.facility
        assert second.icatplus != first.icatplus


@pytest.mark.usefixtures("without_raw_data")
@pytest.mark.parametrize("later", [DAY, -timedelta(hours=1)])
def test_it_is_made_anew_when_it_is_older_than_a_day_or_from_the_future(tmp_path: Path, later: timedelta) -> None:
    old = opened(tmp_path)
    new = opened(tmp_path, NOW + later)
    assert new != old
    assert facilities(tmp_path) == {new.name}


@pytest.mark.usefixtures("without_raw_data")
def test_it_is_made_anew_when_it_is_of_another_edition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = opened(tmp_path)
    monkeypatch.setattr(box, "EDITION", "another")
    assert opened(tmp_path) != old
    assert len(facilities(tmp_path)) == 1


@pytest.mark.usefixtures("without_raw_data")
@pytest.mark.parametrize("marker", [None, b"", b'{"made_at": "2026-01', b"[]"])
def test_it_is_made_anew_when_it_is_incomplete(tmp_path: Path, marker: bytes | None) -> None:
    old = opened(tmp_path)
    if marker is None:
        (old / MARKER).unlink()
    else:
        (old / MARKER).write_bytes(marker)
    assert opened(tmp_path) != old
    assert len(facilities(tmp_path)) == 1


def test_what_a_maker_left_that_did_not_finish_is_never_used_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(directory: Path, now: datetime) -> SandboxFacility:
        (directory / "data").mkdir()
        raise OSError("no space left on device")

    monkeypatch.setattr(box, "make_facility", fail)
    with pytest.raises(OSError, match="no space"):
        opened(tmp_path)
    assert len(facilities(tmp_path)) == 1
    monkeypatch.undo()
    used = opened(tmp_path)
    assert facilities(tmp_path) == {used.name}
    assert Path(describe_facility(used, NOW).data_root).is_dir()


@pytest.mark.usefixtures("without_raw_data")
def test_one_that_is_used_is_not_taken_away_however_old_it_is(tmp_path: Path) -> None:
    with run_sandbox(tmp_path, NOW) as old:
        with run_sandbox(tmp_path, NOW + 2 * DAY) as new:
            assert new.facility.directory != old.facility.directory
            assert Path(old.facility.data_root).is_dir()
        assert len(facilities(tmp_path)) == 2
    opened(tmp_path, NOW + 2 * DAY)
    assert facilities(tmp_path) == {new.facility.directory.name}


@pytest.mark.usefixtures("without_raw_data")
def test_what_somebody_else_keeps_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").touch()
    opened(tmp_path)
    opened(tmp_path, NOW + 2 * DAY)
    assert (tmp_path / "thesis" / "chapter").exists()


def test_two_who_open_it_at_once_get_the_same_complete_one(tmp_path: Path) -> None:
    together = threading.Barrier(2, timeout=30)
    found: list[Path] = []

    def open_it() -> None:
        together.wait()
        with run_sandbox(tmp_path, NOW) as open_box:
            assert all(Path(session).is_dir() for session in open_box.facility.truth)
            found.append(open_box.facility.directory)
            together.wait()

    threads = [threading.Thread(target=open_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert facilities(tmp_path) == {path.name for path in found}
    assert len(set(found)) == 1
