"""Errors of the Python API, beside `UsageError`, `BrokerError` and `SaveError`."""

from icat_tui.domain.errors import ExitCode, IcatTuiError


class NotStoredError(IcatTuiError):
    """Error: nothing was sent, or the broker rejected it; the text says why."""


class OutcomeUnknownError(IcatTuiError):
    """Error: a message was sent without a receipt; check whether ICAT has it before sending it again."""


class CatalogueError(IcatTuiError):
    """Error: ICAT+ gave no usable answer."""

    code = ExitCode.NOTHING


class IncompleteError(IcatTuiError):
    """Error: something that was to be scanned has no result; raised after everything else was yielded."""
