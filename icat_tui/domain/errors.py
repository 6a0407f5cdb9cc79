"""Base classes of all errors, and the exit codes.

The text of every error is one line for a person: what happened, to what, and what to do about it. `exit_code` alone
decides which code a run ends with, from the codes of everything that happened in it.
"""

from collections.abc import Collection
from enum import IntEnum

NO_MORE_THREADS = "can't start new thread"
"""Text of Python's error where the system starts no more threads."""


class ExitCode(IntEnum):
    """Exit code of a command (interface.md, "Exit codes"); 128 + n, for a signal, is not listed."""

    DONE = 0
    TODO = 1
    """Something selected is still to be done: only with `--exit-code`."""
    USAGE = 2
    """Wrong arguments or settings, or a named thing that is not there."""
    PARTIAL = 3
    """Done in part: something unknown, not accepted, locked, or not saved."""
    NOTHING = 4
    """Nothing could be done."""
    LOCKED = 5
    """All that was asked for is locked by another run."""
    STOPPED = 6
    """A person answered `q`, or nobody answered."""


PRECEDENCE = (
    ExitCode.USAGE,
    ExitCode.STOPPED,
    ExitCode.LOCKED,
    ExitCode.NOTHING,
    ExitCode.PARTIAL,
    ExitCode.TODO,
)
"""The first of these that happened is used (interface.md, "Which code wins")."""


def exit_code(happened: Collection[ExitCode]) -> ExitCode:
    """Return the first of PRECEDENCE that happened, else DONE."""
    return next((code for code in PRECEDENCE if code in happened), ExitCode.DONE)


def unexpected(error: Exception) -> str:
    """Return the words for an error that no code has expected: what the system lacks or refused, or our mistake."""
    match error:
        case OSError():
            where = f" ({error.filename})" if error.filename else ""
            return f"the system refused: {error.strerror or error}{where}"
        case MemoryError():
            return "there is not enough memory"
        case RuntimeError() if str(error) == NO_MORE_THREADS:
            return "the system starts no more threads: raise the limit of processes (ulimit -u)"
        case ImportError():
            why = next(iter(str(error).strip().splitlines()), "")  # numpy gives advice of a page
            return f"a part of the installation can't be loaded ({why}): install icat-tui once more"
    return f"a mistake of ours ({type(error).__name__}: {error}): please report it"


class IcatTuiError(Exception):
    """Error that is shown to a person; its text is the one line they see."""

    code = ExitCode.PARTIAL


class UsageError(IcatTuiError):
    """Error in arguments or settings, or about a named thing that is not there."""

    code = ExitCode.USAGE

    def __init__(self, what: str = "", *, names: Collection[str] = (), advice: str = "") -> None:
        """Say what is wrong, which values it is about by the names that messages have for them, and what is right."""
        super().__init__(f"{what}: {advice}" if advice else what)
        self.what, self.names = what, tuple(names)


class SaveError(IcatTuiError):
    """Failure to write a file of ours; what it held before is still there."""


class MessageError(UsageError):
    """Error in the values that a message was to be made from."""
