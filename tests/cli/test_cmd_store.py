"""`store-raw`, `store-from-file`, `add-files`: the manual's examples work, and every outcome is reported.

As interface.md, "Commands" says.
"""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from icat_tui.cli import main
from icat_tui.domain.errors import ExitCode
from icat_tui.journal.sendings import MessageState
from tests.support.activemq import ActiveMQ
from tests.support.beamtime import INVESTIGATION, Beamtime, parameters
from tests.support.journal_entries import shards_in, spoil
from tests.support.program import Ran, Runner
from tests.support.scripted_broker import Client, Frame, reject
from tests.support.sent_counts import sent_counts


def of_store_raw(path: Path, *more: str) -> list[str]:
    return [
        *("store-raw", "--beamline", "id99", "--proposal", "hg333", "--path", str(path)),
        *("--dataset", "0001", "--sample", "mysample", *more),
    ]


def records(ran: Ran) -> list[dict[str, object]]:
    return [json.loads(line) for line in ran.out.splitlines()]


# -- the manual ------------------------------------------------------------------------------------------------------


def test_the_line_of_the_manual_for_one_directory(
    beamtime: Beamtime, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = beamtime.dataset("dataset1", "collection")
    for name in ("QUEUE", "ICATPLUS", "API_KEY"):
        monkeypatch.delenv(f"ICAT_TUI_{name}")
    line = (
        f"--beamline id99 --proposal hg333 --path {path} --dataset dataset1 --sample mysample "
        f"-p FIELD1=value1 -p FIELD2=value2 --queue {beamtime.broker.address}"
    )
    ran = run(*line.split(), program=main.store_raw)
    assert ran.code == ExitCode.DONE
    assert "nobody could be asked" in ran.err
    sent = parameters(beamtime.bodies[0])
    assert sent["location"] == "/data/visitor/hg333/id99/20231019/RAW_DATA/collection/collection_dataset1"
    assert (sent["Sample_name"], sent["FIELD1"], sent["FIELD2"]) == ("mysample", "value1", "value2")
    assert sent["startDate"] == "2023-10-20T01:00:00.123456+02:00"
    assert ran.out.startswith(f"accepted: {path}\n")


@pytest.mark.parametrize("expanded", [False, True], ids=["by us", "by the shell"])
def test_the_line_of_the_manual_for_what_bliss_left(beamtime: Beamtime, run: Runner, *, expanded: bool) -> None:
    files = [beamtime.stored(f"{number:04d}", age=number) for number in (2, 3, 1)]
    words = [str(file) for file in sorted(files)] if expanded else [f"{beamtime.raw}/__icat__/*.xml"]
    ran = run(*words, program=main.store_from_file)
    assert ran.code == ExitCode.DONE
    oldest_first = [files[1], files[0], files[2]]
    assert beamtime.bodies == [file.read_bytes() for file in oldest_first]


def test_processed_data_and_files_go_by_the_names_that_scripts_have(beamtime: Beamtime, run: Runner) -> None:
    raw, path = beamtime.dataset(), beamtime.session / "PROCESSED_DATA" / "result"
    path.mkdir(parents=True)
    words = [*of_store_raw(path)[1:], "-p", "startDate=2023-10-20T01:00:00+02:00"]
    assert "--raw" in run(*words, program=main.store_processed).err
    ended = ["-p", "endDate=2023-10-20T02:00:00+02:00"]
    ran = run(*words, *ended, "--raw", str(raw), "--raw", f"{raw}/", program=main.store_processed)
    assert (ran.code, run("12", "13", program=main.add_files).code) == (ExitCode.DONE, ExitCode.DONE)
    sent = parameters(beamtime.bodies[0])
    assert sent["location"] == beamtime.location(path)
    assert sent["input_datasets"] == ",".join([beamtime.location(raw)] * 2)
    assert beamtime.bodies[1:] == [b'{"datasetId": 12}', b'{"datasetId": 13}']


# -- before it sends -------------------------------------------------------------------------------------------------


def test_what_is_wrong_with_the_call_is_said_though_the_journal_can_not_be_read(
    beamtime: Beamtime, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(beamtime.journal)
    forbidden = run(*of_store_raw(beamtime.dataset(), "--read-only"))
    assert forbidden.code == ExitCode.USAGE
    assert "read_only" in forbidden.err
    absent = run("store-from-file", "no-such-file", "--json")
    assert "there is no such file" in str(records(absent)[0])
    monkeypatch.delenv("ICAT_TUI_QUEUE")
    assert "--queue" in run("add-files", "1").err


def test_where_messages_go_is_said_and_who_said_so(beamtime: Beamtime, run: Runner) -> None:
    said = run(*of_store_raw(beamtime.dataset(), "--queue", str(beamtime.broker.address))).err
    assert f"sending 1 message to {beamtime.broker.address} (from --queue)" in said


def test_without_a_broker_nothing_is_done(beamtime: Beamtime, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ICAT_TUI_QUEUE")
    for words in (of_store_raw(beamtime.dataset()), ["store-from-file", str(beamtime.stored())], ["add-files", "12"]):
        ran = run(*words)
        assert ran.code == ExitCode.USAGE
        assert "--queue HOST:PORT" in ran.err
        assert ran.out == ""
    assert not shards_in(beamtime.journal)


def test_read_only_opens_no_connection(beamtime: Beamtime, run: Runner) -> None:
    for words in (of_store_raw(beamtime.dataset()), ["store-from-file", str(beamtime.stored())], ["add-files", "12"]):
        ran = run(*words, "--read-only", "--force")
        assert ran.code == ExitCode.USAGE
        assert "--read-only" in ran.err
    assert beamtime.broker.connections == 0
    assert not shards_in(beamtime.journal)


def test_what_icat_has_is_skipped_and_said(beamtime: Beamtime, run: Runner) -> None:
    path = beamtime.dataset()
    known = beamtime.register(path)
    ran = run(*of_store_raw(path))
    assert (ran.code, beamtime.broker.connections) == (ExitCode.DONE, 0)
    assert ran.out == f"skipped: {path} (ICAT has it already (id {known}, in investigation {INVESTIGATION}))\n"
    assert run(*of_store_raw(path, "--force")).code == ExitCode.DONE
    assert len(beamtime.bodies) == 1


def test_where_icat_does_not_answer_nothing_is_sent(
    beamtime: Beamtime, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICAT_TUI_API_KEY", "another")
    ran = run(*of_store_raw(beamtime.dataset()))
    assert ran.code == ExitCode.NOTHING
    assert "--force" in ran.err
    assert not beamtime.broker.frames


# -- what can be given -----------------------------------------------------------------------------------------------


def test_parameters_of_a_file_give_way_to_those_of_the_line(beamtime: Beamtime, run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "parameters"
    file.write_text("InstrumentMonochromator_energy = 12.5\nScan_Name=[1, 2]\ntitle=of the file\n")
    run(*of_store_raw(beamtime.dataset(), "--metadatafile", str(file), "-p", "title=of the line", "-p", "flag=true"))
    sent = parameters(beamtime.bodies[0])
    assert sent["title"] == "of the line"
    assert sent["InstrumentMonochromator_energy"] == "12.5"
    assert sent["flag"] == "true"
    assert "Scan_Name" in sent, "names keep their case"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-p", "FIELD1"], "give NAME=VALUE"),
        (["-p", "=x"], "give NAME=VALUE"),
        (["-p", "startDate=yesterday"], "startDate"),
        (["--metadatafile", "/nowhere"], "/nowhere can't be read"),
        (["--sample", ""], "it is empty"),
        (["--froce"], "did you mean --force?"),
    ],
)
def test_what_can_not_be_used_is_refused(beamtime: Beamtime, run: Runner, words: list[str], says: str) -> None:
    ran = run(*of_store_raw(beamtime.dataset(), *words))
    assert ran.code == ExitCode.USAGE
    assert says in ran.err
    assert not beamtime.broker.frames


def test_a_metadata_file_that_is_none_is_refused(beamtime: Beamtime, run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "parameters"
    for content in (b"no sign here\n", b"a=1\na=2\n", b"\xff=1\n"):
        file.write_bytes(content)
        ran = run(*of_store_raw(beamtime.dataset(), "--metadatafile", str(file)))
        assert ran.code == ExitCode.USAGE
        assert "NAME=VALUE" in ran.err


def test_a_message_can_be_written_to_a_file_and_sent_from_there(
    beamtime: Beamtime, run: Runner, tmp_path: Path
) -> None:
    path, file = beamtime.dataset(), tmp_path / "new" / "message"
    ran = run(*of_store_raw(path, "--store-filename", str(file), "--read-only"))
    assert ran.code == ExitCode.DONE
    assert not beamtime.broker.frames
    assert not shards_in(beamtime.journal)
    assert run("store-from-file", f"{file}.xml").code == ExitCode.DONE
    assert beamtime.bodies == [file.with_suffix(".xml").read_bytes()]


# -- what does not work ----------------------------------------------------------------------------------------------


def test_a_pattern_without_a_match_is_an_error_and_the_rest_is_done(beamtime: Beamtime, run: Runner) -> None:
    ran = run("store-from-file", f"{beamtime.raw}/nowhere/*.xml", str(beamtime.stored()))
    assert ran.code == ExitCode.USAGE
    assert "nowhere/*.xml was not sent: there is no such file, nor a match" in ran.err
    assert len(beamtime.bodies) == 1


def test_a_file_that_is_no_message_is_an_error_and_the_rest_is_done(beamtime: Beamtime, run: Runner) -> None:
    good, bad = beamtime.stored(), beamtime.raw / "__icat__" / "bad.xml"
    bad.write_text("<html/>")
    assert run("store-from-file", str(bad)).code == ExitCode.USAGE, "nothing usable"
    assert run("store-from-file", str(bad), str(good)).code == ExitCode.PARTIAL
    assert beamtime.bodies == [good.read_bytes()]


def test_a_name_selects_itself_before_it_is_a_pattern(beamtime: Beamtime, run: Runner) -> None:
    odd = beamtime.stored().rename(beamtime.raw / "__icat__" / "col[A]_0001.xml")
    assert run("store-from-file", str(odd), str(odd)).code == ExitCode.DONE
    assert beamtime.bodies == [odd.read_bytes()], "once, though it was named twice"


def test_a_directory_that_is_not_there(beamtime: Beamtime, run: Runner) -> None:
    ran = run(*of_store_raw(beamtime.raw / "colA" / "colA_0404"))
    assert ran.code == ExitCode.USAGE
    assert "No such file or directory" in ran.err


def test_what_the_broker_rejects_is_said_in_its_words(beamtime: Beamtime, run: Runner) -> None:
    beamtime.broker.script = reject
    ran = run(*of_store_raw(beamtime.dataset()))
    assert ran.code == ExitCode.PARTIAL
    assert "no room left" in ran.err
    assert beamtime.standing() == [("colA_0001", MessageState.REJECTED)]


def test_a_broker_that_is_not_there(beamtime: Beamtime, run: Runner) -> None:
    ran = run(*of_store_raw(beamtime.dataset(), "--queue", "127.0.0.1:9"))
    assert ran.code == ExitCode.NOTHING
    assert "127.0.0.1:9" in ran.err
    assert beamtime.standing() == [("colA_0001", MessageState.PLANNED)]


def test_what_is_pending_is_not_sent_again(beamtime: Beamtime, run: Runner) -> None:
    path = beamtime.dataset()
    run(*of_store_raw(path))
    ran = run(*of_store_raw(path))
    assert ran.code == ExitCode.PARTIAL
    assert "not seen in ICAT yet" in ran.err
    assert len(beamtime.bodies) == 1


def test_a_journal_that_can_not_be_written_stops_it(beamtime: Beamtime, run: Runner) -> None:
    spoil(beamtime.journal)
    ran = run(*of_store_raw(beamtime.dataset()))
    assert ran.code == ExitCode.USAGE
    assert "journal" in ran.err
    assert not beamtime.broker.frames


def test_a_signal_stops_it_and_the_journal_tells_how_far_it_came(beamtime: Beamtime) -> None:
    for number in range(1, 20):
        beamtime.stored(f"{number:04d}", age=-number)
    second = threading.Event()

    def be_silent_from_the_second_on(client: Client, frame: Frame) -> None:
        if client.sends == 1:
            client.receipt(frame)
        else:
            second.set()

    beamtime.broker.script = be_silent_from_the_second_on
    words = [sys.executable, "-m", "icat_tui", "store-from-file", f"{beamtime.raw}/__icat__/*.xml", "--rate", "100"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert second.wait(30)
        program.terminate()
        out, _ = program.communicate(timeout=30)
    assert program.returncode == -signal.SIGTERM
    states = Counter(state for _, state in beamtime.standing())
    assert states[MessageState.ACCEPTED] == 1
    assert states[MessageState.UNKNOWN] == len(beamtime.bodies) - 1
    assert states[MessageState.PLANNED] == 19 - len(beamtime.bodies)
    assert f"{states[MessageState.PLANNED]} messages not sent" in out


# -- for programs ----------------------------------------------------------------------------------------------------


def test_json_lines_end_with_a_summary(beamtime: Beamtime, run: Runner) -> None:
    beamtime.register(beamtime.dataset("0002"))
    beamtime.stored("0001", age=3)
    beamtime.stored("0002", age=2)
    (beamtime.raw / "__icat__" / "zzz.xml").write_text("<x/>")
    ran = run("store-from-file", f"{beamtime.raw}/__icat__/*.xml", "--json")
    *told, summary = records(ran)
    assert ran.code == ExitCode.PARTIAL
    assert [(each["type"], each.get("fate")) for each in told] == [
        ("message", "skipped"),
        ("error", None),
        ("message", "accepted"),
    ]
    assert summary["sent"] == sent_counts(pending=1, skipped=1)
    assert summary["exit_code"] == ExitCode.PARTIAL


def test_quiet_is_silent_where_nothing_goes_wrong(beamtime: Beamtime, run: Runner) -> None:
    ran = run(*of_store_raw(beamtime.dataset(), "-q"))
    assert (ran.out, ran.err) == ("", "")
    assert len(beamtime.bodies) == 1


def test_files_of_datasets(beamtime: Beamtime, run: Runner) -> None:
    known = beamtime.register(beamtime.dataset(), file_count=0)
    done = beamtime.register(beamtime.dataset("0002"), file_count=2)
    ran = run("add-files", str(known), str(done), str(known), "--investigation", str(INVESTIGATION))
    assert ran.code == ExitCode.DONE
    assert beamtime.bodies == [f'{{"datasetId": {known}}}'.encode()]
    assert beamtime.broker.sent[0].headers["destination"] == "/queue/icatDataFiles"


@pytest.mark.activemq
def test_a_real_broker_takes_what_is_sent_by_hand(beamtime: Beamtime, run: Runner, activemq: ActiveMQ) -> None:
    ran = run(*of_store_raw(beamtime.dataset(), "--queue", str(activemq.address)))
    assert ran.code == ExitCode.DONE
    assert beamtime.standing() == [("colA_0001", MessageState.ACCEPTED)]
    stored = run("store-from-file", str(beamtime.stored("0002")), "--queue", str(activemq.address))
    assert stored.code == ExitCode.DONE
    assert beamtime.standing()[-1] == ("colA_0002", MessageState.ACCEPTED)


# -- slips of the pen ------------------------------------------------------------------------------------------------


def test_an_empty_file_name_to_write_to_sends_nothing(beamtime: Beamtime, run: Runner) -> None:
    ran = run(*of_store_raw(beamtime.dataset()), "--store-filename", "")
    assert ran.code == ExitCode.USAGE
    assert not beamtime.broker.frames


def test_words_after_two_dashes_are_files(beamtime: Beamtime, run: Runner) -> None:
    ran = run("store-from-file", "--", "-not there.xml")
    assert ran.code == ExitCode.USAGE
    assert "there is no such file" in ran.err
