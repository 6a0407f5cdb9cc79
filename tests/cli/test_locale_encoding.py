"""Programs in a locale that is not UTF-8, as they are installed."""

import os
import sys

import pytest

from icat_tui.cli.locale_encoding import start_again_in_utf8
from tests.support.beamtime import Beamtime, parameters
from tests.support.program import run_program

LATIN = "iso8859-1"


def test_what_is_registered_is_registered_and_what_is_not_is_sent_as_it_is(
    beamtime: Beamtime, elsewhere: dict[str, str]
) -> None:
    beamtime.register(beamtime.dataset("0001", "pièce"), file_count=1)
    ran = run_program("sync", "--json", str(beamtime.session), env=elsewhere, encoding=LATIN)
    (session,) = ran.records[:-1]
    assert [dataset["status"] for dataset in session["datasets"]] == ["registered"]
    path = beamtime.dataset("0002", "pièce")
    where = ("--beamline", "id99", "--proposal", "hg333", "--path", str(path))
    stored = run_program("store-raw", *where, "--dataset", "0002", "--sample", "œuf", env=elsewhere, encoding=LATIN)
    assert stored.code == 0, stored.err
    (body,) = beamtime.bodies
    assert f"<tns:location>{beamtime.location(path)}</tns:location>".encode() in body
    assert parameters(body)["Sample_name"] == "œuf"


def test_the_terminal_gets_what_it_can_show(beamtime: Beamtime, elsewhere: dict[str, str]) -> None:
    beamtime.register(beamtime.dataset("0001", "pièce œuf"), file_count=1)
    shown = run_program("sync", str(beamtime.session), env=elsewhere, encoding=LATIN).out
    assert ("pièce \\u0153uf" if elsewhere["LC_ALL"] != "C" else "pi\\xe8ce \\u0153uf") in shown


def test_a_program_is_started_again_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, arguments: started.append(arguments))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "icat_tui", "check"])
    start_again_in_utf8()
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: LATIN)
    start_again_in_utf8()
    monkeypatch.setattr(sys, "orig_argv", started[0])
    start_again_in_utf8()
    assert started == [[sys.executable, "-X", "utf8", "-m", "icat_tui", "check"]]
