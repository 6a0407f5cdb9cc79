"""`--register` and `--auto-register`: people, brokers and ingesters do what they like (promises.md 3 to 6, 10)."""

import os
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from icat_tui.catalogue.limits import Limits
from icat_tui.domain.errors import SaveError
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.sandbox.fake_icatplus import CatalogueEntry
from icat_tui.sync.session_lock import locked
from tests.support.journal_entries import shards_in
from tests.support.live_facility import LiveFacility, dataset, statuses_of
from tests.support.modification_times import settle
from tests.support.place import KEY, START
from tests.support.ports import free_port
from tests.support.program import PATIENCE, Ran, Registrar, Runner, environment
from tests.support.scripted_broker import Client, Frame, Hangup, accept, scripted
from tests.support.sent_counts import sent_counts
from tests.support.time_slot import FACILITY

NO_CONNECTION = sent_counts()


def sessions(ran: Ran) -> dict[str, dict[str, str]]:
    """Return the statuses of each session that was told, by its path."""
    return {one["path"]: statuses_of(one) for one in ran.records if one["type"] == "session"}


# -- the whole way ---------------------------------------------------------------------------------------------------


def test_what_is_confirmed_is_sent_in_order_and_seen_in_icat(facility: LiveFacility, sync_answered: Registrar) -> None:
    path = facility.session(unregistered=2, not_uploaded=1, without_files=1, invalid=1, registered=1)
    ran = sync_answered("--register", "--json", answers="y\ny\ny\n")
    assert [frame.headers["destination"] for frame in facility.broker.sent] == [
        "/queue/icatIngest", "/queue/icatIngest", "/queue/icatIngest", "/queue/icatDataFiles",
    ]  # fmt: skip
    assert facility.bodies[0] == (path / "RAW_DATA/__icat__/uploaded_0001.xml").read_bytes()
    assert ran.summary["sent"] == sent_counts(seen=4)
    assert (ran.code, ran.summary["counts"]) == (0, {"registered": 5, "invalid": 1})
    for name in ("unregistered", "uploaded", "files"):
        assert facility.told(dataset(path, name)) == ["plan", "intent", "accepted", "seen"]
    assert set(facility.ingester.locations.values()) == {1}
    again = sync_answered("--register", "--json", answers="y\n" * 9)
    assert (again.code, len(facility.broker.sent), again.summary["sent"]) == (0, 4, NO_CONNECTION)


def test_the_target_is_named_before_anything_is_confirmed_and_only_then(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    facility.session(unregistered=1)
    ran = sync_answered("--register", "-q", answers="n\n")
    assert ran.err.index(str(facility.broker.address)) < ran.err.index("upload 1 dataset")
    ran = sync_answered("--auto-register")
    assert str(facility.broker.address) not in ran.err
    assert facility.broker.connections == 0


@pytest.mark.parametrize(
    ("answers", "sent", "code"),
    [
        ("y\nn\ny\n", 2, 0),
        ("\n\n\n", 0, 0),
        ("n\ny\n", 1, 6),
        ("", 0, 6),
        ("y\n", 1, 6),
        ("yes\nNO\n", 1, 6),
        ("a\n", 3, 0),
        ("n\na\n", 2, 0),
        ("q\ny\ny\n", 0, 6),
        ("y\nq\ny\n", 1, 6),
        ("?\nwhat\ny\n", 1, 6),
        ("a\n" * 500, 3, 0),
    ],
)
def test_what_was_answered_is_what_is_sent(
    facility: LiveFacility, sync_answered: Registrar, answers: str, sent: int, code: int
) -> None:
    facility.session(unregistered=1, not_uploaded=1, without_files=1)
    ran = sync_answered("--register", answers=answers)
    assert (len(facility.broker.sent), ran.code) == (sent, code)


def test_all_that_follow_are_those_of_later_sessions_too(facility: LiveFacility, sync_answered: Registrar) -> None:
    for number in range(3):
        facility.session(f"hg{number}/id10/20231019", unregistered=1, without_files=1)
    ran = sync_answered("--register", "--json", answers="n\na\n")
    assert ran.summary["sent"]["seen"] == 5
    assert ran.err.count("upload") == 2


@pytest.mark.parametrize(("typed", "sent"), [("51\n", 51), ("50\n", 0), ("a\n", 0), ("", 0)])
def test_many_are_confirmed_by_their_number(
    facility: LiveFacility, sync_answered: Registrar, typed: str, sent: int
) -> None:
    facility.session("hg1/id10/20231019", without_files=1)
    facility.session("hg2/id10/20231019", without_files=50)
    ran = sync_answered("--register", answers=f"a\n{typed}")
    assert "51 datasets" in ran.err
    assert len(facility.broker.sent) == sent


def test_all_that_follow_are_no_more_than_there_were_when_it_was_said(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    facility.session("hg1/id10/20231019", without_files=1)
    path = facility.session("hg2/id10/20231019", unregistered=1)
    late = path / "RAW_DATA" / "unregistered" / "unregistered_0002"

    def more(client: Client, frame: Frame) -> None:
        if not late.exists():
            late.mkdir()
            (late / "unregistered_0002.h5").write_bytes(
                (late.parent / "unregistered_0001/unregistered_0001.h5").read_bytes()
            )
            settle(path)
        facility.ingester(client, frame)

    facility.broker.script = more
    ran = sync_answered("--register", answers="a\n")
    assert ran.err.count("upload") == 1
    assert len(facility.broker.sent) == 2, "what appeared later was not confirmed"


def test_a_question_mark_shows_datasets_and_a_message(facility: LiveFacility, sync_answered: Registrar) -> None:
    path = facility.session(unregistered=2)
    ran = sync_answered("--register", answers="?\nn\n")
    assert f"{dataset(path, 'unregistered', '0002')} -> icatIngest" in ran.err
    assert "<tns:name>Sample_name</tns:name>" in ran.err
    assert ran.err.count("upload 2 datasets") == 2


def test_json_stays_json_whatever_is_asked(facility: LiveFacility, sync_answered: Registrar) -> None:
    path = facility.session(unregistered=1, without_files=1)
    ran = sync_answered("--register", "--json", answers="?\ny\nq\n")
    assert sessions(ran) == {str(path): {"unregistered_0001": "registered", "files_0001": "registered_without_files"}}
    assert (ran.code, ran.summary["sent"]["seen"]) == (6, 1)


def test_where_nobody_answers_nothing_is_sent_and_scripts_stop(
    facility: LiveFacility, sync_answered: Registrar, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    facility.session(unregistered=1)
    sync_answered()
    monkeypatch.setattr("sys.stdin", None)
    ran = run("sync", "--register")
    assert ran.code == 6
    assert "nobody answered" in ran.err
    assert facility.broker.connections == 0


@pytest.mark.parametrize("answers", ["a\n", "a\nq\n"])
def test_where_nobody_types_how_many_or_types_q_scripts_stop(
    answers: str, facility: LiveFacility, sync_answered: Registrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("icat_tui.cli.register_run.MANY", 1)
    facility.session(unregistered=2)
    ran = sync_answered("--register", "-q", answers=answers)
    assert ran.code == 6
    assert ("nobody answered" in ran.err) == (answers == "a\n")
    assert facility.broker.connections == 0


@pytest.mark.parametrize("answers", ["", "q\n"])
def test_where_nobody_chooses_an_investigation_scripts_stop(
    answers: str, facility: LiveFacility, far_session: Path, sync_answered: Registrar
) -> None:
    ran = sync_answered("--register", "-q", str(far_session), answers=answers)
    assert ran.code == 6
    assert ("nobody answered" in ran.err) == (not answers)
    assert facility.broker.connections == 0


def test_q_comes_before_what_is_unknown_and_stops_the_script(
    facility: LiveFacility, sync_answered: Registrar, tmp_path: Path
) -> None:
    for name in ("hg1/id10/20231019", "hg2/id10/20231019"):
        facility.session(name, unregistered=1, without_files=1)
        number = facility.place.investigations  # one row of ICAT leaves open what is not listed
        facility.place.icatplus.state.add_dataset(number, CatalogueEntry("9", "no path", START, START, "sA", 1))
    assert sync_answered("--save-dir", str(tmp_path / "o"), "-q").code == 3
    for answers in ("q\n", ""):
        ran = sync_answered("--register", "-q", answers=answers)
        assert (ran.code, "could not be determined" in ran.err) == (6, True)
        script = tmp_path / "o" / "esrfv3" / "todo.sh"
        env = environment(**facility.settings())
        done = subprocess.run(
            [script, "--register", "-q"],
            env=env,
            input=answers,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 6
        assert "hg2" not in done.stderr


def test_q_comes_before_a_journal_that_breaks_after_it(
    facility: LiveFacility, sync_answered: Registrar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SaveError("the journal is full")

    facility.session(unregistered=1, without_files=1)
    monkeypatch.setattr("icat_tui.sync.submit.Submission.plan", full)
    ran = sync_answered("--register", "-q", answers="y\nq\n")
    assert (ran.code, "the journal is full" in ran.err) == (6, True)


# -- sessions that are not over, investigations that do not fit ------------------------------------------------------


def test_a_session_that_is_not_over_is_left_out_unless_it_is_selected(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    path = facility.session(without_files=1)
    slot = facility.place.icatplus.state._investigations[1]
    slot["endDate"] = None
    ran = sync_answered("--register", answers="a\n")
    assert "left out" in ran.err
    assert facility.broker.connections == 0
    ran = sync_answered("--register", str(path), answers="y\n")
    assert len(facility.broker.sent) == 1
    assert "the session is not over" in ran.err


@pytest.mark.parametrize(("answers", "sent"), [("\ny\n", 1), ("7\ny\n", 1), ("1\ny\ny\n", 2), ("1\na\n", 2), ("", 0)])
def test_a_person_types_the_investigation_of_a_session_far_from_it(
    facility: LiveFacility, sync_answered: Registrar, far_session: Path, answers: str, sent: int
) -> None:
    ran = sync_answered("--register", answers=answers)
    assert "1: 2023-06-01 08:00+02:00 to 2023-06-04 08:00+02:00, 137 days, 0:00:00 away" in ran.err
    assert "https://data.esrf.fr/investigation/1/datasets" in ran.err
    assert len(facility.broker.sent) == sent
    assert ("choose one with --investigation" in ran.err) == (bool(answers) and not answers.startswith("1"))


def test_an_investigation_that_was_given_is_not_asked_for(
    facility: LiveFacility, sync_answered: Registrar, far_session: Path
) -> None:
    ran = sync_answered("--register", "--investigation", "1", str(far_session), answers="a\n")
    assert "Type the id" not in ran.err
    assert (ran.code, len(facility.broker.sent)) == (0, 2)
    assert b"<tns:name>investigationId</tns:name><tns:value>1</tns:value>" in facility.bodies[0]


# -- unsupervised ----------------------------------------------------------------------------------------------------


def test_unsupervised_only_files_are_asked_for(
    facility: LiveFacility, sync_answered: Registrar, far_session: Path
) -> None:
    facility.session("hg1/id10/20231019", unregistered=1, not_uploaded=1, without_files=2, invalid=1)
    ran = sync_answered("--auto-register", "--register", "--json")
    assert {frame.headers["destination"] for frame in facility.broker.sent} == {"/queue/icatDataFiles"}
    assert ran.summary["sent"] == sent_counts(seen=3)
    assert ran.summary["counts"] == {"registered": 3, "unregistered": 2, "not_uploaded": 1, "invalid": 1}
    assert str(facility.broker.address) in ran.err


@pytest.mark.parametrize("how", ["--register", "--auto-register"])
@pytest.mark.parametrize(("words", "settings"), [(["--read-only"], {}), ([], {"read_only": "true"})])
def test_read_only_opens_no_connection(
    facility: LiveFacility, sync_answered: Registrar, how: str, words: list[str], settings: dict[str, str]
) -> None:
    facility.session(unregistered=1, without_files=1)
    ran = sync_answered(how, *words, answers="a\n", **settings)
    assert (ran.code, facility.broker.connections) == (2, 0)
    assert "nothing c" in ran.err
    assert not shards_in(facility.journal)


def test_without_a_broker_nothing_is_asked(facility: LiveFacility, sync_answered: Registrar) -> None:
    facility.session(unregistered=1)
    ran = sync_answered("--register", answers="a\n", queue="")
    assert ran.code == 2
    assert "--queue" in ran.err
    assert "upload" not in ran.err


# -- what the broker does --------------------------------------------------------------------------------------------


def silent(client: Client, frame: Frame) -> None:
    """Take a message and say nothing."""


def hangup(client: Client, frame: Frame) -> None:
    raise Hangup


def test_no_broker_is_exit_4_and_everything_is_as_before(facility: LiveFacility, sync_answered: Registrar) -> None:
    path = facility.session(unregistered=1)
    ran = sync_answered("--register", "--json", answers="a\n", queue=f"127.0.0.1:{free_port()}")
    assert ran.code == 4
    assert sessions(ran)[str(path)] == {"unregistered_0001": "unregistered"}
    assert facility.told(dataset(path, "unregistered")) == ["plan"]
    assert "0 sent, 1 not sent, 0 unknown" in ran.err


@pytest.mark.usefixtures("impatient_with_brokers")
def test_once_something_was_sent_a_broker_that_goes_is_exit_3(facility: LiveFacility, sync_answered: Registrar) -> None:
    for number in range(3):
        facility.session(f"hg{number}/id10/20231019", unregistered=1)

    def last(client: Client, frame: Frame) -> None:
        facility.ingester(client, frame)
        facility.broker.on_connect = hangup

    facility.broker.script = last
    ran = sync_answered("--register", "--json", answers="a\n")
    assert (ran.code, ran.summary["sent"]["seen"]) == (3, 1)
    assert "1 sent, 2 not sent, 0 unknown" in ran.err
    assert ran.err.count("No broker took the connection") == 1


@pytest.mark.usefixtures("impatient_with_brokers")
@pytest.mark.parametrize("script", [silent, hangup])
def test_without_a_receipt_it_is_pending_and_not_sent_again(
    facility: LiveFacility, sync_answered: Registrar, script: Callable[[Client, Frame], None]
) -> None:
    path = facility.session(not_uploaded=1)
    facility.broker.script = script
    ran = sync_answered("--register", "--json", answers="a\n")
    assert (ran.code, ran.summary["sent"]) == (3, sent_counts(unknown=1))
    assert facility.told(dataset(path, "uploaded")) == ["plan", "intent", "unknown"]
    assert sessions(ran)[str(path)] == {"uploaded_0001": "pending"}
    assert any("nobody knows" in error for error in ran.errors)
    facility.broker.script, sent = facility.ingester, len(facility.broker.sent)
    again = sync_answered("--register", "--json", answers="a\n")
    assert again.summary["counts"] == {"pending": 1}
    (told,) = [one for one in again.records if one["type"] == "session"]
    assert told["category"] == "ok"
    assert all("no receipt" in reason for one in told["datasets"] for reason in one["reasons"])
    assert len(facility.broker.sent) == sent


@pytest.mark.usefixtures("impatient_with_brokers")
def test_what_the_broker_took_without_a_receipt_counts_as_confirmed_once_icat_has_it(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    path = facility.session(unregistered=1)
    facility.broker.script = lambda client, frame: facility.ingester.take(frame)
    ran = sync_answered("--register", "--json", answers="a\n")
    assert ran.summary["sent"] == sent_counts(seen=1)
    assert facility.told(dataset(path, "unregistered")) == ["plan", "intent", "unknown", "seen"]
    assert (ran.code, ran.errors) == (0, [])


@pytest.mark.usefixtures("impatient_with_brokers")
def test_a_receipt_that_comes_late_makes_it_accepted_and_counts_once(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    path = facility.session(unregistered=1)
    late: list[Frame] = []
    facility.ingester.drops = True
    facility.broker.script = lambda client, frame: late.append(frame)

    def at_the_end(client: Client, frame: Frame) -> None:
        for each in late:
            client.receipt(each)
        client.receipt(frame)

    facility.broker.on_disconnect = at_the_end
    ran = sync_answered("--register", "--json", answers="a\n")
    assert facility.told(dataset(path, "unregistered")) == ["plan", "intent", "unknown", "accepted"]
    assert (ran.code, ran.summary["sent"], ran.errors) == (0, sent_counts(pending=1), [])


def test_what_the_broker_rejects_is_as_before_with_its_words(facility: LiveFacility, sync_answered: Registrar) -> None:
    path = facility.session("hg1/id10/20231019", unregistered=1)
    facility.session("hg2/id10/20231019", without_files=1)
    facility.broker.script = lambda client, frame: client.error("queue is [closed]", frame)
    ran = sync_answered("--register", "--json", answers="a\n")
    assert (ran.code, ran.summary["sent"]) == (3, sent_counts(rejected=2))
    assert ran.summary["counts"] == {"unregistered": 1, "registered_without_files": 1}
    for told in ran.records:
        if told["type"] == "session":
            assert "queue is [closed]" in told["datasets"][0]["reasons"][0]
    facility.broker.script = facility.ingester
    again = sync_answered("--register", "--json", answers="y\ny\n")
    assert (again.code, again.summary["sent"]["seen"]) == (0, 2)
    assert facility.told(dataset(path, "unregistered"))[:3] == ["plan", "intent", "rejected"]


# -- what others do --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("locked_ones", "code", "confirmed"), [((0, 1), 5, 0), ((0,), 3, 1)])
def test_a_session_that_somebody_else_registers_is_left_to_them(
    facility: LiveFacility, sync_answered: Registrar, locked_ones: tuple[int, ...], code: int, confirmed: int
) -> None:
    paths = [facility.session(f"hg{number}/id10/20231019", unregistered=1, without_files=1) for number in range(2)]
    with ExitStack() as locks:
        for number in locked_ones:
            directory = SessionDirectory(str(paths[number]), f"hg{number}", "id10", "20231019", RawFormat.ESRFV3)
            locks.enter_context(locked(facility.state_dir, directory.path, FACILITY))
        ran = sync_answered("--register", "--json", answers="a\n")
    assert (ran.code, ran.summary["sent"]["seen"]) == (code, 2 * confirmed)
    assert ran.summary["sent"]["skipped"] == 2 * len(locked_ones)
    for number in locked_ones:
        (said,) = [error for error in ran.errors if str(paths[number]) in error]
        assert f"(process {os.getpid()})" in said
    assert sync_answered("--register", "--json", answers="a\n").code == 0
    assert set(facility.ingester.locations.values()) == {1}
    assert len(facility.broker.sent) == 4


# -- what the ingester does ------------------------------------------------------------------------------------------


def test_what_the_ingester_drops_is_pending_then_asks_for_a_confirmation_of_its_own(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    path = facility.session(unregistered=1, without_files=1)
    facility.ingester.drops = True
    ran = sync_answered("--register", "--json", answers="a\n")
    assert (ran.code, ran.summary["sent"]) == (0, sent_counts(pending=2))
    assert ran.summary["counts"] == {"pending": 2}
    facility.ingester.drops = False
    assert sync_answered("--register", "--auto-register", "--json").summary["sent"] == NO_CONNECTION
    auto = sync_answered("--auto-register", "--json", pending_timeout="0s")
    assert auto.summary["counts"] == {"unregistered": 1, "registered_without_files": 1}
    assert auto.summary["sent"] == NO_CONNECTION
    (told,) = [one for one in auto.records if one["type"] == "session"]
    assert all(", not in ICAT" in one["reasons"][0] and "sent " in one["reasons"][0] for one in told["datasets"])
    assert len(facility.broker.sent) == 2
    no = sync_answered("--register", answers="a\n", pending_timeout="0s")
    assert no.err.count("that were sent before and are not in ICAT") == 2  # "all" does not mean these
    assert len(facility.broker.sent) == 3
    yes = sync_answered("--register", "--json", answers="y\ny\n", pending_timeout="0s")
    assert yes.summary["counts"] == {"registered": 2}
    assert facility.told(dataset(path, "files"))[-1] == "seen"
    assert set(facility.ingester.locations.values()) == {1}


def test_an_ingester_that_takes_long_is_waited_for_and_then_it_is_pending(
    facility: LiveFacility, sync_answered: Registrar
) -> None:
    path = facility.session(unregistered=2)
    facility.ingester.waits = True
    ran = sync_answered("--register", "--json", answers="a\n", verify_wait="0.1s")
    assert (ran.code, ran.summary["sent"]) == (0, sent_counts(pending=2))
    text = sync_answered("--register", answers="a\n").out
    assert "pending" in text.lower()
    facility.ingester.catch_up()
    assert sessions(sync_answered("--json"))[str(path)] == {
        "unregistered_0001": "registered",
        "unregistered_0002": "registered",
    }
    assert len(facility.broker.sent) == 2


def test_it_is_found_wherever_the_ingester_files_it(facility: LiveFacility, sync_answered: Registrar) -> None:
    path = facility.session(unregistered=1)
    start = facility.place.icatplus.state
    start._investigations[2] = start._investigations[1] | {
        "id": 2, "startDate": "2023-11-19T08:00:00.000+01:00", "endDate": "2023-11-22T08:00:00.000+01:00",
    }  # fmt: skip
    start._datasets[2] = []
    facility.ingester.elsewhere = 2
    ran = sync_answered("--register", "--json", answers="a\n")
    assert ran.summary["sent"]["seen"] == 1
    (told,) = [one for one in ran.records if one["type"] == "session"]
    assert told["datasets"][0]["reasons"] == ["in investigation 2, not 1"]
    assert facility.told(dataset(path, "unregistered"))[-1] == "seen"


def test_files_that_are_counted_later_are_pending_until_then(facility: LiveFacility, sync_answered: Registrar) -> None:
    path = facility.session(without_files=1, unregistered=1)
    facility.ingester.counts_later = True
    ran = sync_answered("--register", "--json", answers="a\n")
    assert sessions(ran)[str(path)] == {"files_0001": "pending", "unregistered_0001": "registered"}
    assert ran.summary["sent"] == sent_counts(seen=1, pending=1)
    assert sync_answered("--auto-register", "--json").summary["sent"] == NO_CONNECTION
    facility.ingester.count(1)
    assert sync_answered("--json").summary["counts"] == {"registered": 2}


@pytest.mark.parametrize("fault", [(500, "no"), (200, "<html>")])
def test_when_icat_goes_after_sending_nothing_is_lost(
    facility: LiveFacility, sync_answered: Registrar, fault: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(connect=5.0, read=0.5, answer=5.0, retries=1, backoff=0.001)
    monkeypatch.setattr("icat_tui.services.DEFAULT_LIMITS", limits)
    path = facility.session(unregistered=2)

    def going(client: Client, frame: Frame) -> None:
        facility.ingester(client, frame)
        facility.place.icatplus.fault = lambda _: fault

    facility.broker.script = going
    ran = sync_answered("--register", "--json", answers="a\n")
    assert (ran.code, ran.summary["sent"]["accepted"]) in ((3, 2), (4, 2))
    assert sessions(ran)[str(path)] == {"unregistered_0001": "unknown", "unregistered_0002": "unknown"}
    facility.place.icatplus.fault = lambda _: None
    assert sync_answered("--json").summary["counts"] == {"registered": 2}
    assert len(facility.broker.sent) == 2


# -- what people find afterwards -------------------------------------------------------------------------------------


def test_sessions_that_were_sent_for_stay_in_the_overview_and_their_cache_file_goes_first(
    facility: LiveFacility, sync_answered: Registrar, tmp_path: Path
) -> None:
    path = facility.session(unregistered=1)
    words = ["--cache-dir", str(tmp_path / "cache"), "--save-dir", str(tmp_path / "overview")]
    sync_answered(*words)
    (cached,) = (tmp_path / "cache").rglob("*.json")
    there: list[bool] = []
    facility.ingester.drops = True

    def looking(client: Client, frame: Frame) -> None:
        there.append(cached.exists())
        facility.ingester(client, frame)

    facility.broker.script = looking
    sync_answered("--register", *words, answers="y\n")
    assert there == [False]
    overview = tmp_path / "overview" / "esrfv3"
    assert str(path) in (overview / "ok.csv").read_text()
    assert str(path) not in (overview / "todo.csv").read_text()
    assert "pending" in (overview / "datasets.csv").read_text()
    assert cached.exists()
    facility.ingester.place.icatplus.state._datasets[1].clear()
    assert sync_answered("--json", *words).summary["counts"] == {"pending": 1}


def test_the_key_is_nowhere(facility: LiveFacility, sync_answered: Registrar, tmp_path: Path) -> None:
    facility.session(unregistered=2, without_files=1)
    facility.broker.script = scripted(
        facility.ingester, hangup, lambda client, frame: client.error("no", frame), accept
    )
    log = tmp_path / "log"
    ran = sync_answered("--register", "-vv", "--log-file", str(log), answers="?\na\n")
    facility.place.icatplus.fault = lambda _: (403, "")
    failed = sync_answered("--register", "--json", "-vv", "--log-file", str(log), answers="a\n")
    said = [
        ran.out,
        ran.err,
        failed.out,
        failed.err,
        log.read_text(),
        "".join(path.read_text() for path in shards_in(facility.journal)),
    ]
    said += [path.read_text() for path in (facility.state_dir / "locks").iterdir()]
    assert all(text is not None and KEY not in text for text in said)
    assert facility.broker.sent
