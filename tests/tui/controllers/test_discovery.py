"""New sessions appear and gone ones go, by a key and by themselves, without moving the cursor."""

import shutil

from icat_tui.tui.app import IcatTui
from tests.support.live_facility import LiveFacility
from tests.support.ui_app import Driver, a_workplace, drive_app, log_lines
from tests.support.ui_host import until

NAMES = ["hg111/id10/20231019", "hg222/id10/20231019", "hg333/id10/20231019"]


def test_new_and_gone_sessions_come_with_a_key_and_the_cursor_stays(facility: LiveFacility) -> None:
    paths = [facility.session(name, registered=1) for name in NAMES]

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: len(app.model.sessions) == 3 and not app.discovery._looking)
        await pilot.press("j")
        assert app.model.node
        under = app.model.node.place
        assert under[3] == str(paths[1])
        shutil.rmtree(paths[0])
        new = facility.session("hg000/id10/20231019")
        await pilot.press("R")
        await until(pilot, lambda: str(new) in app.model.sessions)
        assert set(app.model.sessions) == {str(new), *map(str, paths[1:])}
        assert app.model.node.place == under
        assert any("1 new session, 1 gone" in line for line in log_lines(app))

    drive_app(a_workplace(facility, narrow=False), act)


def test_they_come_by_themselves_every_refresh(facility: LiveFacility) -> None:
    facility.session(NAMES[0])

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: len(app.model.sessions) == 1)
        facility.session(NAMES[1])
        await until(pilot, lambda: len(app.model.sessions) == 2)

    drive_app(a_workplace(facility, narrow=False, refresh="1s"), act)


def test_never_is_never(facility: LiveFacility) -> None:
    facility.session(NAMES[0])

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: len(app.model.sessions) == 1 and not app.discovery._looking)
        facility.session(NAMES[1])
        await pilot.pause(1.5)
        assert len(app.model.sessions) == 1

    drive_app(a_workplace(facility, narrow=False, refresh="0s"), act)


def test_scanning_all_that_is_shown_scans_what_has_come_up_too(facility: LiveFacility) -> None:
    facility.session(NAMES[0], registered=1)

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: len(app.model.sessions) == 1 and not app.discovery._looking)
        facility.session(NAMES[1], registered=1)
        await pilot.press("S")
        await until(pilot, lambda: len([row for row in app.model.sessions.values() if row.category]) == 2)

    drive_app(a_workplace(facility, narrow=False), act)


def test_a_data_root_that_is_gone_takes_no_session_with_it(facility: LiveFacility) -> None:
    facility.session(NAMES[0])

    async def act(app: IcatTui, pilot: Driver) -> None:
        await until(pilot, lambda: len(app.model.sessions) == 1 and not app.discovery._looking)
        facility.place.root.rename(facility.place.root.with_name("elsewhere"))
        await pilot.press("R")
        await until(pilot, lambda: any("No such file" in line for line in log_lines(app)))
        assert len(app.model.sessions) == 1

    drive_app(a_workplace(facility, narrow=False), act)
