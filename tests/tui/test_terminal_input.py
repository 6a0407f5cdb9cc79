"""The program on a pseudo terminal that is sent anything, and its end by an error."""

from pathlib import Path

import pytest

from tests.bench.terminal import opened

BROKEN = """
import sys
from icat_tui.tui.app import IcatTui
def broken(self, *_):
    raise ValueError("made for a test")
IcatTui.on_key = broken
from icat_tui.cli.main import main
sys.exit(main(["demo", *sys.argv[1:]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("log_file", [True, False])
def test_an_end_by_an_error_is_3_and_names_where_the_traceback_is(tmp_path: Path, log_file: bool) -> None:
    log = tmp_path / "log"
    with opened(["-c", BROKEN, *(["--log-file", str(log)] if log_file else [])], {}, tmp_path) as terminal:
        terminal.wait_for(lambda said: b"sessions" in said)
        terminal.type(b"j")
        terminal.ended()
        terminal.read_for(0.5)
        said = bytes(terminal.said)
        assert terminal.process.returncode == 3, said[-2000:]
    assert b"ended by a mistake of ours" in said
    assert (str(log) if log_file else "--log-file").encode() in said
    assert not log_file or "made for a test" in log.read_text()


@pytest.mark.slow
def test_bytes_that_mean_nothing_do_not_end_the_program(tmp_path: Path) -> None:
    with opened(["-m", "icat_tui", "demo"], {}, tmp_path) as terminal:
        terminal.wait_for(lambda said: b"sessions" in said)
        terminal.type(b"\xff\xc3\x1b[M\x20\xa1\xff\x1b[99999999u\x1b[200~ryq\x1bqq\xff\x1b[201~")
        terminal.settle()
        assert terminal.process.poll() is None
        terminal.type(b"q")
        terminal.ended()
        assert terminal.process.returncode == 0
