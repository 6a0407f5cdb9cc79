"""Settings of the Python API: those of the commands, keyword arguments in the place of the command line.

What must stay true: nothing is scanned or sent by a Python that does not read the names of files as UTF-8, as the paths
in its messages would not exist (interface.md, "Python API").
"""

import logging
import os
import sys
from collections.abc import Mapping

from icat_tui.api.errors import EncodingError
from icat_tui.encoding import names_are_utf8
from icat_tui.settings.load import load
from icat_tui.settings.schema import KEYS, Settings

log = logging.getLogger("icat_tui")


def settings_in_force(given: Mapping[str, object]) -> Settings:
    """Return the settings in force, with those given, and log their warnings.

    Raises TypeError for a name that is no setting, UsageError for an unusable value, EncodingError where names of files
    are not read as UTF-8.
    """
    check_encoding()
    if unknown := [name for name in given if name not in KEYS]:
        raise TypeError(f"there is no setting {unknown[0]!r}: see `icat-tui config`")
    settings = load(given, os.environ)
    for warning in settings.warnings:
        log.warning("%s", warning)
    return settings


def check_encoding() -> None:
    """Raise EncodingError where Python does not read the names of files as UTF-8.

    The commands start themselves once more with `-X utf8` then; what a script imports can't.
    """
    if not names_are_utf8():
        raise EncodingError(
            f"names of files are read as {sys.getfilesystemencoding()} here, and ICAT's are UTF-8: start Python with "
            "-X utf8, or set PYTHONUTF8=1"
        )
