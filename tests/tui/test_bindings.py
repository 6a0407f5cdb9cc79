"""The keys: one table of ids, a tooltip for each, all in the palette, remapped by config.toml, conflicts named."""

from pathlib import Path

import pytest
from textual.binding import Binding

from icat_tui.settings.keymap import DEFAULT_KEYS
from icat_tui.settings.load import load
from icat_tui.tui.app import IcatTui
from icat_tui.tui.screens.command_palette import CommandProvider
from icat_tui.tui.screens.journal_screen import JournalScreen
from icat_tui.tui.terminal import copy_sequence
from icat_tui.tui.widgets.detail_pane import DetailPane
from icat_tui.tui.widgets.filter_line import FilterLine
from icat_tui.tui.widgets.session_tree import SessionTree
from tests.support.live_facility import LiveFacility
from tests.support.ui_app import Driver, a_workplace, drive_app, keys_line, log_lines, scanned
from tests.support.ui_host import until

BINDINGS = [
    each
    for node in (SessionTree, DetailPane, FilterLine, IcatTui, JournalScreen)
    for each in node.BINDINGS
    if isinstance(each, Binding)
]


def test_the_table_of_keys_is_what_the_bindings_have() -> None:
    assert {each.id: each.key for each in BINDINGS} == DEFAULT_KEYS


def test_every_binding_says_what_it_does_once() -> None:
    assert all(each.tooltip for each in BINDINGS)
    for screen in (True, False):
        tooltips = [each.tooltip for each in BINDINGS if str(each.id).startswith("journal.") is screen]
        assert len({*tooltips}) == len(tooltips)


def a_file(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_key_of_the_detail_may_be_one_of_the_tree(tmp_path: Path) -> None:
    assert load({}, {}, site=(), user=a_file(tmp_path / "c.toml", '[keys]\n"text.down" = "space"\n')).keys


def test_a_remapped_key_does_it_and_the_old_one_does_not(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("y")
        await pilot.pause()
        assert app.clipboard == ""
        await pilot.press("ctrl+y")
        assert app.clipboard == str(session)
        assert next(each.keys for each in app.commands if each.id == "app.copy") == "ctrl+y"

    drive_app(a_workplace(facility, keys="app.copy=ctrl+y"), act)


def test_every_command_of_the_palette_is_a_binding_and_runs(facility: LiveFacility) -> None:
    facility.session(unregistered=1, registered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        commands = app.commands
        assert {each.id for each in commands} == {each for each in DEFAULT_KEYS if not each.startswith("journal.")}
        found = [text for text, _, _ in CommandProvider(app.screen)._found()]
        assert {each.tooltip for each in commands} - {*found} == {"Find a command by name"}
        for command in commands:
            if command.id in ("app.quit", "app.palette"):
                continue
            await app.run_command(command)
            await pilot.pause(0.02)
            await until(pilot, lambda: not app.scans.running)
            while len(app.screen_stack) > 1:
                await pilot.press("escape")
                await pilot.pause(0.02)
            app.session_tree.focus()
        assert not any("mistake of ours" in line for line in log_lines(app))

    drive_app(a_workplace(facility), act)


def test_the_palette_opens_and_finds(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press(*"show or hide the log")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen_stack[0].has_class("-logging"))

    drive_app(a_workplace(facility), act)


MOVES = {"j": 1, "down": 1, "G": -1, "end": -1, "pagedown": -1, "ctrl+f": -1, "n": 2, "t": 0, "b": 1, "u": 0}
"""Keys, and the row that the cursor is on then."""


@pytest.mark.parametrize(("key", "row"), MOVES.items())
def test_keys_of_movement_move(facility: LiveFacility, key: str, row: int) -> None:
    facility.place.session("aa1/id10/20231001")
    facility.place.session("bb1/id10/20231001")
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press(key)
        await pilot.pause()
        assert app.model.cursor == row % len(app.model.rows)
        back = {"j": "k", "down": "up", "G": "g", "end": "home", "pagedown": "pageup", "ctrl+f": "ctrl+b"}.get(key)
        if back:
            await pilot.press(back)
            assert app.model.cursor == 0

    drive_app(a_workplace(facility), act)


def test_marks_ranges_and_opening(facility: LiveFacility) -> None:
    facility.place.session("aa1/id10/20231001", registered=3)
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("l")
        await until(pilot, lambda: len(app.model.rows) > 2)
        await pilot.press("h")
        await until(pilot, lambda: len(app.model.rows) == 2)
        await pilot.press("space")
        assert len(app.model.marks) == 1
        await pilot.press("u", "g", "v", "G", "v")
        assert len(app.model.marks) == 2
        await pilot.press("tab")
        assert app.detail.has_focus
        await pilot.press("j", "k", "escape")
        assert app.session_tree.has_focus

    drive_app(a_workplace(facility), act)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
def test_it_is_quit(facility: LiveFacility, key: str) -> None:
    async def act(app: IcatTui, pilot: Driver) -> None:
        await pilot.press(key)
        await until(pilot, lambda: app._exit)

    drive_app(a_workplace(facility), act)


def test_the_last_line_has_the_help_at_every_width(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        assert keys_line(app).endswith("? Help")

    drive_app(a_workplace(facility), act, size=(40, 12))


@pytest.mark.parametrize(
    ("environ", "begins"),
    [({}, "\x1b]52;c;"), ({"TMUX": "x"}, "\x1bPtmux;\x1b\x1b]52;c;"), ({"TERM": "screen"}, "\x1bP\x1b]52;c;")],
)
def test_what_is_copied_goes_through_whatever_stands_between(environ: dict[str, str], begins: str) -> None:
    assert copy_sequence("/data/a", environ).startswith(begins)
