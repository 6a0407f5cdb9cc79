"""The app as somebody works with it: what comes into the tree, what is filtered, exported, dropped and told."""

import shutil
from pathlib import Path

import pytest
from textual.widgets import Input

from icat_tui.cache.session_cache import SessionCache
from icat_tui.domain.errors import SaveError
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.settings.schema import own_directory
from icat_tui.tui.app import IcatTui
from icat_tui.tui.background import in_background
from icat_tui.tui.screens.help import Help
from icat_tui.tui.screens.yes_no import YesNo
from icat_tui.tui.state.filter_history import FILE, read_filters
from icat_tui.tui.state.session_store import AT_HAND
from tests.support.icatplus import HANG
from tests.support.live_facility import LiveFacility
from tests.support.ui_app import (
    Driver,
    a_workplace,
    detail,
    drive_app,
    files,
    keys_line,
    log_lines,
    rows,
    scanned,
    shown,
    status_line,
    typed,
)
from tests.support.ui_host import screen_lines, until

OTHER = "in321/id11/20231102"


def categories(app: IcatTui) -> list[Category | None]:
    return [app.model.sessions[path].category for path in sorted(app.model.sessions)]


# -- what comes in ---------------------------------------------------------------------------------------------------


def test_a_narrow_selection_is_scanned_at_start_and_fills_in(facility: LiveFacility) -> None:
    facility.session(unregistered=2, registered=1)
    facility.place.session(OTHER)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        assert categories(app) == [Category.TODO, Category.OK]
        assert any("2" in row.split() and "hg333" in row for row in rows(app))
        assert "ICAT+ answers" in status_line(app)

    drive_app(a_workplace(facility), act)


def test_a_journal_that_is_not_there_is_told_and_the_sessions_are_scanned(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await until(
            pilot, lambda: any("nothing can be called pending: The journal is" in one for one in log_lines(app))
        )
        assert categories(app) == [Category.TODO]

    drive_app(a_workplace(facility, state_dir=str(facility.place.directory / "not mounted")), act)


def test_without_a_selection_sessions_appear_and_are_not_scanned_until_they_are_entered(facility: LiveFacility) -> None:
    path = facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: app.model.sessions)
        assert categories(app) == [None]
        assert facility.place.icatplus.asked == []
        await pilot.press("enter")
        await until(pilot, lambda: categories(app) == [Category.TODO])
        await until(pilot, lambda: any(node.dataset for node in app.model.rows))  # opened, as it was entered
        assert app.model.node is not None
        assert app.model.node.session == str(path)

    drive_app(a_workplace(facility, narrow=False), act)


def test_what_the_cache_knows_is_there_before_anything_is_looked_at(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def scan(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)

    place = a_workplace(facility)
    drive_app(place, scan)
    place.index.save()
    asked = len(facility.place.icatplus.asked)

    async def look(app: IcatTui, pilot: Driver) -> None:
        assert categories(app) == [Category.TODO]
        await until(pilot, lambda: "unregistered" in detail(app))

    drive_app(a_workplace(facility, narrow=False, found=[]), look)
    assert len(facility.place.icatplus.asked) == asked


def test_raw_data_that_lies_in_no_session_is_told_in_the_log(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)
    (session.with_name("20231019_bis") / "RAW_DATA" / "colA").mkdir(parents=True)
    line = f"not a session directory: {session}_bis, holds raw data"

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: line in "".join(log_lines(app)))
        assert list(app.model.sessions) == [str(session)]

    for narrow in (True, False):
        drive_app(a_workplace(facility, narrow=narrow), act, size=(200, 30))


def test_a_scan_by_hand_uses_neither_half_of_the_cache_and_saves_it(facility: LiveFacility) -> None:
    session = facility.session(registered=2)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        (session / "RAW_DATA" / "registered" / "registered_0001").rename(session / "gone")
        asked = len(facility.place.icatplus.asked)
        await pilot.press("s")
        await until(pilot, lambda: app.model.sessions[str(session)].counts[list(Status).index(Status.MISSING_ON_DISK)])
        assert len(facility.place.icatplus.asked) > asked
        known = app.workspace.cache.cached_session(app.model.sessions[str(session)].directory)
        assert known.session.counts[Status.MISSING_ON_DISK] == 1  # type: ignore[union-attr]

    drive_app(a_workplace(facility), act)


def test_a_scan_that_hangs_is_cancelled_by_esc_at_once(facility: LiveFacility) -> None:
    facility.session(unregistered=1)
    facility.place.icatplus.fault = lambda _: HANG

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, facility.place.icatplus.hung.is_set)
        assert "scanning" in status_line(app)
        await pilot.press("escape")
        await until(pilot, lambda: not app.scans.running)
        await until(pilot, lambda: any("scan stopped" in line for line in log_lines(app)))
        assert categories(app) == [None]

    drive_app(a_workplace(facility), act)


def test_scanning_all_asks_above_fifty_sessions(facility: LiveFacility) -> None:
    for number in range(51):
        (facility.place.root / f"hg{number}/id10/20231019").mkdir(parents=True)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: len(app.model.sessions) == 51)
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, YesNo) and app.screen.listens)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, YesNo))
        assert not app.scans.running
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, YesNo) and app.screen.listens)
        await pilot.press("y")
        await until(pilot, lambda: set(categories(app)) == {Category.NOT_IN_ICAT})

    drive_app(a_workplace(facility, narrow=False), act)


def on_screen(app: IcatTui) -> str:
    return "\n".join(screen_lines(app))


# -- the filter ------------------------------------------------------------------------------------------------------


def test_a_filter_is_applied_as_it_is_typed_kept_by_enter_and_cleared_by_esc(facility: LiveFacility) -> None:
    facility.session(unregistered=1)
    facility.place.session(OTHER)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("slash")
        await typed(pilot, "in321")
        await until(pilot, lambda: len(app.model.sessions.shown()) == 1)
        assert "in321" in rows(app)[0]
        await pilot.press("enter")
        assert app.focused is app.session_tree
        assert "filter in321: 1 session" in status_line(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.model.sessions.shown()) == 2)
        assert app.query_one("#filter Input", Input).value == ""

    drive_app(a_workplace(facility), act)


def test_a_filter_that_is_none_says_so_and_changes_nothing(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("slash")
        await typed(pilot, "status:zzz")
        await until(pilot, lambda: "There is no status 'zzz'" in on_screen(app))
        assert app.model.sessions.shown()
        await pilot.press("enter")
        assert app.filter_line.display

    drive_app(a_workplace(facility), act)


def test_statuses_are_hidden_and_shown_by_their_keys_and_all_but_attention_by_t(facility: LiveFacility) -> None:
    facility.session(unregistered=1, registered=1)
    facility.place.session(OTHER)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("2")
        assert "without !" in status_line(app)
        assert app.model.filter.hidden == {Status.UNREGISTERED}
        await pilot.press("2")
        assert not app.model.filter.active
        await pilot.press("t")
        await until(pilot, lambda: len(app.model.sessions.shown()) == 1)
        await pilot.press("t")
        assert not app.model.filter.active

    drive_app(a_workplace(facility), act)


def test_numbers_are_those_of_what_is_shown_and_nothing_is_said_to_be_nothing(facility: LiveFacility) -> None:
    facility.session(unregistered=2, registered=1)
    facility.place.session(OTHER)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("slash")
        await typed(pilot, "status:registered")
        await until(pilot, lambda: "2 sessions" in on_screen(app).splitlines()[-3])
        assert "=3" in status_line(app)
        assert "!" not in status_line(app)
        await typed(pilot, " nowhere")
        await until(pilot, lambda: "no session matches" in on_screen(app))
        assert "nothing matches status:registered nowhere: esc clears the filter" in on_screen(app)
        await typed(pilot, " x:")
        await until(pilot, lambda: "nothing matches: esc clears" in on_screen(app))
        await pilot.press("escape")
        await until(pilot, lambda: "nothing matches" not in on_screen(app))
        assert "!2" in status_line(app)

    drive_app(a_workplace(facility), act)


def test_a_filter_that_was_kept_comes_back_at_the_next_start(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def keep(app: IcatTui, pilot: Driver) -> None:
        await pilot.press("slash")
        await typed(pilot, "status:unreg")
        await pilot.press("enter")
        await until(pilot, lambda: read_filters(own_directory("state") / FILE))

    async def come_back(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: app.filter_line.history.filters)
        await pilot.press("slash", "up")
        await until(pilot, lambda: app.model.filter.active)
        assert app.filter_line.text == "status:unreg"

    drive_app(a_workplace(facility), keep)
    drive_app(a_workplace(facility), come_back)


def test_digits_hide_nothing_while_another_pane_has_the_focus(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("tab", "1")
        await pilot.pause()
        assert not app.model.filter.active

    drive_app(a_workplace(facility), act)


# -- the detail, the keys, the log -----------------------------------------------------------------------------------


def test_the_detail_tells_how_many_files_icat_has_of_how_many(facility: LiveFacility) -> None:
    facility.place.session(registered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("right", "right")
        await until(pilot, lambda: "ICAT has 1 of 1" in detail(app))

    drive_app(a_workplace(facility), act)


def test_the_last_line_names_what_does_something_on_this_row(facility: LiveFacility) -> None:
    facility.session(unregistered=1)
    facility.place.session(OTHER)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await until(pilot, lambda: "r Register" in keys_line(app))
        await pilot.press("down")
        await until(pilot, lambda: "r Register" not in keys_line(app))
        assert keys_line(app).endswith("? Help")

    drive_app(a_workplace(facility), act, size=(160, 30))


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 30), (200, 50)])
def test_every_size_shows_the_tree_the_status_and_the_keys(facility: LiveFacility, size: tuple[int, int]) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        assert app.session_tree.size.height >= 3
        assert app.session_tree.size.width >= 36
        assert app.detail.size.height >= 2
        beside = app.detail.region.x > app.session_tree.region.x
        assert beside == (size[0] >= 120)
        assert ("!1" in rows(app)[0]) == (size[0] < 60)
        assert rows(app)[0].split()[3] in ("!1", "1")
        assert status_line(app).startswith("!1")
        await pilot.press("L")
        await pilot.pause()
        assert app.query_one("#log").size.height >= 3

    drive_app(a_workplace(facility), act, size=size)


def test_the_path_is_copied_and_shown(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("y")
        assert app.clipboard == str(session)
        assert any("hg333" in line for line in log_lines(app))

    drive_app(a_workplace(facility), act)


def test_the_link_is_copied_over_ssh_and_opened_here(
    facility: LiveFacility, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facility.session(unregistered=1)
    browser, called = tmp_path / "firefox", tmp_path / "called"
    browser.write_text(f'#!/bin/sh\necho "$1" >> "{called}"\n')
    browser.chmod(0o755)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", str(browser))
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("o")
        await until(pilot, lambda: called.exists() and called.read_text().endswith("/investigation/1/datasets\n"))
        assert not app.clipboard
        monkeypatch.setenv("SSH_CONNECTION", "1")
        await pilot.press("o")
        assert app.clipboard.endswith("/investigation/1/datasets")
        assert len(called.read_text().splitlines()) == 1
        assert sum("/investigation/1/datasets" in line for line in log_lines(app)) == 2

    drive_app(a_workplace(facility), act)


def test_over_ssh_nothing_is_animated(facility: LiveFacility, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_TTY", "/dev/pts/1")
    assert IcatTui(a_workplace(facility), "icat-dark").animation_level == "none"


# -- exports and the cache -------------------------------------------------------------------------------------------


def test_the_overview_is_written_where_the_settings_say_and_under_a_filter_apart(
    facility: LiveFacility, tmp_path: Path
) -> None:
    facility.session(unregistered=1)
    facility.place.session(OTHER)
    overview = tmp_path / "overview"

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: any("written to" in line for line in log_lines(app)))
        assert "hg333" in (overview / "esrfv3" / "todo.csv").read_text()
        before = files(overview)
        await pilot.press("slash", *"in321", "enter", "e")
        await until(pilot, lambda: len(files(overview)) > len(before))
        await until(pilot, lambda: sum("written to" in line for line in log_lines(app)) == 2)
        (apart,) = overview.glob("filtered-*")
        assert "in321" in (apart / "esrfv3" / "ok.csv").read_text()
        assert "hg333" not in (apart / "esrfv3" / "todo.csv").read_text()

    drive_app(a_workplace(facility, save_dir=str(overview)), act)


def test_without_a_directory_nothing_is_exported_and_that_is_said(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("e")
        await until(pilot, lambda: any("give --save-dir" in line for line in log_lines(app)))

    drive_app(a_workplace(facility), act)


def test_what_is_dropped_from_the_cache_shows_as_not_scanned(facility: LiveFacility) -> None:
    session = facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        assert files(app.workspace.cache.directory / "esrfv3")
        await pilot.press("i")
        await until(pilot, lambda: categories(app) == [None])
        assert not list((app.workspace.cache.directory / "esrfv3").glob("*.json"))
        assert str(session) not in app.workspace.index.rows

    drive_app(a_workplace(facility), act)
    assert not files(facility.place.directory / "cache" / "sessions" / "esrfv3")


def test_a_row_whose_cache_file_has_gone_shows_as_not_scanned_as_its_detail_does(facility: LiveFacility) -> None:
    known = [facility.session(f"hg{number}/id10/20231019", registered=1) for number in range(AT_HAND + 2)]

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        gone = next(str(path) for path in known if app.store.at_hand(str(path)) is None)
        app.workspace.cache.path(app.model.sessions[gone].directory).unlink()
        await pilot.press("g", *["j"] * sorted(map(str, known)).index(gone))
        await until(pilot, lambda: app.model.sessions[gone].category is None)
        await until(pilot, lambda: "not scanned yet" in detail(app))

    drive_app(a_workplace(facility), act)


def test_what_was_dropped_can_be_taken_back(facility: LiveFacility, tmp_path: Path) -> None:
    session = facility.session(unregistered=1)
    other = facility.session("hg444/id10/20231019", unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        asked = len(facility.place.icatplus.asked)
        before = app.model.sessions[str(session)]
        await pilot.press("i")
        await until(pilot, lambda: app.model.sessions[str(session)].category is None)
        await pilot.press("U")
        await until(pilot, lambda: app.model.sessions[str(session)] == before)
        assert len(facility.place.icatplus.asked) == asked
        shutil.move(session / "RAW_DATA" / "unregistered" / "unregistered_0001", tmp_path)
        await pilot.press("I")
        await until(pilot, lambda: app.model.sessions[str(session)].category is None)
        await pilot.press("U")
        await until(pilot, lambda: app.model.sessions[str(session)] == before)
        assert app.model.sessions[str(other)].category is Category.TODO
        await pilot.press("U")
        await until(pilot, lambda: any("nothing dropped" in line for line in log_lines(app)))

    drive_app(a_workplace(facility, fingerprint_age="0s"), act)


def test_under_a_filter_the_check_of_the_cache_looks_at_what_is_shown_only(
    facility: LiveFacility, tmp_path: Path
) -> None:
    shown, hidden = facility.session(unregistered=1), facility.session("hg444/id10/20231019", unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        for number, session in enumerate((shown, hidden)):
            shutil.move(session / "RAW_DATA" / "unregistered" / "unregistered_0001", tmp_path / str(number))
        await pilot.press("slash", *"hg333", "enter", "I")
        await until(pilot, lambda: app.store.rows[str(shown)].category is None)
        assert app.store.rows[str(hidden)].category is Category.TODO

    drive_app(a_workplace(facility, fingerprint_age="0s"), act)


def test_the_check_of_the_cache_drops_what_has_changed_and_what_is_gone(facility: LiveFacility, tmp_path: Path) -> None:
    changed, gone, kept = (
        facility.session(unregistered=1),
        facility.place.session(OTHER),
        facility.place.session("a1/id1/20231001"),
    )

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        (changed / "RAW_DATA" / "new" / "new_0001").mkdir(parents=True)
        gone.rename(tmp_path / "elsewhere")
        await pilot.press("I")
        await until(pilot, lambda: str(gone) not in app.model.sessions)
        assert app.model.sessions[str(changed)].category is None
        assert app.model.sessions[str(kept)].category == Category.OK
        assert any("1 changed and 1 gone" in line for line in log_lines(app))

    drive_app(a_workplace(facility, fingerprint_age="0s"), act)


def test_the_check_of_the_cache_finds_its_way_where_rows_are_hidden(facility: LiveFacility, tmp_path: Path) -> None:
    changed, gone = (
        facility.session("hg333/id10/20231019", registered=1),
        facility.session("hg333/id10/20231020", unregistered=1),
    )
    facility.session("hg333/id10/20231021", unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press(str(list(Status).index(Status.REGISTERED) + 1))
        await until(pilot, lambda: str(changed) not in app.model.sessions.shown())
        (changed / "RAW_DATA" / "new" / "new_0001").mkdir(parents=True)
        gone.rename(tmp_path / "elsewhere")
        await pilot.press("I")
        await until(pilot, lambda: any("0 changed and 1 gone" in line for line in log_lines(app)))
        assert str(gone) not in app.model.sessions
        assert app.model.sessions[str(changed)].category is Category.OK, "it is not shown, and so not looked at"

    drive_app(a_workplace(facility, fingerprint_age="0s"), act)


def test_the_check_of_the_cache_asks_for_as_many_as_are_cached(facility: LiveFacility) -> None:
    for number in range(60):
        (facility.place.root / f"hg{number:03}" / "id10" / "20231019" / "RAW_DATA").mkdir(parents=True)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: len(app.model.sessions) == 60)
        await pilot.press("I")
        await until(pilot, lambda: any("0 cached sessions checked" in line for line in log_lines(app)))

    drive_app(a_workplace(facility, narrow=False), act)


def test_what_can_not_be_dropped_from_the_cache_stays_and_the_rest_goes(
    facility: LiveFacility, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [facility.session(f"hg333/id10/2023101{day}", unregistered=1) for day in (1, 2, 3)]
    place = a_workplace(facility)
    drop = SessionCache.set_aside

    def refuse_second(cache: SessionCache, directory: SessionDirectory) -> None:
        if directory.path == str(sessions[1]):
            raise SaveError("the second stays")
        drop(cache, directory)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        monkeypatch.setattr(SessionCache, "set_aside", refuse_second)
        await pilot.press("home", "i")
        await until(pilot, lambda: any("the second stays" in line for line in log_lines(app)))
        assert [app.model.sessions[str(path)].category for path in sessions] == [None, Category.TODO, None]
        assert any("2 sessions dropped" in line for line in log_lines(app))

    drive_app(place, act)


# -- what goes wrong -------------------------------------------------------------------------------------------------


def test_what_breaks_in_a_thread_is_shown_and_logged(facility: LiveFacility) -> None:
    async def act(app: IcatTui, pilot: Driver) -> None:
        in_background(app, "counting", lambda: 1 // 0)
        await until(pilot, lambda: any("ZeroDivisionError" in line for line in log_lines(app)))
        assert any("while counting" in line for line in log_lines(app))

    drive_app(a_workplace(facility), act)


def test_what_breaks_in_a_worker_of_textual_is_shown_too(facility: LiveFacility) -> None:
    async def act(app: IcatTui, pilot: Driver) -> None:
        app.run_worker(lambda: 1 // 0, thread=True, exit_on_error=False)
        await until(pilot, lambda: any("ZeroDivisionError" in line for line in log_lines(app)))

    drive_app(a_workplace(facility), act)


def test_an_icatplus_that_is_not_known_is_said_and_the_tree_stays(facility: LiveFacility) -> None:
    facility.session(unregistered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: any("no ICAT+ is known" in line for line in log_lines(app)))
        assert not app.scans.running

    drive_app(a_workplace(facility, icatplus=""), act)


@pytest.mark.parametrize(
    "name", ["a[b]c", "dir[/x]", "[red]x", "esc\x1b[31mred", "line\nbreak", "\u202egnp.exe", "$(rm)"]
)
def test_hostile_names_are_shown_as_they_are_and_end_nothing(facility: LiveFacility, name: str) -> None:
    raw = facility.place.session(registered=0) / "RAW_DATA" / name
    (raw / f"{name}_0001").mkdir(parents=True)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await scanned(app, pilot)
        await pilot.press("right", "right", "y")
        await until(pilot, lambda: app.clipboard)
        await until(pilot, lambda: "path" in detail(app))
        await pilot.press("L", "x", "r")
        await pilot.press("question_mark")
        await until(pilot, lambda: len(app.screen_stack) > 1)
        assert all(character.isprintable() for character in shown(app).replace("\n", "").replace("\xa0", ""))

    drive_app(a_workplace(facility), act)


def test_the_help_lists_every_key_by_its_id(facility: LiveFacility) -> None:
    async def act(app: IcatTui, pilot: Driver) -> None:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        told = "\n".join(map(str, app.screen._lines()))  # type: ignore[attr-defined]
        assert all(f"({command.id})" in told for command in app.commands)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Help))

    drive_app(a_workplace(facility), act)
