"""Base classes of all errors, and the exit codes.

The text of every error is one line for a person: what happened, to what, and what to do about it. `exit_code` alone
decides which code a run ends with, from the codes of everything that happened in it.
"""

from collections.abc import Collection
from enum import IntEnum


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


class IcatTuiError(Exception):
    """Error that is shown to a person; its text is the one line they see."""

    code = ExitCode.PARTIAL


class UsageError(IcatTuiError):
    """Error in arguments or settings, or about a named thing that is not there."""

    code = ExitCode.USAGE


class SaveError(IcatTuiError):
    """Failure to write a file of ours; what it held before is still there."""


class MessageError(UsageError):
    """Error in the values that a message was to be made from."""
