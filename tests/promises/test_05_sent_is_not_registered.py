"""Promise 5, by the installed program: what was sent is pending until ICAT shows it, or too much time has gone by."""

import os

from tests.support.beamtime import Beamtime
from tests.support.program import Ran, run_program


def status(beamtime: Beamtime, **settings: str) -> tuple[str, str]:
    """Return the status of the one dataset, and its reasons."""
    ran = run_program("sync", "--json", str(beamtime.session), env=os.environ | beamtime.environment | settings)
    (session,) = [record for record in ran.records if record["type"] == "session"]
    (dataset,) = session["datasets"]
    return dataset["status"], " ".join(dataset["reasons"])


def stored(beamtime: Beamtime, *more: str) -> Ran:
    words = ("--beamline", "id99", "--proposal", "hg333", "--dataset", "0001", "--sample", "sA")
    path = str(beamtime.raw / "colA" / "colA_0001")
    return run_program("store-raw", *words, "--path", path, *more, env=os.environ | beamtime.environment)


def test_it_is_pending_until_icat_lists_it(beamtime: Beamtime) -> None:
    beamtime.dataset()
    assert status(beamtime)[0] == "unregistered"
    assert stored(beamtime).code == 0
    assert status(beamtime)[0] == "pending"
    assert stored(beamtime).code == 3, "it takes --force"
    beamtime.ingest()
    assert status(beamtime)[0] == "registered"
    assert "is there already" in stored(beamtime).out + stored(beamtime).err or stored(beamtime).code == 0
    assert len(beamtime.bodies) == 1


def test_after_its_time_it_is_offered_again_with_who_sent_it(beamtime: Beamtime) -> None:
    beamtime.dataset()
    stored(beamtime)
    late, reasons = status(beamtime, ICAT_TUI_PENDING_TIMEOUT="0s")
    assert late == "unregistered"
    assert "not in ICAT" in reasons
    automatic = run_program(
        "sync",
        "--auto-register",
        str(beamtime.session),
        env=os.environ | beamtime.environment | {"ICAT_TUI_PENDING_TIMEOUT": "0s"},
    )
    assert automatic.code == 0
    assert len(beamtime.bodies) == 1, "to send it again takes a person"
