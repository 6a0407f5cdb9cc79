"""Questions and their answers, down a pipe and on a terminal."""

import os
import pty
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from icat_tui.cancel import Cancelled
from icat_tui.cli.prompts import Questions, Reply
from icat_tui.cli.signals import SignalCancellation
from tests.support.program import PATIENCE
from tests.support.stdin import Asker, stdin_of


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("y\n", Reply.YES),
        ("Yes\n", Reply.YES),
        (" y \r\n", Reply.YES),
        ("n\n", Reply.NO),
        ("no\n", Reply.NO),
        ("\n", Reply.NO),
        ("", Reply.NOBODY),
        ("a\n", Reply.ALL),
        ("all\n", Reply.ALL),
        ("q\n", Reply.QUIT),
        ("QUIT\n", Reply.QUIT),
        ("yy\ny\n", Reply.YES),
        ("yep\n", Reply.NOBODY),
        ("y", Reply.YES),
        ("\xff\nq\n", Reply.QUIT),
    ],
)
def test_an_answer_is_what_was_typed_and_the_end_of_input_is_nobody(asker: Asker, typed: str, reply: Reply) -> None:
    assert asker(typed).ask("Send?", lambda: None) is reply


def test_each_question_has_a_line_of_its_own_and_a_mark_shows_before_it_is_asked_again(
    asker: Asker, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[int] = []
    questions = asker("?\nwhat\ny\nn\n")
    assert questions.ask("First?", lambda: shown.append(1)) is Reply.YES
    assert questions.ask("Second?", lambda: shown.append(2)) is Reply.NO
    assert questions.ask("Third?", lambda: shown.append(3)) is Reply.NOBODY
    assert shown == [1]
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("First? (y/[n]/a/q/?) ") == 3
    assert said.err.count("Enter") == 2


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        *[("51\n", 51), (" 51 \n", 51), ("5.1\n", None), ("-1\n", None), ("a\n", None), ("", None)],
        *[("\u0665\n", None), ("9" * 5000 + "\n", None)],
    ],
)
def test_a_number_is_digits_and_nothing_else(asker: Asker, typed: str, number: int | None) -> None:
    assert asker(typed).ask_number("How many?") == number


@pytest.mark.parametrize(
    ("typed", "end"), [("", Reply.NOBODY), ("q\n", Reply.QUIT), ("Quit", Reply.QUIT), ("\n", None), ("7", None)]
)
def test_q_and_the_end_of_input_are_known_whatever_was_asked(asker: Asker, typed: str, end: Reply | None) -> None:
    questions = asker(typed)
    questions.ask_number("How many?")
    assert questions.end is end


def test_without_stdin_or_stderr_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("sys.stderr", None)
    assert Questions(SignalCancellation()).ask("Send?", lambda: None) is Reply.NOBODY


def test_a_signal_ends_the_wait_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = SignalCancellation()
    with stdin_of(monkeypatch) as typed:
        typed.write(b"half an ans")
        threading.Timer(0.05, stop.cancel).start()
        with pytest.raises(Cancelled):
            Questions(stop).ask_line("Send?")


PROGRAM = (
    "from icat_tui.cli.prompts import Questions\n"
    "from icat_tui.cli.signals import SignalCancellation\n"
    "from icat_tui.cancel import Cancelled\n"
    "stop = SignalCancellation()\n"
    "stop.heed_signals()\n"
    "try:\n"
    "    print('reply', Questions(stop).ask('Send?', lambda: None).name, flush=True)\n"
    "except Cancelled:\n"
    "    print('stopped by', stop.received.name, flush=True)\n"
)


@pytest.mark.parametrize(
    ("keys", "says"), [(b"\x03", b"stopped by SIGINT"), (b"\x04", b"reply NOBODY"), (b"y\n", b"reply YES")]
)
def test_on_a_terminal_control_c_stops_and_control_d_is_nobody(keys: bytes, says: bytes) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM])
    seen, asked = b"", False
    with suppress(OSError):  # it has ended, and the terminal with it
        while more := os.read(terminal, 1024):
            seen += more
            if b"Send?" in seen and not asked:
                asked = True
                os.write(terminal, keys)
    os.waitpid(child, 0)
    os.close(terminal)
    assert seen.splitlines()[-1] == says


def test_a_terminal_that_is_closed_is_nobody() -> None:
    master, slave = pty.openpty()
    pipe, command = subprocess.PIPE, [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=slave, stdout=pipe, stderr=pipe) as program:
        os.close(slave)
        assert program.stderr is not None
        assert program.stderr.read(5) == b"Send?"
        os.close(master)
        out, _ = program.communicate(timeout=PATIENCE)
    assert out == b"reply NOBODY\n"
