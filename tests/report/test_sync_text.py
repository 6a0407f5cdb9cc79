"""What a person reads without a screen: whole, harmless, and the same in black and white (interface.md, "Output")."""

import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from icat_tui.domain.model import Match
from icat_tui.domain.scan_events import DirectoryFailed, DirectoryIgnored, SavingFailed, ScanFinished, SessionScanned
from icat_tui.domain.status import Category, Status
from icat_tui.report.lines import Line, coloured, plain
from icat_tui.report.sync_text import TITLES, closing_text, ignored_text, session_text, trouble_text
from icat_tui.report.totals import Totals
from icat_tui.text import counted
from tests.support.golden import matches
from tests.support.names import HOSTILE_NAMES, HOSTILE_TEXTS
from tests.support.samples import INSIDE, NOW, a_directory, a_session, every_category, every_status
from tests.support.time_slot import FACILITY, START


def told(session: object) -> str:
    return plain(session_text(session, FACILITY, NOW))  # type: ignore[arg-type]  # tests give sessions


def totals(*events: object) -> Totals:
    result = Totals()
    for event in events:
        result.add(event)  # type: ignore[arg-type]  # tests give events
    return result


def test_the_text_of_sessions_is_what_it_was() -> None:
    assert matches("sessions.txt", "".join(told(session) for session in every_category()).encode())


def test_the_text_of_the_end_is_what_it_was() -> None:
    run = totals(
        *(SessionScanned(session) for session in every_category()),
        DirectoryFailed("/data/visitor/locked", "Permission denied"),
        DirectoryFailed("/data/visitor/locked too", "Permission denied"),
        ScanFinished(cancelled=False, seconds=3723.456),
    )
    overview = [Path("/srv/over view/esrfv2"), Path("/srv/over view/esrfv3")]
    text = plain([*closing_text(run, Path("/var/cache/icat"), overview), *trouble_text(run)])
    assert matches("closing.txt", text.encode())


def test_every_status_is_listed_with_its_glyph_its_datasets_and_their_reasons() -> None:
    session = every_status()
    lines = told(session).splitlines()
    for status, title in TITLES.items():
        assert f"{status.glyph} {title}:" in lines
    for dataset in session.datasets:
        assert f"  {dataset.path}/" in lines
        assert {f"   {reason}" for reason in dataset.reasons} <= set(lines)
    assert set(TITLES) == set(Status)


def test_the_counts_of_before_are_always_there_and_ours_where_there_are_any() -> None:
    lines = told(a_session(Category.OK, ("1", Status.REGISTERED), ("2", Status.PENDING))).splitlines()
    counts = lines[lines.index("= Datasets (OK):") + 1 :][:7]
    assert counts == [
        " = 1 registered",
        " x 0 invalid",
        " ! 0 unregistered",
        " ^ 0 not uploaded",
        " o 0 registered without files",
        " ~ 1 pending",
        "",
    ]


@pytest.mark.parametrize(("match", "warned"), [(Match.INSIDE, False), (Match.EDGE, True), (Match.FAR, True)])
def test_a_warning_stands_beside_a_date_outside_the_time_slot_only(match: Match, *, warned: bool) -> None:
    text = told(a_session(Category.OK, fit=replace(INSIDE, match=match)))
    assert ("(WARNING: not inside time slot!)" in text) == warned
    assert "not inside" not in told(a_session(Category.NOT_IN_ICAT, fit=None))


def test_that_icat_has_no_investigation_is_said_only_when_icat_said_so() -> None:
    assert "No corresponding investigation" in told(a_session(Category.NOT_IN_ICAT, fit=None))
    for session in (a_session(Category.UNKNOWN, fit=None), a_session(Category.NOT_IN_ICAT, fit=None, stale=True)):
        assert "No corresponding" not in told(session)
        assert "could not be determined" in told(session)


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(days=3, microseconds=5), "(Started 3 days, 0:00:00 ago)"),
        (timedelta(), "(Started 0:00:00 ago)"),
        (timedelta(hours=-1, microseconds=-1), "(Will start in 1:00:00)"),
    ],
)
def test_how_far_from_now_a_time_slot_starts_is_told_in_seconds(passed: timedelta, said: str) -> None:
    text = plain(session_text(a_session(Category.OK), FACILITY, START + passed))
    assert said in text


def test_the_text_is_the_same_in_colour_and_without() -> None:
    for session in every_category():
        lines = list(session_text(session, FACILITY, NOW))
        for colours in ("truecolor", None):
            screen = StringIO()
            console = Console(file=screen, force_terminal=True, color_system=colours, no_color=False, width=40)
            console.print(coloured(lines), end="", soft_wrap=True)
            assert ("\x1b[" in screen.getvalue()) == (colours is not None)
        assert screen.getvalue() == coloured(lines).plain == plain(lines)


def test_every_colour_name_is_one_that_rich_can_show() -> None:
    console = Console(file=StringIO(), force_terminal=True, color_system="standard")
    for marked in (*Status, *Category):
        console.print(coloured([Line("x", marked.colour)]))
        for span in coloured([Line("x", marked.colour)]).spans:
            assert console.get_style(span.style)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_shown_and_do_nothing(name: str) -> None:
    session = a_session(
        Category.TODO, (name, Status.INVALID, name), directory=a_directory(name), reasons=(name,), stale=True
    )
    run = totals(SessionScanned(session), DirectoryFailed(name, name))
    for lines in (session_text(session, FACILITY, NOW), trouble_text(run), closing_text(run, Path(name), [Path(name)])):
        for line in lines:
            assert line.text.isprintable()


@pytest.mark.parametrize("title", HOSTILE_TEXTS)
def test_titles_of_the_candidates_do_nothing_either(title: str) -> None:
    session = every_category()[2]
    candidates = tuple(replace(candidate, title=title) for candidate in session.candidates)
    lines = list(session_text(replace(session, candidates=candidates), FACILITY, NOW))
    assert [line for line in lines if line.text.startswith("  11: ")]
    assert all(line.text.isprintable() for line in lines)


def test_what_failed_for_one_reason_is_one_line() -> None:
    run = totals(*(DirectoryFailed(f"/data/{number}", "no answer") for number in range(1500)))
    assert plain(trouble_text(run)) == "/data/0: no answer (and 1,499 more)\n"


def test_many_reasons_and_many_files_that_were_not_saved_are_counted() -> None:
    failed = [DirectoryFailed("/data", f"reason {number}") for number in range(25)]
    run = totals(*failed, *(SavingFailed(f"/cache/{number}", f"/cache/{number} was not saved") for number in range(3)))
    lines = plain(trouble_text(run)).splitlines()
    assert lines[19] == "/data: reason 19"
    assert lines[20].startswith("5 reasons more")
    assert lines[21:] == ["/cache/0 was not saved (and 2 more)"]


def test_unknown_datasets_of_a_session_with_something_to_do_are_counted_and_the_first_is_told() -> None:
    hidden = a_session(Category.TODO, ("1", Status.UNREGISTERED), ("2", Status.UNKNOWN, "denied"))
    told = a_session(Category.UNKNOWN, ("3", Status.UNKNOWN, "no answer"))
    path = hidden.datasets[1].path
    one = plain(trouble_text(totals(SessionScanned(hidden))))
    assert one == f"1 dataset could not be determined: {path} (denied)\n"
    lines = plain(trouble_text(totals(*map(SessionScanned, (hidden, told, hidden))))).splitlines()
    assert lines == [
        f"{told.directory.path}: no answer",
        f"2 datasets could not be determined: the first is {path} (denied)",
    ]


def test_nothing_is_said_of_trouble_where_there_was_none() -> None:
    assert list(trouble_text(totals(SessionScanned(a_session(Category.OK))))) == []


def test_a_run_that_was_stopped_says_so() -> None:
    assert "Stopped before" in plain(closing_text(totals(ScanFinished(cancelled=True, seconds=1))))


def test_numbers_agree_with_their_nouns() -> None:
    assert [counted(number, "dataset") for number in (0, 1, 2000)] == ["0 datasets", "1 dataset", "2,000 datasets"]


def test_rich_is_not_imported_before_something_is_coloured() -> None:
    code = "import sys, icat_tui.report.sync_text, icat_tui.report.check_text; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_each_directory_that_is_no_session_has_a_line_up_to_twenty() -> None:
    assert plain(ignored_text(totals(DirectoryIgnored("/data/2\n", "holds raw data")))) == (
        "not a session directory: /data/2\\n, holds raw data\n"
    )
    run = totals(*(DirectoryIgnored(f"/data/{number}", "holds raw data") for number in range(1500)))
    *lines, more = plain(ignored_text(run)).splitlines()
    assert len(lines) == 20
    assert more == "1,480 more hold raw data and are no session directories: --json lists them"
    assert plain(ignored_text(totals())) == ""
