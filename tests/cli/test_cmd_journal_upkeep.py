"""`icat-tui journal --init`, `--import`, `--repair` and `--settle`, as the installed program."""

import json
import os
from pathlib import Path

import pytest

from icat_tui.domain.errors import ExitCode
from icat_tui.journal.sendings import MessageState
from icat_tui.journal.writer import Journal
from tests.support.beamtime import Beamtime
from tests.support.journal_entries import SHARD, index_of, message, records_in
from tests.support.program import Ran, environment, run_program


def run(beamtime: Beamtime, *arguments: str) -> Ran:
    return run_program("journal", *arguments, env=os.environ | beamtime.environment)


# -- making one --------------------------------------------------------------------------------------------------------


def test_a_journal_is_made_once_and_its_line_for_the_settings_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "shared"
    made = run_program("journal", "--init", str(path), env=environment())
    assert (made.code, made.out) == (ExitCode.DONE, f'state_dir = "{path}"\n')
    mark = (path / "icat-tui-journal.json").read_bytes()
    again = run_program("journal", "--init", str(path), env=environment())
    assert (again.code, again.out) == (ExitCode.DONE, made.out)
    assert "is a journal already" in again.err
    assert (path / "icat-tui-journal.json").read_bytes() == mark
    listed = run_program("journal", env=environment(state_dir=str(path)))
    assert listed.code == ExitCode.DONE


@pytest.mark.parametrize("place", ["a/b", "full", "file"])
def test_what_is_not_empty_or_has_no_parent_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("")
    (tmp_path / "file").write_text("")
    ran = run_program("journal", "--init", str(tmp_path / place), env=environment())
    assert ran.code == ExitCode.USAGE
    assert len(ran.err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.rglob("*") if path.name != "home") == ["file", "full", "precious"]


def test_without_a_journal_where_the_settings_say_nothing_is_sent(beamtime: Beamtime, tmp_path: Path) -> None:
    settings = {**os.environ, **beamtime.environment, "ICAT_TUI_STATE_DIR": str(tmp_path / "unmounted")}
    ran = run_program("store-from-file", str(beamtime.stored()), env=settings)
    assert ran.code == ExitCode.USAGE
    assert "there is no icat-tui-journal.json" in ran.err
    assert not beamtime.bodies
    assert not (tmp_path / "unmounted").exists()


def test_a_journal_of_the_first_version_is_taken_in(tmp_path: Path, beamtime: Beamtime) -> None:
    state = tmp_path / "old"
    state.mkdir()
    records = [
        {
            "record": kind,
            "id": f"m{number}",
            "time": "2026-01-31T08:00:00+00:00",
            "user": "ana",
            "host": "lid21",
            "action": "register",
            "dataset": message(number).dataset,
            "icat_id": None,
            "investigation": 7,
            "destination": "icatIngest",
            "digest": message(number).digest,
            **({"body": "<x/>"} if kind == "plan" else {}),
        }
        for number, kind in ((1, "plan"), (1, "intent"), (2, "plan"))
    ]
    old = state / "journal.jsonl"
    old.write_text("".join(json.dumps(record) + "\n" for record in records) + '{"record": "intent", "da\n')
    settings = {**os.environ, **beamtime.environment, "ICAT_TUI_STATE_DIR": str(state)}
    refused = run_program("store-from-file", str(beamtime.stored()), env=settings)
    assert refused.code == ExitCode.USAGE
    ran = run_program("journal", "--init", str(state), "--import", str(old), env=settings)
    assert ran.code == ExitCode.PARTIAL
    assert "1 line" in ran.err
    listed = run_program("journal", "--json", env=settings)
    states = [json.loads(line).get("state") for line in listed.out.splitlines()]
    assert states == ["intended", "planned", None]
    assert listed.code == ExitCode.PARTIAL, "the line that can't be read is damage now"
    assert not beamtime.bodies


# -- damage ------------------------------------------------------------------------------------------------------------


def test_a_damaged_line_is_set_aside_and_no_byte_is_changed(beamtime: Beamtime, journal_of: Journal) -> None:
    shard = journal_of.directory.shard(SHARD)
    whole = shard.read_bytes()
    torn = whole.splitlines(keepends=True)[-1].replace(b"accepted", b"rejected")
    shard.write_bytes(whole + torn)
    assert run(beamtime).code == ExitCode.PARTIAL
    ran = run(beamtime, "--repair")
    assert ran.code == ExitCode.DONE, ran.err
    assert f"byte {len(whole)}" in ran.out
    assert shard.read_bytes().startswith(whole + torn)
    assert run(beamtime).code == ExitCode.DONE
    assert index_of(beamtime.journal).set_aside_about(message(1).dataset)
    assert not index_of(beamtime.journal).set_aside_about(message(2).dataset)
    assert run(beamtime, "--repair").out == ""


def test_what_a_newer_version_wrote_is_not_set_aside(beamtime: Beamtime, journal_of: Journal) -> None:
    shard = journal_of.directory.shard(SHARD)
    from icat_tui.journal.records import RecordKind, line  # noqa: PLC0415

    record = journal_of._record(RecordKind.OUTCOME, message(1)) | {"schema": 99}
    shard.write_bytes(shard.read_bytes() + line(record))
    ran = run(beamtime, "--repair")
    assert ran.code == ExitCode.PARTIAL
    assert "newer version" in ran.err


# -- settling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "state"), [("seen", MessageState.SEEN), ("lost", MessageState.LOST)])
def test_a_person_ends_what_nobody_else_can(
    beamtime: Beamtime, journal_of: Journal, word: str, state: MessageState
) -> None:
    assert run(beamtime, "--settle", "m0001").code == ExitCode.USAGE
    assert run(beamtime, "--settle", "m0", "--as", word, "--why", "x").code == ExitCode.USAGE
    ran = run(beamtime, "--settle", "m0001", "--as", word, "--why", "asked the data team")
    assert ran.code == ExitCode.DONE, ran.err
    assert {each.id: each.state for each in index_of(beamtime.journal).sendings()}["m0001"] is state
    assert records_in(journal_of.directory)[-1].words == "asked the data team"
    assert run(beamtime, "--pending").out == ""
