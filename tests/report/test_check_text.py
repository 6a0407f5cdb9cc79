"""What `check` tells a scientist: in words, whole, and never "missing" for what could not be asked."""

import pytest
from msgspec.structs import replace

from icat_tui.domain.model import FileCount, Match, Session
from icat_tui.domain.status import Category, Status
from icat_tui.report.check_text import brief_check_text, check_text, closing_check_text
from icat_tui.report.lines import plain
from tests.support.golden import matches
from tests.support.names import HOSTILE_NAMES
from tests.support.samples import INSIDE, NOW, a_directory, a_session, every_category, every_status
from tests.support.time_slot import FACILITY


def told(session: Session, *counts: tuple[int | None, int | None]) -> str:
    files = {dataset.path: FileCount(*count) for dataset, count in zip(session.datasets, counts, strict=False)}
    return plain(check_text(session, files, FACILITY))


def single(*counts: tuple[int | None, int | None], complete: bool = True, category: Category = Category.OK) -> str:
    """Return what is told of a session of registered datasets, with counts of files on disk and in ICAT."""
    session = a_session(category, *((str(number), Status.REGISTERED) for number, _ in enumerate(counts)))
    files = {dataset.path: FileCount(*count, complete) for dataset, count in zip(session.datasets, counts, strict=True)}
    return plain(check_text(session, files, FACILITY))


def mail(text: str) -> str:
    return text.partition("mail to your local contact:")[2]


def test_what_a_scientist_reads_is_what_it_was() -> None:
    counts = ((10, 10), (20, 15), (3, None), (4, 4), (5, 0))
    text = "".join(told(session, *counts) for session in every_category()) + plain(closing_check_text())
    assert matches("check.txt", text.encode())


def test_every_dataset_that_is_not_simply_there_is_named_with_its_reasons() -> None:
    session = every_status()
    text = told(session)
    for dataset in session.datasets:
        if dataset.status != Status.REGISTERED:
            assert dataset.path in text
            assert all(reason in text for reason in dataset.reasons)


def test_the_mail_asks_for_what_can_be_done_and_for_nothing_else() -> None:
    session = every_status()
    asked = mail(told(session))
    wanted = {Status.UNREGISTERED, Status.NOT_UPLOADED, Status.REGISTERED_WITHOUT_FILES, Status.INVALID}
    for dataset in session.datasets:
        assert (f"{dataset.path}\n" in asked) == (dataset.status in wanted)
    assert "please register these 2 datasets" in asked
    assert "please add the files of this dataset" in asked


@pytest.mark.parametrize("status", [Status.REGISTERED, Status.PENDING, Status.UNKNOWN, Status.MISSING_ON_DISK])
def test_there_is_no_mail_where_nobody_has_to_do_anything(status: Status) -> None:
    assert "mail" not in told(a_session(Category.OK, ("1", status)))


def test_an_outage_is_never_missing() -> None:
    session = a_session(Category.UNKNOWN, ("1", Status.UNKNOWN, "ICAT+ does not answer"), fit=None)
    text = told(session)
    assert text.splitlines()[2:] == [
        "  Could not be checked: ICAT+ does not answer. This does not mean that it is not there.",
        "",
    ]
    assert "does not know this proposal" not in text


def test_of_several_reasons_each_is_told_once_and_what_could_not_be_checked_first() -> None:
    unknown = [(str(number), Status.UNKNOWN, "no answer" if number < 3 else "denied") for number in range(5)]
    lines = told(a_session(Category.UNKNOWN, *unknown)).splitlines()
    assert "  Could not be checked: 5 of 5 datasets on disk" in lines
    assert not any("In the catalogue" in line for line in lines)
    assert [line.strip() for line in lines if "no answer" in line or "denied" in line] == ["no answer", "denied"]
    mixed = a_session(Category.UNKNOWN, ("1", Status.REGISTERED), ("2", Status.UNKNOWN, "denied"))
    lines = told(mixed).splitlines()
    first = lines.index("  Could not be checked: 1 of 2 datasets on disk")
    assert lines[first + 1] == "  In the catalogue: 1 of 2 datasets on disk"


@pytest.mark.parametrize(
    ("session", "line"),
    [
        (
            a_session(Category.TODO, ("1", Status.REGISTERED), ("2", Status.UNREGISTERED), ("3", Status.UNKNOWN)),
            "! {name}: 1 of 3 datasets in the catalogue; 1 unregistered; 1 unknown",
        ),
        (a_session(Category.UNKNOWN, ("1", Status.UNKNOWN, "no answer")), "? {name}: could not be checked"),
        (a_session(Category.UNKNOWN, reasons=("denied",)), "? {name}: could not be checked"),
        (a_session(Category.OK, ("1", Status.REGISTERED), stale=True), "? {name}: could not be checked"),
        (a_session(Category.NOT_IN_ICAT), "- {name}: the catalogue does not know this proposal at this beamline"),
        (a_session(Category.EMPTY, reasons=("no raw directory",)), "\u00b7 {name}: no raw data; no raw directory"),
    ],
)
def test_in_brief_a_session_is_a_line(session: Session, line: str) -> None:
    text = plain(brief_check_text(session, {}))
    assert text == f"{line.format(name='hg333 on id99, 2023-10-19')}  {session.directory.path}\n"


def test_in_brief_a_session_that_lacks_files_is_not_simply_there() -> None:
    session = a_session(Category.OK, ("1", Status.REGISTERED))
    text = plain(brief_check_text(session, {session.datasets[0].path: FileCount(41, 1)}))
    assert text.startswith(
        "o hg333 on id99, 2023-10-19: 1 of 1 dataset in the catalogue; ICAT lacks files of 1 dataset"
    )


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_do_nothing_in_brief_either(name: str) -> None:
    session = a_session(Category.EMPTY, directory=a_directory(name), reasons=(name,))
    (line,) = brief_check_text(session, {})
    assert line.text.isprintable()


def test_what_was_known_before_is_told_as_that_and_asks_for_nothing() -> None:
    text = told(a_session(Category.TODO, ("1", Status.UNREGISTERED), stale=True))
    assert "could not be checked now" in text
    assert "2026-01-31 07:55+01:00" in text
    assert not mail(text)


@pytest.mark.parametrize("status", [Status.UNREGISTERED, Status.NOT_UPLOADED, Status.IN_PROGRESS])
def test_what_looks_moved_does_not_get_there_by_itself(status: Status) -> None:
    session = a_session(Category.TODO, ("1", status, "looks moved: ICAT has it there"), ("2", status))
    moved, other = session.datasets
    text = told(replace(session, datasets=(replace(moved, moved="looks moved"), other)))
    asked = mail(text)
    explained = text.partition("moved, as it looks")[2].partition("You can copy")[0]
    assert moved.path in explained
    assert "should get there without you" not in explained
    assert f"correct where the catalogue has this dataset (hg333 on id99, 2023-10-19)?\n      {moved.path}\n" in asked
    assert asked.count(moved.path) == 1
    assert ("please register this dataset" in asked) == (status != Status.IN_PROGRESS)


def test_a_proposal_that_icat_does_not_know_is_asked_about() -> None:
    session = a_session(Category.NOT_IN_ICAT, fit=None)
    assert session.directory.path in mail(told(session))


def test_a_session_that_is_not_over_is_given_time() -> None:
    ongoing = replace(INSIDE, end=NOW)
    text = told(a_session(Category.TODO_ONGOING, ("1", Status.UNREGISTERED), ("2", Status.IN_PROGRESS), fit=ongoing))
    assert "may still happen by itself" in text
    assert "should get there without you" in text


def test_what_arrives_after_the_session_takes_somebody() -> None:
    text = told(
        a_session(Category.TODO_ONGOING, ("1", Status.IN_PROGRESS, "changed 40 min ago"), ("2", Status.INVALID))
    )
    assert "somebody may have to register it" in text
    assert "changed 40 min ago" in text
    assert "without you" not in text
    assert "happen by itself" not in text


def test_a_date_outside_the_time_slot_is_pointed_out() -> None:
    outside = a_session(Category.OK, fit=replace(INSIDE, match=Match.EDGE))
    assert "outside the time slot" in told(outside)
    assert "outside the time slot" not in told(a_session(Category.OK))


def test_files_that_icat_has_are_counted_against_those_on_disk() -> None:
    session = a_session(
        Category.TODO,
        ("1", Status.REGISTERED),
        ("2", Status.REGISTERED),
        ("3", Status.UNREGISTERED),
        ("4", Status.REGISTERED_WITHOUT_FILES),
    )
    text = told(session, (10, 12), (20, 15), (7, None), (5, 0))
    assert "Of 42 files counted on disk, ICAT has 25:" in text
    assert "colA_2: 15 of 20" in text
    assert "colA_4: 0 of 5" in text
    assert "colA_1: " not in text
    assert "could not be compared" not in text


def test_a_dataset_with_fewer_files_in_icat_is_told_first_and_asked_about() -> None:
    text = single((41, 1))
    assert text.splitlines()[0].startswith("o ")
    assert text.splitlines()[2] == "  Of 41 files counted on disk, ICAT has 1:"
    assert text.splitlines()[3].endswith("colA_0: 1 of 41")
    assert "Could you please add the files that ICAT lacks of this dataset" in mail(text)
    assert "colA_0 (ICAT id 3): 1 of 41 files" in mail(text)


def test_as_many_files_or_more_in_icat_are_no_reason_to_write() -> None:
    text = single((41, 41), (41, 42))
    assert text.splitlines()[0].startswith("= ")
    assert "  Of 82 files counted on disk, ICAT has 82\n" in text
    assert not mail(text)


def test_icat_is_not_asked_for_more_files_than_it_lists() -> None:
    text = single((40_000, 30_000))
    assert text.splitlines()[0].startswith("= ")
    assert "colA_0: 30,000 of 40,000; it lists no more than 30,000 of a dataset" in text
    assert not mail(text)
    assert "29,999 of 40,000\n" in single((40_000, 29_999))
    assert mail(single((40_000, 29_999)))


def test_what_was_not_counted_to_the_end_is_at_least_so_much() -> None:
    text = single((41, 1), complete=False)
    assert "  Of at least 41 files counted on disk, ICAT has 1:" in text
    assert "colA_0 (ICAT id 3): 1 of at least 41 files" in mail(text)


@pytest.mark.parametrize("category", [Category.TODO, Category.HAS_INVALID, Category.UNKNOWN])
def test_a_category_that_says_more_stays(category: Category) -> None:
    assert single((41, 1), category=category).startswith(f"{category.glyph} ")


def test_a_session_with_fewer_files_in_icat_reads_as_it_did() -> None:
    assert matches("check_files.txt", single((41, 1), (3, 3), (40_000, 30_000), (None, 1), (5, None)).encode())


def test_what_could_not_be_checked_has_no_count_of_files_either() -> None:
    text = told(a_session(Category.UNKNOWN, ("1", Status.UNKNOWN)), (5, 0))
    assert "ICAT has" not in text
    assert "The files of 1 dataset could not be compared" in text


@pytest.mark.parametrize("count", [(None, 5), (5, None)])
def test_files_that_could_not_be_counted_are_not_taken_for_none(count: tuple[int | None, int | None]) -> None:
    text = told(a_session(Category.OK, ("1", Status.REGISTERED), ("2", Status.REGISTERED)), count, (1, 1))
    assert "Of 1 file counted on disk, ICAT has 1\n" in text
    assert "The files of 1 dataset could not be compared" in text


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_do_nothing(name: str) -> None:
    session = a_session(
        Category.TODO, (name, Status.REGISTERED), (name, Status.INVALID, name), directory=a_directory(name)
    )
    session = replace(session, reasons=(name,))
    files = {dataset.path: FileCount(2, 1) for dataset in session.datasets}
    assert all(line.text.isprintable() for line in check_text(session, files, FACILITY))


def test_what_was_not_looked_at_is_said() -> None:
    assert "PROCESSED_DATA" in plain(closing_check_text())
