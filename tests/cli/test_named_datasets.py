"""`--register --dataset PATH`: these datasets are sent and no others, however they are spelled (promises.md 3)."""

import os
from pathlib import Path

import pytest

from icat_tui.cli.main import sync_raw
from tests.support.bliss import write_bliss
from tests.support.live_facility import LiveFacility, dataset
from tests.support.modification_times import settle
from tests.support.names import HOSTILE_NAMES
from tests.support.program import Ran, Registrar, Runner
from tests.support.stdin import stdin_of

YES = "y\n" * 9


def named(*paths: object) -> list[str]:
    """Return the words that name datasets."""
    return [f"--dataset={path}" for path in paths]


def planned(facility: LiveFacility) -> set[str]:
    """Return the datasets about which anything was confirmed."""
    return {record.dataset for record in facility.records}


def in_icat(facility: LiveFacility, ran: Ran, *paths: str) -> None:
    """Check that these datasets were sent, each once, and nothing else."""
    assert (planned(facility), len(facility.broker.sent)) == (set(paths), len(paths))
    assert ran.summary["sent"]["seen"] == len(paths)


# -- which are sent --------------------------------------------------------------------------------------------------


def test_the_datasets_that_are_named_are_sent_and_no_others(facility: LiveFacility, sync_answered: Registrar) -> None:
    first = facility.session(unregistered=3, not_uploaded=2, without_files=2)
    second = facility.session("hg4/id10/20231019", unregistered=2)
    facility.session("hg5/id10/20231019", unregistered=1)
    wanted = [
        dataset(first, "unregistered", "0002"),
        dataset(first, "uploaded"),
        dataset(first, "files", "0002"),
        dataset(second, "unregistered"),
    ]
    ran = sync_answered("--register", "--json", *named(*wanted), answers=YES)
    assert ran.code == 0
    in_icat(facility, ran, *wanted)
    assert set(ran.sessions) == {str(first), str(second)}
    assert "upload 1 dataset" in ran.err
    assert "upload 2" not in ran.err


def test_icat_sync_raw_takes_it_too(facility: LiveFacility, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    path = facility.session(unregistered=2)
    for key, value in facility.settings().items():
        monkeypatch.setenv(f"ICAT_TUI_{key.upper()}", value)
    with stdin_of(monkeypatch) as typed:
        typed.close()
        ran = run("--register", *named(dataset(path, "unregistered")), program=sync_raw)
    assert (ran.code, facility.broker.sent) == (6, [])  # nobody answers, but it asks
    assert "upload 1 dataset" in ran.err


def test_nothing_is_sent_where_it_is_not_confirmed(facility: LiveFacility, sync_answered: Registrar) -> None:
    path = facility.session(unregistered=2)
    ran = sync_answered("--register", *named(dataset(path, "unregistered")), answers="n\n")
    assert (ran.code, facility.broker.sent) == (0, [])


def test_one_dataset_may_be_spelled_in_many_ways(
    facility: LiveFacility, sync_answered: Registrar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = facility.session(unregistered=2)
    wanted = Path(dataset(path, "unregistered"))
    (tmp_path / "elsewhere").symlink_to(wanted)
    (tmp_path / "root").symlink_to(facility.place.root)
    (path.parent / "latest").symlink_to(path)
    monkeypatch.chdir(wanted.parent)
    spelled = [
        f"{wanted}/",
        wanted.name,
        f"./{wanted.name}//",
        f"../unregistered/{wanted.name}",
        tmp_path / "elsewhere",
        tmp_path / "root" / wanted.relative_to(facility.place.root),
        path.parent / "latest" / wanted.relative_to(path),
    ]
    for each in spelled:
        ran = sync_answered("--register", "--json", *named(each), answers="n\n")
        assert (each, "upload 1 dataset" in ran.err, ran.code) == (each, True, 0)
    in_icat(facility, sync_answered("--register", "--json", *named(*spelled), answers=YES), str(wanted))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*HOSTILE_NAMES, "\udcffbytes", "ends in space "])
def test_names_that_do_harm_are_found(facility: LiveFacility, sync_answered: Registrar, name: str) -> None:
    path = facility.session(unregistered=1)
    hostile = path / "RAW_DATA" / name / f"{name}_0001"
    try:
        write_bliss(hostile / f"{hostile.name}.h5")
    except OSError:
        pytest.skip("the file system does not take it")
    settle(path)
    ran = sync_answered("--register", "--json", *named(hostile), answers="n\n")
    assert planned(facility) == set()
    assert "is no dataset" not in ran.err
    assert "upload 1 dataset" in ran.err or "is not sent: it is" in ran.err


def test_a_dataset_that_the_cache_does_not_know_is_looked_for_on_disk(
    facility: LiveFacility, sync_answered: Registrar, tmp_path: Path
) -> None:
    path = facility.session(registered=1)
    cache = f"--cache-dir={tmp_path / 'cache'}"
    sync_answered(cache)
    late = path / "RAW_DATA" / "registered" / "registered_0002"
    write_bliss(late / f"{late.name}.h5")
    settle(path)
    in_icat(facility, sync_answered("--register", "--json", cache, *named(late), answers=YES), str(late))


def test_what_is_in_a_session_that_is_not_over_is_sent_as_it_was_named(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    path = facility.session(unregistered=1)
    slot = facility.place.icatplus.state._investigations[1]
    slot["endDate"] = "2099-01-01T08:00:00.000+02:00"
    wanted = dataset(path, "unregistered")
    ran = sync_answered("--register", "--json", *named(wanted), answers=YES)
    assert "sessions that are not over" not in ran.err
    assert facility.broker.sent or "is not sent: it is in progress" in ran.err


# -- what is not sent ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("collection", "code"), [("registered", 0), ("invalid", 3)])
def test_what_can_not_be_sent_is_said_and_the_others_are_sent(
    facility: LiveFacility, sync_answered: Registrar, collection: str, code: int
) -> None:
    path = facility.session(unregistered=1, invalid=1, registered=1)
    other = facility.session("hg4/id10/20231019", invalid=1, registered=1)
    left = [dataset(path, collection), dataset(other, collection)]
    wanted = dataset(path, "unregistered")
    ran = sync_answered("--register", "--json", *named(wanted, *left), answers=YES)
    in_icat(facility, ran, wanted)
    assert ran.code == code
    for each in left:
        assert ran.err.count(f"{each} is not sent: it is {collection}") == 1


def test_what_is_pending_is_not_sent_again(facility: LiveFacility, sync_answered: Registrar) -> None:
    wanted = dataset(facility.session(unregistered=1), "unregistered")
    facility.ingester.waits = True
    assert sync_answered("--register", *named(wanted), answers=YES).code == 0
    again = sync_answered("--register", *named(wanted), answers=YES)
    assert (again.code, len(facility.broker.sent)) == (0, 1)
    assert f"{wanted} is not sent: it is pending: " in again.err


def test_an_investigation_that_is_far_has_to_be_chosen(
    facility: LiveFacility, far_session: Path, sync_answered: Registrar
) -> None:
    wanted = dataset(far_session, "unregistered")
    ran = sync_answered("--register", *named(wanted), answers="\n" + YES)
    assert (ran.code, facility.broker.sent) == (3, [])
    assert f"{wanted} is not sent: its investigation is far" in ran.err
    assert sync_answered("--register", "--investigation=1", *named(wanted), answers=YES).code == 0
    assert planned(facility) == {wanted}


def test_files_are_added_without_a_choice_of_the_investigation(
    facility: LiveFacility, far_session: Path, sync_answered: Registrar
) -> None:
    wanted = dataset(far_session, "files")
    ran = sync_answered("--register", "--json", *named(wanted), answers=YES)
    in_icat(facility, ran, wanted)
    assert "Type the id" not in ran.err


def test_a_session_that_can_not_be_determined_is_no_mistake_of_who_names_it(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    wanted = dataset(facility.session(unregistered=1), "unregistered")
    lost = facility.session("hg4/id10/20231019", unregistered=1)
    known = facility.session("hg6/id10/20231019", unregistered=1)
    facility.place.icatplus.state._investigations.pop(2)
    ran = sync_answered(
        "--register", *named(wanted, dataset(lost, "unregistered"), dataset(known, "unregistered")), answers=YES
    )
    assert (ran.code, planned(facility)) == (3, {wanted, dataset(known, "unregistered")})
    assert f"{dataset(lost, 'unregistered')} is not sent: ICAT has no investigation for its session" in ran.err


# -- what is a mistake -----------------------------------------------------------------------------------------------


def test_where_one_name_is_no_dataset_nothing_is_sent_at_all(facility: LiveFacility, sync_answered: Registrar) -> None:
    path = facility.session(unregistered=1)
    good = dataset(path, "unregistered")
    (path / "gallery").mkdir()
    for wrong, says in {
        f"{good}_gone": "is not there",
        f"{good}/unregistered_0001.h5": f"is no dataset, but lies in one: name {good}",
        os.path.dirname(good): "is no dataset",
        f"{path}/RAW_DATA": "is no dataset",
        f"{path}/gallery": "is no dataset",
        str(path): "is no dataset",
        str(path.parent): "is no dataset",
        str(facility.place.root): "is no dataset",
        "/": "below no data root",
    }.items():
        ran = sync_answered("--register", *named(good, wrong), answers=YES)
        assert (wrong, ran.code, facility.broker.connections) == (wrong, 2, 0)
        assert says in ran.err, ran.err
    assert facility.records == []


def test_a_name_that_may_mean_two_datasets_is_a_mistake(
    facility: LiveFacility, sync_answered: Registrar, tmp_path: Path
) -> None:
    path = facility.session(unregistered=1)
    good = Path(dataset(path, "unregistered"))
    (good.parent / "unregistered_0002").symlink_to(good)
    (tmp_path / "link").symlink_to(good)
    ran = sync_answered("--register", *named(tmp_path / "link"), answers=YES)
    assert (ran.code, facility.broker.sent) == (2, [])
    assert f"it may be {good} or {good.parent}/unregistered_0002: say which" in ran.err


def test_a_selection_has_to_hold_the_datasets(facility: LiveFacility, sync_answered: Registrar) -> None:
    first, second = facility.session(unregistered=2), facility.session("hg4/id10/20231019", unregistered=1)
    wanted = dataset(first, "unregistered")
    for selection in (["--proposal=hg4"], ["--session=20220101"], ["--until=2022-01-01"], [str(second)]):
        ran = sync_answered("--register", *selection, *named(wanted), answers=YES)
        assert (selection, ran.code, facility.broker.sent) == (selection, 2, [])
        assert "is in no session that is selected" in ran.err
    for selection in (["--proposal=HG333"], [str(first / "RAW_DATA")], [str(second), str(first)]):
        ran = sync_answered("--register", "--json", *selection, *named(wanted), answers="n\n")
        assert (ran.code, set(ran.sessions)) == (0, {str(first)})


def test_datasets_of_several_sessions_have_no_investigation_in_common(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    sessions = facility.session(unregistered=1), facility.session("hg4/id10/20231019", unregistered=1)
    ran = sync_answered(
        "--register", "--investigation=1", *named(*(dataset(each, "unregistered") for each in sessions))
    )
    assert (ran.code, "2 are selected" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "add --register"),
        (["--auto-register"], "--dataset with --auto-register"),
        (["--register", "--auto-register"], "--dataset with --auto-register"),
    ],
)
def test_what_is_named_is_sent_after_a_question_or_not_at_all(
    facility: LiveFacility, sync_answered: Registrar, words: list[str], says: str
) -> None:
    path = facility.session(without_files=1)
    ran = sync_answered(*words, *named(dataset(path, "files")), answers=YES)
    assert (ran.code, facility.broker.connections) == (2, 0)
    assert says in ran.err


def test_a_dataset_that_is_gone_when_it_is_asked_about_is_said(
    facility: LiveFacility, sync_answered: Registrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = facility.session("hg1/id10/20231019", unregistered=1), facility.session(unregistered=2)
    wanted = [dataset(first, "unregistered"), *(dataset(second, "unregistered", name) for name in ("0001", "0002"))]
    take, gone = facility.ingester.take, Path(wanted[2])

    def remove(frame: object) -> None:
        (gone / f"{gone.name}.h5").unlink()
        gone.rmdir()
        take(frame)  # type: ignore[arg-type]

    monkeypatch.setattr(facility.ingester, "take", remove)
    ran = sync_answered("--register", *named(*wanted), answers="y\nn\n")
    assert (ran.code, planned(facility)) == (3, {wanted[0]})
    assert f"{gone} is not sent: it is no longer on disk" in ran.err
