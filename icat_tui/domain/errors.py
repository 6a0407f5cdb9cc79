"""One small tree of errors, and the exit codes.

Every error carries one line for a person: what happened, to what, and what to do about it. Which exit code a run
ends with is decided in one place, `exit_code`, from what happened in it.
"""

from collections.abc import Collection
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command says to the script that called it; 128 + n, for a signal, is not listed."""

    DONE = 0
    TODO = 1
    """Something selected is still to be done: only said where it was asked for."""
    USAGE = 2
    """Wrong arguments or settings, or a named thing that is not there."""
    PARTIAL = 3
    """Done in part: something unknown, not accepted, locked, or not saved."""
    NOTHING = 4
    """Nothing could be done."""
    LOCKED = 5
    """All that was asked for is locked by another run."""
    STOPPED = 6
    """A person answered `q`."""


PRECEDENCE = (
    ExitCode.USAGE,
    ExitCode.LOCKED,
    ExitCode.NOTHING,
    ExitCode.PARTIAL,
    ExitCode.STOPPED,
    ExitCode.TODO,
)


def exit_code(happened: Collection[ExitCode]) -> ExitCode:
    """Return the first of PRECEDENCE that happened, else DONE."""
    return next((code for code in PRECEDENCE if code in happened), ExitCode.DONE)


class IcatTuiError(Exception):
    """What a person must be told; its text is the one line they see."""

    code = ExitCode.PARTIAL


class UsageError(IcatTuiError):
    """Arguments or settings that can't be used, or a named thing that is not there."""

    code = ExitCode.USAGE


class SaveError(IcatTuiError):
    """A file of ours could not be written; what it held before is still there."""


class MessageError(UsageError):
    """A message that can't be made from what was given."""
