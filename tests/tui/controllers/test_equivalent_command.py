"""The commands that the log shows, run in a shell: each sends what was sent here, and nothing else (promises.md 3)."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from icat_tui.domain.formats import RawFormat
from icat_tui.domain.message import Action, Message
from icat_tui.report.shell_command import CommandCall, register_command, store_command
from icat_tui.tui.app import IcatTui
from icat_tui.tui.controllers.equivalent_command import EquivalentCommands
from icat_tui.tui.screens.choose_investigation import ChooseInvestigation
from icat_tui.tui.screens.confirm_plan import ConfirmPlan
from icat_tui.tui.screens.store_form import StoreForm
from tests.support.journal_entries import shared_journal
from tests.support.live_facility import LiveFacility, dataset
from tests.support.names import HOSTILE_NAMES
from tests.support.place import KEY
from tests.support.program import PATIENCE
from tests.support.ui_app import Driver, a_workplace, drive_app, log_lines, ready, scanned
from tests.support.ui_host import until

END = "2023-10-19T08:40:00+02:00"
BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")


def bash(command: str, answers: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command where nothing is set but what a shell has, and the key, which no command holds."""
    assert BASH is not None
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ICAT_TUI_")}
    return subprocess.run(
        [BASH, "-c", os.fsencode(command)],
        input=answers.encode(),
        env=kept | {"ICAT_TUI_API_KEY": KEY} | variables,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


def commands_in(log: list[str]) -> list[str]:
    return [line.partition("$ ")[2] for entry in log for line in entry.splitlines() if line.strip().startswith("$ ")]


def after_all_was_forgotten(facility: LiveFacility) -> None:
    """Begin with a journal in which nothing was sent."""
    shutil.rmtree(facility.state_dir)
    shared_journal(facility.state_dir)
    facility.broker.frames.clear()


def runs_alike(facility: LiveFacility, commands: list[str], answers: str = "y\n") -> None:
    """Check that each command sends one message, and all together those that were sent before."""
    before = [(frame.headers["destination"], frame.body) for frame in facility.broker.sent]
    told = {record.dataset for record in facility.records}
    assert len(commands) == len(before)
    after_all_was_forgotten(facility)
    for number, command in enumerate(commands, 1):
        ran = bash(command, answers)
        assert (ran.returncode, len(facility.broker.sent)) == (0, number), (command, ran.stderr)
    assert [(frame.headers["destination"], frame.body) for frame in facility.broker.sent] == before
    assert {record.dataset for record in facility.records} == told


def registered_here(facility: LiveFacility, keys: str, number: int, **settings: Any) -> list[str]:
    """Press keys that lead to the confirmation, confirm, and return the commands of what was sent."""
    said: list[str] = []

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press(*keys.split())
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: sum("accepted:" in line for line in log_lines(app)) == number)
        said.extend(log_lines(app))

    drive_app(a_workplace(facility, **settings), act)
    return commands_in(said)


@pytest.mark.slow
def test_each_command_sends_its_dataset_and_no_other(facility: LiveFacility) -> None:
    facility.ingester.drops = True
    facility.session(unregistered=2, not_uploaded=2, without_files=2, invalid=1)
    runs_alike(facility, registered_here(facility, "r", 6))


def test_the_settings_file_in_force_is_named(facility: LiveFacility, tmp_path: Path) -> None:
    facility.ingester.drops = True
    facility.session(unregistered=2)
    config = tmp_path / "it's mine.toml"
    config.write_text(f'queue = ["{facility.broker.address}"]\n[facility]\ndataset_queue = "icatElsewhere"\n')
    settings = facility.settings()
    del settings["queue"]
    facility.settings = lambda **more: settings | more  # type: ignore[method-assign]
    commands = registered_here(facility, "right right r", 1, config=str(config))
    assert "--queue" not in commands[0]
    assert {frame.headers["destination"] for frame in facility.broker.sent} == {"/queue/icatElsewhere"}
    runs_alike(facility, commands)


def test_an_investigation_that_was_chosen_is_named(facility: LiveFacility) -> None:
    facility.ingester.drops = True
    facility.session(unregistered=2, without_files=1)
    slot = facility.place.icatplus.state._investigations[1]
    slot["startDate"], slot["endDate"] = "2023-06-01T08:00:00.000+02:00", "2023-06-04T08:00:00.000+02:00"
    said: list[str] = []

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ready(app, ChooseInvestigation))
        await pilot.press("1", "enter")
        await until(pilot, lambda: ready(app, ConfirmPlan))
        await pilot.press("y")
        await until(pilot, lambda: sum("accepted:" in line for line in log_lines(app)) == 3)
        said.extend(log_lines(app))

    drive_app(a_workplace(facility), act)
    commands = commands_in(said)
    assert ["--investigation 1" in command for command in commands] == [True, True, False]
    runs_alike(facility, commands)


def test_what_was_registered_by_hand_is_registered_by_hand(facility: LiveFacility) -> None:
    facility.ingester.drops = True
    session = facility.session(invalid=2)
    said: list[str] = []

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("right", "right", "r")
        await until(pilot, lambda: ready(app, StoreForm))
        values = {
            "startDate": "20231019T0830+02",
            "endDate": "2023-10-19T08:40:00+02:00",
            "sample": "12",
            "dataset": "-x'",
        }
        for name, value in values.items():
            app.screen.query_one(f"#{name}", Input).value = value
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not isinstance(app.screen, StoreForm) and ready(app, type(app.screen)))  # type: ignore[arg-type]
        await pilot.press("y")
        await until(pilot, lambda: any("accepted:" in line for line in log_lines(app)))
        said.extend(log_lines(app))

    drive_app(a_workplace(facility), act)
    assert dataset(session, "invalid").encode() in facility.broker.sent[0].body
    runs_alike(facility, commands_in(said))


def test_no_command_holds_a_secret(facility: LiveFacility) -> None:
    place = a_workplace(facility, facility_broker_login="me", facility_broker_passcode="hush hush")
    call = place.services.command_call(place.cache_dir)
    command = register_command(call, "/d", RawFormat.ESRFV3)
    assert KEY not in command
    assert "hush" not in command
    assert f"ICAT_TUI_STATE_DIR={facility.state_dir} " in command


# -- words -----------------------------------------------------------------------------------------------------------


def words(command: str) -> list[str]:
    assert "\n" not in command
    assert command.isprintable()
    ran = bash(command, LC_ALL="C")
    assert (ran.returncode, ran.stderr) == (0, b"")
    return [os.fsdecode(word) for word in ran.stdout.split(b"\0")[:-1]]


@pytest.mark.parametrize("name", [*HOSTILE_NAMES, "\udcff\udc80", "two  words", "é"])
def test_every_name_comes_back_from_the_shell(noting: CommandCall, name: str) -> None:
    path = f"/data/visitor/{name}/{name}_0001"
    common = ["--config", "/a b/it's.toml", "--queue", "a:1", "--queue", "b:2"]
    first, *rest = words(register_command(noting, path, RawFormat.ESRFV2, 7))
    assert first == "/$(reboot) \udcff"
    assert rest == [
        *("sync", "--register", "--dataset", path, "--format", "esrfv2", "--investigation", "7"),
        *("--data-root", "/data/a b", *common),
    ]
    parameters = {"startDate": "2023-10-19", "n": "1", "text": '"x"'}
    assert words(store_command(noting, {"sample": name, "path": path}, parameters))[1:] == [
        *("store-raw", f"--sample={name}", f"--path={path}"),
        *("-p", "startDate=2023-10-19", "-p", 'n="1"', "-p", 'text="\\"x\\""', *common),
    ]


def test_a_message_that_nothing_was_noted_of_has_a_command_too() -> None:
    commands = EquivalentCommands(lambda: CommandCall(program=("icat-tui",)), [])
    message = Message(action=Action.REGISTER, destination="q", body=b"x", dataset="/d")
    assert commands.of(message) == "icat-tui sync --register --dataset /d --format auto"
