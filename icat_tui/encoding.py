"""Encoding of the names of files: UTF-8 with surrogateescape, whatever the locale (interface.md, "Output").

A name that is read in another encoding is another name: ICAT would seem to lack what it has, and be told of paths that
don't exist.
"""

import codecs
import sys


def names_are_utf8() -> bool:
    """Return whether Python reads the names of files, arguments and the environment as UTF-8."""
    return codecs.lookup(sys.getfilesystemencoding()).name == "utf-8"
