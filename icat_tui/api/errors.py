"""What the Python API raises beside `UsageError`, `BrokerError` and `SaveError`."""

from icat_tui.domain.errors import ExitCode, IcatTuiError


class NotStoredError(IcatTuiError):
    """Nothing was sent, or the broker rejected it; the text says why."""


class OutcomeUnknownError(IcatTuiError):
    """The message went out and there was no receipt: look whether ICAT has it before it is sent again."""


class CatalogueError(IcatTuiError):
    """ICAT+ gave no usable answer."""

    code = ExitCode.NOTHING


class IncompleteError(IcatTuiError):
    """Something that was to be scanned has no result; raised after everything else was yielded."""
