"""Files of a dataset on disk: how many there are, to be compared with what ICAT has of them, and how old they are.

What must stay true: a file is counted only if ICAT is sure to list it too. Hidden files, links and what lies in hidden
or linked directories are left out, as some programs that list files follow or skip them and others don't
(icat.md, "After the queue"). So more files on disk than in ICAT means that ICAT lacks some.
"""

import os
from collections.abc import Callable
from itertools import islice

from msgspec import Struct

MOST_COUNTED = 100_000
"""Number of files after which counting ends: ICAT lists fewer of a dataset, so that more would tell nothing."""


class CountedFiles(Struct, frozen=True):
    """Number of files in a directory, at any depth."""

    number: int
    complete: bool
    """Whether all of them were counted: nothing refused to be listed, and there are not too many."""

    @property
    def known(self) -> int | None:
        """The number; None where nothing could be counted."""
        return self.number if self.complete or self.number else None


def count_files(path: str, check: Callable[[], object] = lambda: None, most: int = MOST_COUNTED) -> CountedFiles:
    """Return the number of files below a directory; it stops counting above `most`.

    `check` is called for each directory, and may raise to end the count.
    """
    number, complete, waiting = 0, True, [path]
    while waiting:
        check()
        try:
            with os.scandir(waiting.pop()) as listing:
                for entry in listing:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        number += 1
                        if number > most:
                            return CountedFiles(most, complete=False)
        except OSError:
            complete = False
    return CountedFiles(number, complete)


def newest_below(path: str) -> int | None:
    """Return the latest modification time of anything in a directory, at any depth, in nanoseconds.

    None: it is empty. It stops looking after as many entries as are counted at most; what can't be looked at further
    down is passed over. Raises OSError where the directory can't be listed, or where all that it lists is gone: it may
    have been renamed meanwhile.
    """
    times: list[int] = []
    gone: OSError | None = None
    waiting = [path]
    while waiting and len(times) < MOST_COUNTED:
        directory = waiting.pop()
        try:
            with os.scandir(directory) as listing:
                for entry in islice(listing, MOST_COUNTED - len(times)):
                    try:
                        times.append(entry.stat(follow_symlinks=False).st_mtime_ns)
                    except FileNotFoundError as error:
                        gone = error
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            if directory == path:
                raise
    if gone and not times:
        raise gone
    return max(times, default=None)
