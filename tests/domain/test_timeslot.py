"""Tests of the choice of an investigation and of time slots.

The examples are those of icat.md, "Worked examples", the matches those of interface.md, "Investigation of a session".
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icat_tui.domain.model import Fit, Investigation, Match
from icat_tui.domain.timeslot import (
    Phase,
    choose,
    distance,
    future_reasons,
    is_ongoing,
    is_over,
    is_todo_ongoing,
    is_written_late,
    outside_reasons,
    parse_period,
    parse_time,
    phase,
)
from tests.support.time_slot import END, START

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)

unhurried = settings(deadline=None)


def at(text: str) -> datetime:
    """Return a moment of 2023 in Paris, unless the text says otherwise: `10-19`, `10-19 00:30`."""
    day, _, time = text.partition(" ")
    return parse_time(f"2023-{day}T{time or '08:00'}", PARIS)


def slots(text: str) -> list[Investigation]:
    """Return investigations from `id: start → end; …`."""
    found = []
    for line in text.split("; "):
        number, start, end = re.split(": | → ", line)
        found.append(Investigation(int(number), "HG-333", at(start), None if end == "open" else at(end)))
    return found


# -- worked examples -------------------------------------------------------------------------------------------------

TWO = "1: 10-19 → 10-24; 2: 11-02 → 11-05"
ADJACENT = "1: 10-19 → 10-24; 2: 10-24 → 10-26"
TWINS = "1: 10-23 → 10-25; 2: 10-23 → 10-25"
EXAMPLES = [
    ("1", "1: 10-19 → 10-24", date(2015, 1, 1), 1, "far"),
    ("3", TWO, date(2023, 11, 2), 2, "inside"),
    ("4", TWO, date(2023, 10, 26), 1, "edge"),
    ("5", TWO, date(2023, 11, 1), 2, "edge"),
    ("6", ADJACENT, at("10-24 08:00+02:00"), 2, "inside"),
    ("7", ADJACENT, date(2023, 10, 24), 2, "inside"),
    ("8", "1: 10-24 → 10-24 16:00; 2: 10-24 16:00 → 10-26", date(2023, 10, 24), 2, "inside"),
    ("8b", "2: 10-24 → 10-24 16:00; 1: 10-24 16:00 → 10-26", date(2023, 10, 24), 2, "inside"),
    ("9", "1: 10-19 → 10-24; 2: 10-20 → 10-22", date(2023, 10, 21), 2, "ambiguous"),
    ("9b", "2: 10-19 → 10-24; 1: 10-20 → 10-22", date(2023, 10, 21), 2, "ambiguous"),
    ("10", "1: 10-19 → 10-24; 2: 10-18 → open", date(2023, 10, 21), 1, "inside"),
    ("11", "1: 10-01 → open; 2: 10-19 → 10-24", date(2023, 10, 26), 2, "edge"),
    ("12", "1: 10-01 → 10-05; 2: 10-19 → open", date(2025, 10, 26), 2, "inside"),
    ("13", TWO, date(2023, 10, 18), 1, "edge"),
    ("14", "1: 10-19 → 10-21; 2: 10-23 → 10-25", at("10-22"), 2, "ambiguous"),
    ("15", TWINS, at("10-22"), 1, "ambiguous"),
    ("16", "1: 10-23 → open; 2: 10-23 → open", at("10-24"), 2, "inside"),
    ("17", "1: 10-15 → 10-19 09:30; 2: 10-19 00:30 → 10-19 05:00", date(2023, 10, 19), 2, "ambiguous"),
]


@pytest.mark.parametrize(
    ("text", "target", "chosen", "match"), [row[1:] for row in EXAMPLES], ids=[row[0] for row in EXAMPLES]
)
def test_worked_examples_come_out_the_same_on_every_machine(
    machine_zone: str, text: str, target: date, chosen: int, match: str
) -> None:
    fit = choose(slots(text), target, PARIS, now=NOW)
    assert fit is not None
    assert (fit.id, fit.match) == (chosen, match)


def test_without_open_ended_ones_nothing_may_be_left() -> None:
    row_2 = slots("1: 10-19 → open")
    assert choose(row_2, date(2023, 10, 20), PARIS, now=NOW, allow_open_ended=False) is None
    assert choose(row_2, date(2023, 10, 20), PARIS, now=NOW) is not None
    assert choose([], date(2023, 10, 20), PARIS, now=NOW) is None


def test_what_has_no_start_is_never_chosen() -> None:
    assert choose([Investigation(1, "HG-333", None, at("10-24"))], None, PARIS, now=NOW) is None


def test_times_without_an_offset_are_those_of_the_facility(machine_zone: str) -> None:
    naive = [Investigation(1, "HG-333", datetime(2023, 10, 19, 8), datetime(2023, 10, 24, 8))]  # noqa: DTZ001
    fit = choose(naive, datetime(2023, 10, 24, 7, 59), PARIS, now=NOW)  # noqa: DTZ001  # what is tested
    assert fit == Fit(1, Match.INSIDE, target=at("10-24 07:59"), start=at("10-19"), end=at("10-24"))
    assert fit.target.utcoffset() == 2 * HOUR


def test_no_target_means_now() -> None:
    fit = choose(slots("1: 10-19 → 10-24; 2: 10-26 → 10-28"), None, PARIS, now=at("10-20"))
    assert fit == Fit(1, Match.INSIDE, target=at("10-20"), start=at("10-19"), end=at("10-24"))


def test_a_date_on_which_nothing_starts_means_eight_in_the_morning_there() -> None:
    for day, utc in ((date(2023, 10, 20), 6), (date(2023, 12, 20), 7)):
        fit = choose(slots("1: 10-19 → open"), day, PARIS, now=NOW)
        assert fit is not None
        assert fit.target == datetime(day.year, day.month, day.day, utc, tzinfo=UTC)


def test_a_row_that_came_twice_is_one_investigation() -> None:
    twice = slots("1: 10-19 → 10-24; 1: 10-19 → 10-24")
    for day, match in ((20, Match.INSIDE), (25, Match.EDGE)):
        fit = choose(twice, date(2023, 10, day), PARIS, now=NOW)
        assert fit is not None
        assert fit.match is match


# -- how it fits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "match"),
    [
        (at("10-17"), Match.EDGE),
        (at("10-17") - TICK, Match.FAR),
        (at("10-19") - TICK, Match.EDGE),
        (at("10-19"), Match.INSIDE),
        (at("10-24") - TICK, Match.INSIDE),
        (at("10-24"), Match.EDGE),
        (at("10-26"), Match.EDGE),
        (at("10-26") + TICK, Match.FAR),
    ],
)
def test_the_edge_reaches_48_hours_on_both_sides(target: datetime, match: Match) -> None:
    fit = choose(slots("7: 10-19 → 10-24"), target, PARIS, now=NOW)
    assert fit == Fit(7, match, target=target, start=at("10-19"), end=at("10-24"))


@pytest.mark.parametrize(("target", "match"), [(date(2023, 10, 30), Match.FAR), (date(2023, 10, 29), Match.EDGE)])
def test_an_hour_counts_when_clocks_are_changed(target: date, match: Match) -> None:
    """From eight in summer time to eight in winter time two days later it is 49 hours."""
    fit = choose(slots("1: 10-20 → 10-28"), target, PARIS, now=NOW)
    assert fit is not None
    assert fit.match is match


def test_what_is_far_from_two_alike_is_ambiguous() -> None:
    fit = choose(slots("1: 10-01 → 10-05; 2: 10-25 → 10-28"), at("10-15"), PARIS, now=NOW)
    assert fit is not None
    assert (fit.id, fit.match) == (2, Match.AMBIGUOUS)


def test_the_two_ends_of_one_investigation_are_no_choice() -> None:
    fit = choose(slots("1: 10-19 → 10-19"), at("10-19 09:00"), PARIS, now=NOW)
    assert fit is not None
    assert fit.match is Match.EDGE


def test_an_open_ended_one_beside_an_official_one_is_no_choice_either() -> None:
    fit = choose(slots("1: 10-19 → 10-24; 2: 10-20 → open"), at("10-21"), PARIS, now=NOW)
    assert fit is not None
    assert (fit.id, fit.match) == (1, Match.INSIDE)


# -- what holds for all ----------------------------------------------------------------------------------------------

moments = st.integers(-40, 40).map(lambda steps: datetime(2023, 10, 29, tzinfo=UTC) + steps * timedelta(hours=4))


@st.composite
def investigations(draw: st.DrawFn, *, closed: bool = False) -> list[Investigation]:
    """Investigations around the end of summer time, with many that begin, end or overlap alike."""
    lengths = st.integers(0, 20) if closed else st.none() | st.integers(0, 20)
    found = []
    for number in draw(st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True)):
        start, length = draw(moments), draw(lengths)
        found.append(Investigation(number, "HG-333", start, None if length is None else start + length * 4 * HOUR))
    return found


targets = st.one_of(moments, moments.map(datetime.date), st.none())


def in_zone(moment: datetime | None, zone: tzinfo) -> datetime | None:
    return moment and moment.astimezone(zone)


@unhurried
@given(investigations(), targets, st.randoms(use_true_random=False))
def test_the_order_of_the_answer_never_matters(found: list[Investigation], target: date | None, random: Random) -> None:
    shuffled = random.sample(found, len(found))
    assert choose(shuffled, target, PARIS, now=NOW) == choose(found, target, PARIS, now=NOW)


@unhurried
@given(investigations(), targets, st.sampled_from([PARIS, ZoneInfo("Asia/Tokyo"), timezone(-5 * HOUR)]))
def test_the_offsets_that_times_are_written_with_never_matter(
    found: list[Investigation], target: date | None, zone: tzinfo
) -> None:
    written = [
        Investigation(row.id, row.name, in_zone(row.start, zone), in_zone(row.end, zone), row.title) for row in found
    ]
    moved = target.astimezone(zone) if isinstance(target, datetime) else target
    assert choose(written, moved, PARIS, now=NOW) == choose(found, target, PARIS, now=NOW)


@unhurried
@given(investigations(), targets)
def test_the_fit_is_the_investigation_and_its_times_have_offsets(
    found: list[Investigation], target: date | None
) -> None:
    fit = choose(found, target, PARIS, now=NOW)
    assert fit is not None
    row = next(row for row in found if row.id == fit.id)
    assert (fit.start, fit.end) == (row.start, row.end)
    assert all(isinstance(moment.tzinfo, timezone) for moment in (fit.target, fit.start, fit.end) if moment)


@unhurried
@given(investigations(), targets)
def test_inside_means_contained(found: list[Investigation], target: date | None) -> None:
    fit = choose(found, target, PARIS, now=NOW)
    assert fit is not None
    assert fit.start is not None
    contained = fit.start <= fit.target and (fit.end is None or fit.target < fit.end)
    if fit.match is Match.INSIDE:
        assert contained
    elif fit.match is not Match.AMBIGUOUS and fit.end is not None:
        assert not contained


@unhurried
@given(investigations(closed=True), targets)
def test_of_those_with_an_end_the_nearest_is_chosen_and_the_match_says_how_near(
    found: list[Investigation], target: date | None
) -> None:
    fit = choose(found, target, PARIS, now=NOW)
    assert fit is not None
    by_id = {row.id: distance(row, fit.target) for row in found}
    nearest = min(by_id.values())
    assert by_id[fit.id] == nearest
    if fit.match is Match.EDGE:
        assert nearest <= 48 * HOUR
    if fit.match is Match.FAR:
        assert nearest > 48 * HOUR
    if fit.match is Match.AMBIGUOUS:
        assert sorted(by_id.values())[1] == nearest


@unhurried
@given(investigations(closed=True), moments)
def test_two_that_contain_the_moment_are_ambiguous_and_the_later_made_one_is_taken(
    found: list[Investigation], target: datetime
) -> None:
    containing = [row.id for row in found if row.start and row.end and row.start <= target < row.end]
    fit = choose(found, target, PARIS, now=NOW)
    assert fit is not None
    if containing:
        assert fit.id == max(containing)
        assert fit.match is (Match.AMBIGUOUS if len(containing) > 1 else Match.INSIDE)


@unhurried
@given(investigations(), targets)
def test_the_only_one_is_taken_whatever_the_date(found: list[Investigation], target: date | None) -> None:
    fit = choose(found[:1], target, PARIS, now=NOW)
    assert fit is not None
    assert fit.id == found[0].id
    assert fit.match is not Match.AMBIGUOUS


# -- distance --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("1: 10-19 → 10-24", "10-18", DAY),
        ("1: 10-19 → 10-24", "10-19", timedelta()),
        ("1: 10-19 → 10-24", "10-21", timedelta()),
        ("1: 10-19 → 10-24", "10-24", timedelta()),
        ("1: 10-19 → 10-24", "10-24 09:30", HOUR * 1.5),
        ("1: 10-19 → open", "12-24", timedelta()),
        ("1: 10-19 → open", "10-17", 2 * DAY),
        ("1: 10-19 → 10-28", "10-29", 25 * HOUR),
    ],
)
def test_distance_is_the_time_to_the_nearer_end(text: str, moment: str, expected: timedelta) -> None:
    assert distance(slots(text)[0], at(moment)) == expected


def test_candidates_without_a_start_come_last() -> None:
    odd = Investigation(1, "HG-333", None, None)
    assert max([*slots("2: 10-19 → 10-24"), odd], key=lambda row: distance(row, at("12-24"))) is odd


def test_wall_clocks_are_not_what_is_measured() -> None:
    before = datetime(2023, 10, 28, 8, tzinfo=PARIS)
    after = datetime(2023, 10, 29, 8, tzinfo=PARIS)
    assert distance(Investigation(1, "HG-333", before - DAY, before), after) == 25 * HOUR
    assert outside_reasons(after, after, None, before)[0] == "started 1 day, 1:00:00 after the end of the session"


# -- datasets outside their slot -------------------------------------------------------------------------------------

SLOT = (at("10-19"), at("10-24"))


@pytest.mark.parametrize(
    ("start", "end", "reasons"),
    [
        ("10-20", "10-21", []),
        ("10-19", "10-24", []),
        ("10-19", "10-19", []),
        ("10-24", "10-24", []),
        ("10-19 07:30", "10-19 09:00", ["started 0:30:00 before the start of the session"]),
        ("10-23", "10-24 09:00", ["ended 1:00:00 after the end of the session"]),
        (
            "10-17 07:00",
            "10-17",
            [
                "started 2 days, 1:00:00 before the start of the session",
                "ended 2 days, 0:00:00 before the start of the session",
            ],
        ),
        (
            "10-24 08:00:00.5",
            "10-24 10:00",
            [
                "started 0:00:00.500000 after the end of the session",
                "ended 2:00:00 after the end of the session",
            ],
        ),
        (
            "10-18",
            "10-25",
            [
                "started 1 day, 0:00:00 before the start of the session",
                "ended 1 day, 0:00:00 after the end of the session",
            ],
        ),
    ],
)
def test_a_dataset_outside_its_slot_says_by_how_much(start: str, end: str, reasons: Sequence[str]) -> None:
    assert outside_reasons(at(start), at(end), *SLOT) == tuple(reasons)


def test_a_border_that_icat_does_not_have_is_never_crossed() -> None:
    assert outside_reasons(at("10-01"), at("12-24"), None, None) == ()
    assert outside_reasons(at("10-20"), at("12-24"), SLOT[0], None) == ()
    assert outside_reasons(at("10-18"), at("12-24"), SLOT[0], None) == (
        "started 1 day, 0:00:00 before the start of the session",
    )


def test_times_in_the_future_are_told_by_more_than_clocks_differ() -> None:
    now, day, second = at("10-20"), timedelta(days=1), timedelta(seconds=1)
    assert future_reasons(now + day, now + day, now) == ()
    assert future_reasons(now - day, now + day + second, now) == (f"ended in the future, at {now + day + second}",)
    assert future_reasons(now + 2 * day, now + 3 * day, now) == (
        f"started in the future, at {now + 2 * day}",
        f"ended in the future, at {now + 3 * day}",
    )


@unhurried
@given(moments, moments, moments, moments)
def test_a_dataset_gives_no_reason_exactly_when_its_slot_holds_it(
    start: datetime, end: datetime, slot_start: datetime, slot_end: datetime
) -> None:
    start, end = sorted((start, end))
    slot_start, slot_end = sorted((slot_start, slot_end))
    held = slot_start <= start and end <= slot_end
    reasons = outside_reasons(start, end, slot_start, slot_end)
    assert (reasons == ()) is held
    assert not any(" 0:00:00 " in reason and "day" not in reason for reason in reasons)


# -- now and the slot ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "now", "expected"),
    [
        ("10-24", at("10-17") - TICK, Phase.FUTURE),
        ("10-24", at("10-17"), Phase.ONGOING),
        ("10-24", at("10-21"), Phase.ONGOING),
        ("10-24", at("10-26") - TICK, Phase.ONGOING),
        ("10-24", at("10-26"), Phase.FINISHED),
        (None, at("10-17") - TICK, Phase.FUTURE),
        (None, at("10-17"), Phase.INDEFINITE),
        (None, at("12-24"), Phase.INDEFINITE),
    ],
)
def test_a_slot_lasts_from_two_days_before_to_two_days_after(end: str | None, now: datetime, expected: Phase) -> None:
    fit = Fit(1, Match.INSIDE, target=at("10-19"), start=at("10-19"), end=at(end) if end else None)
    assert phase(fit.start, fit.end, now) is expected
    assert is_todo_ongoing(fit, now) is (expected in (Phase.ONGOING, Phase.INDEFINITE))
    assert is_over(fit, now) is (expected is Phase.FINISHED)
    if end:
        assert is_ongoing(fit, now, None) is (expected is Phase.ONGOING)


@pytest.mark.parametrize(
    ("last_change", "expected"),
    [
        (None, False),
        (NOW - 2 * DAY - TICK, False),
        (NOW - 2 * DAY, True),
        (NOW, True),
        (NOW + 100 * DAY, True),
    ],
)
def test_a_session_without_an_end_goes_on_while_something_changes(last_change: datetime | None, expected: bool) -> None:
    fit = Fit(1, Match.INSIDE, target=at("10-19"), start=at("10-19"))
    assert is_ongoing(fit, NOW, last_change) is expected


def test_a_change_does_not_make_a_finished_session_go_on() -> None:
    fit = Fit(1, Match.INSIDE, target=at("10-19"), start=at("10-19"), end=at("10-24"))
    assert not is_ongoing(fit, NOW, NOW)


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("zone", [PARIS, ZoneInfo("Asia/Tokyo"), timezone(-12 * HOUR)])
def test_a_directory_named_by_the_first_or_last_of_all_days_does_no_harm(day: date, zone: tzinfo) -> None:
    fit = choose(slots("1: 10-19 → 10-24"), day, zone, now=NOW)
    assert fit is not None
    assert fit.match is Match.FAR


def test_times_at_the_end_of_the_calendar_do_no_harm() -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert phase(first, last, NOW) is Phase.ONGOING
    assert phase(last, None, NOW) is Phase.FUTURE
    assert phase(first, first, NOW) is Phase.FINISHED


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2023-10-19T08:00:00", "2023-10-19T08:00:00", 0),
        ("2023-10-29T02:10:00", "2023-10-29T02:50:00", 40),
        ("2023-10-29T02:50:00", "2023-10-29T02:10:00", 20),
        ("2023-10-29T01:50:00", "2023-10-29T03:10:00", 140),
        ("2023-03-26T01:50:00", "2023-03-26T03:10:00", 20),
        ("2023-10-29T02:50:00+02:00", "2023-10-29T02:10:00+01:00", 20),
    ],
)
def test_a_period_lasts_as_long_as_it_did_where_clocks_are_changed(start: str, end: str, minutes: int) -> None:
    begun, ended = parse_period(start, end, PARIS)
    assert ended - begun == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2023-10-19T08:00:00", "2023-10-19T07:59:59"),
        ("2023-10-29T02:50:00+02:00", "2023-10-29T02:10:00+02:00"),
        ("2023-10-29T03:10:00", "2023-10-29T02:50:00"),
    ],
)
def test_a_period_that_ends_before_it_starts_is_none(start: str, end: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"its end, '{end}', comes before its start, '{start}'")):
        parse_period(start, end, PARIS)


@pytest.mark.parametrize(
    ("end", "now", "last_change", "late"),
    [
        (END, START - timedelta(days=2, seconds=1), None, False),
        (END, END, None, False),
        (END, END + timedelta(days=2), None, True),
        (None, END, END - timedelta(days=2), False),
        (None, END, END - timedelta(days=2, seconds=1), True),
        (None, START - timedelta(days=3), None, False),
    ],
)
def test_what_is_written_after_a_session_is_late(
    end: datetime | None, now: datetime, last_change: datetime | None, late: bool
) -> None:
    assert is_written_late(Fit(7, Match.INSIDE, START, START, end), now, last_change) is late
