"""Errors of the Python API, beside `UsageError`, `BrokerError` and `SaveError`: one family, `IcatTuiError`.

Where a program would expect an exception of Python's own, an error of the family is that too: a script that catches it
still does.
"""

from icat_tui.domain.errors import ExitCode, IcatTuiError, MessageError, UsageError


class NotStoredError(IcatTuiError):
    """Error: nothing was sent, or the broker rejected it; the text says why."""


class OutcomeUnknownError(IcatTuiError):
    """Error: a message was sent without a receipt; check whether ICAT has it before sending it again."""


class CatalogueError(IcatTuiError):
    """Error: ICAT+ gave no usable answer."""

    code = ExitCode.NOTHING


class IncompleteError(IcatTuiError):
    """Error: something that was to be scanned has no result; raised after everything else was yielded."""


class MissingValueError(MessageError, ValueError, AssertionError):
    """Error: something that a message needs was given neither as an argument nor in the metadata.

    pyicat-plus raises an AssertionError for a field, a ValueError for the input datasets.
    """


class NoServerError(UsageError, RuntimeError):
    """Error: a call needs a broker or an ICAT+ that the client was not given."""


class NotOfferedError(UsageError, AttributeError):
    """Error: a method of pyicat-plus that icat-tui does not have; the text says where it is."""


class EncodingError(UsageError, UnicodeError):
    """Error: Python does not read the names of files as UTF-8, so that paths would be sent that do not exist."""
