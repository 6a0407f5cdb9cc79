from datetime import UTC, datetime

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Static

from icat_tui.domain.model import FileCount, Session
from icat_tui.domain.status import Category, Status
from icat_tui.text import visible
from icat_tui.tui.state.nodes import Node, Tally
from icat_tui.tui.widgets.detail_pane import DetailPane
from icat_tui.tui.widgets.detail_text import dataset_detail, group_detail, session_detail, unscanned_detail
from tests.support.names import HOSTILE_TEXTS
from tests.support.samples import a_directory, every_category, every_status
from tests.support.time_slot import FACILITY
from tests.support.tree_rows import found
from tests.support.ui_host import drive

SESSION = every_status()
NOW = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)


def of_status(status: Status, files: FileCount | None = None) -> str:
    dataset = next(each for each in reversed(SESSION.datasets) if each.status == status)
    return dataset_detail(SESSION, dataset, FACILITY, files).plain


def test_the_reasons_come_first() -> None:
    lines = of_status(Status.UNREGISTERED).splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines] == [
        "!", "why", "why", "time", "investigation", "sample", "taken", "files", "path", "portal", "search",
    ]  # fmt: skip
    assert lines[1].endswith("ended 1:00:00 after the end of the session")


@pytest.mark.parametrize("status", Status)
def test_status_is_told_by_glyph_and_word(status: Status) -> None:
    assert of_status(status).startswith(f"{status.glyph} {status.word}: ")


@pytest.mark.parametrize(
    ("status", "on_disk", "told"),
    [
        (Status.UNREGISTERED, 3, "ICAT has 0 of 3"),
        (Status.REGISTERED, 3, "ICAT has an unknown number of 3"),
        (Status.UNKNOWN, 1234, "ICAT has an unknown number of 1,234"),
        (Status.INVALID, None, "ICAT has 0; not counted on disk"),
    ],
)
def test_files_are_told_as_far_as_they_are_known(status: Status, on_disk: int | None, told: str) -> None:
    assert told in of_status(status, FileCount(on_disk, None))


def test_a_count_that_ended_early_is_told_as_that() -> None:
    assert "ICAT has 0 of at least 7" in of_status(Status.UNREGISTERED, FileCount(7, None, complete=False))


@pytest.mark.parametrize("session", every_category(), ids=lambda session: session.category)
def test_a_session_is_told_with_its_slot_and_how_it_fits(session: Session) -> None:
    text = session_detail(session, FACILITY, NOW).plain
    assert text.startswith(("?" if session.stale else session.category.glyph) + " ")
    assert ("time slot" in text) == (session.fit is not None)
    if session.fit is None:
        assert ("none in ICAT" in text) == (session.category == Category.NOT_IN_ICAT)
    for candidate in session.candidates:
        assert f"candidate     {candidate.id}: " in text


def test_hostile_texts_are_shown_visible_and_are_no_markup() -> None:
    for text in HOSTILE_TEXTS:
        for content in hostile_contents(text):
            assert all(line.isprintable() for line in content.plain.split("\n")), text
            assert visible(text) in content.plain


def hostile_contents(text: str) -> tuple[Content, ...]:
    dataset = every_status().datasets[2]
    odd = type(dataset)(
        path=f"{dataset.path}{text}", collection=text, name=text, status=dataset.status, reasons=(text,), sample=text
    )
    return (
        dataset_detail(SESSION, odd, FACILITY),
        group_detail(text, Tally(None, ()), {text: {None: 1}}),
        unscanned_detail(found(a_directory(text))),
    )


def test_a_group_is_told_by_its_sessions_and_counts() -> None:
    together = Tally(Category.TODO, (1, 2, 0, 0, 0, 0, 0, 0, 0))
    of_beamlines: dict[str, dict[Category | None, int]] = {
        "id21": {Category.TODO: 2, Category.OK: 1},
        "id99": {None: 1},
    }
    assert group_detail("hg333", together, of_beamlines).plain.splitlines() == [
        "hg333",
        "id21          3 sessions: 2 todo",
        "id99          1 session: 1 not scanned",
        "= 1 dataset registered",
        "! 2 datasets unregistered",
    ]
    assert group_detail("hg333/id21", together, {"": {Category.OK: 1}}).plain.splitlines()[1] == "1 session"
    assert group_detail("LaB6", together, {}).plain.splitlines()[1] == "= 1 dataset registered"


def test_the_cursor_has_rested_once_it_stays_and_only_the_last_place_counts() -> None:
    nodes = [Node(("a",), 0), Node(("b",), 0), Node(("c",), 0)]

    rested: list[Node | None] = []

    class Resting(DetailPane):
        def on_detail_pane_cursor_rested(self, message: DetailPane.CursorRested) -> None:
            rested.append(message.node)

    async def act(pilot: Pilot[None]) -> None:
        detail = pilot.app.query_one(Resting)
        for node in nodes:
            detail.follow(node)
        assert not rested
        while not rested:
            await pilot.pause()

    drive(act, Resting)
    assert rested == nodes[-1:]


def test_what_is_shown_is_scrolled_to_its_beginning() -> None:
    async def act(pilot: Pilot[None]) -> None:
        detail = pilot.app.query_one(DetailPane)
        detail.show(Content("\n".join(["line"] * 100)), "about")
        await pilot.pause()
        detail.focus()
        await pilot.press("j", "j")
        await pilot.pause()
        assert detail.scroll_offset.y == 2
        detail.show(session_detail(SESSION, FACILITY, NOW), "about")
        await pilot.pause()
        assert detail.scroll_offset.y == 0
        assert "time slot" in str(detail.query_one(Static).content)

    drive(act, DetailPane, size=(40, 12))
