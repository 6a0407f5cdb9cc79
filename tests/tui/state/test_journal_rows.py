"""The rows of the journal, and what the cursor is on."""

from datetime import timedelta

from msgspec import structs

from icat_tui.journal.sendings import MessageState
from icat_tui.tui.state.journal_message import CAN_BE_RESUMED
from icat_tui.tui.state.journal_rows import JournalRows, RowLevel
from tests.support.journal_rows import THEN, a_message, shown_of

TWO_SESSIONS = (
    a_message("1", order="one", session="aa1/id10/20231019"),
    a_message("2", order="one", session="bb2/id10/20231019", state=MessageState.ACCEPTED),
)
SINGLE = a_message("3", order="two", time=THEN - timedelta(days=1))


def rows_of(*messages: object) -> JournalRows:
    rows = JournalRows()
    rows.take(shown_of(*messages))  # type: ignore[arg-type]
    return rows


def place_of(rows: JournalRows) -> list[str]:
    return list(rows.row.place)


def levels(rows: JournalRows) -> list[RowLevel]:
    return [row.level for row in rows.rows]


def test_it_begins_on_the_newest_order_and_all_stands_above() -> None:
    rows = rows_of(*TWO_SESSIONS, SINGLE)
    assert levels(rows) == [RowLevel.ALL, RowLevel.ORDER, RowLevel.ORDER]
    assert rows.row.place == ("one",)
    assert JournalRows().row.level == RowLevel.ALL


def test_orders_open_to_sessions_and_these_to_messages() -> None:
    rows = rows_of(*TWO_SESSIONS, SINGLE)
    rows.toggle()
    assert levels(rows)[1:4] == [RowLevel.ORDER, RowLevel.SESSION, RowLevel.SESSION]
    for _ in range(3):
        rows.go_in()
    assert rows.row.message is not None
    rows.go_in()
    rows.go_out()
    assert place_of(rows) == ["one", TWO_SESSIONS[0].session]
    rows.go_out()
    rows.go_out()
    assert place_of(rows) == ["one"]
    rows.toggle()
    assert levels(rows) == [RowLevel.ALL, RowLevel.ORDER, RowLevel.ORDER]


def test_a_single_session_is_folded_into_its_order() -> None:
    rows = rows_of(*TWO_SESSIONS, SINGLE)
    rows.move_to(99)
    rows.go_in()
    rows.go_in()
    assert place_of(rows) == ["two", SINGLE.session, "3"]
    rows.go_out()
    assert place_of(rows) == ["two"]


def test_all_can_neither_be_opened_nor_left() -> None:
    rows = rows_of(SINGLE)
    rows.move_to(0)
    rows.go_out()
    rows.toggle()
    rows.go_in()
    assert place_of(rows) == []


def test_the_cursor_stays_on_what_it_is_on_whatever_comes_above() -> None:
    rows = rows_of(SINGLE)
    rows.go_in()
    rows.go_in()
    assert rows.row.message == SINGLE
    rows.take(shown_of(*TWO_SESSIONS, SINGLE))
    assert rows.row.message == SINGLE
    rows.take(shown_of(*TWO_SESSIONS))
    assert rows.row.place == ("one",)


def test_while_the_journal_is_read_the_cursor_is_on_the_newest_order_and_stays_there_afterwards() -> None:
    rows = JournalRows()
    rows.take(structs.replace(shown_of(SINGLE), reading=True))
    rows.take(shown_of(*TWO_SESSIONS, SINGLE))
    assert place_of(rows) == ["one"]
    rows.take(shown_of(a_message("9", order="newer", time=THEN + timedelta(days=1)), *TWO_SESSIONS, SINGLE))
    assert place_of(rows) == ["one"]


def test_it_follows_a_message_into_the_order_that_sent_it() -> None:
    rows = rows_of(SINGLE, a_message("4", order="two", time=THEN - timedelta(days=1)))
    rows.go_in()
    rows.go_in()
    sent = a_message("3", order="three", state=MessageState.ACCEPTED)
    rows.take(shown_of(sent, a_message("4", order="two", time=THEN - timedelta(days=1))))
    assert rows.row.message == sent


def test_keys_work_on_all_that_lies_in_the_row() -> None:
    rows = rows_of(*TWO_SESSIONS, SINGLE)
    assert [each.id for each in rows.chosen(CAN_BE_RESUMED)] == ["1"]
    assert [each.id for each in rows.to_settle()] == ["2"]
    rows.move_to(0)
    assert {each.id for each in rows.chosen(CAN_BE_RESUMED)} == {"1", "3"}
    rows.move_to(1)
    rows.toggle()
    rows.move_to(2)
    assert [each.id for each in rows.chosen(CAN_BE_RESUMED)] == ["1"]
    assert rows.to_settle() == ()


def test_of_one_message_a_person_may_settle_also_what_icat_has_shown() -> None:
    rows = rows_of(a_message("1", state=MessageState.SEEN))
    assert rows.to_settle() == ()
    rows.go_in()
    rows.go_in()
    assert [each.id for each in rows.to_settle()] == ["1"]
