"""Raw data beside the sessions, in directories that are none (interface.md, "Directories that are no sessions").

What must stay true: that it is there can be told, and nothing of it is read or offered.
"""

import os
import posixpath

from icat_tui.disk.filesystem import DIRECTORIES, entries_of
from icat_tui.domain.formats import (
    RAW_DIRECTORIES,
    RawFormat,
    dataset_name,
    date_in_name,
    is_collection,
    raw_directory,
    session_date,
    session_of,
)

HOLDS_RAW_DATA = "holds raw data"


def raw_data_in(path: str) -> str:
    """Return in words whether a directory that is no session holds raw data; empty where nothing points to it.

    `RAW_DATA` counts where it holds any collection, also that of a session one level too deep (`old/20231019`). Other
    layouts say less: the names of their dataset directories have to fit, and where there is no raw directory the name
    has to hold a date. A link to what lies in a session does not count. What the system refuses to list is told where
    its name points to raw data.
    """
    dated = date_in_name(posixpath.basename(path)) is not None
    try:
        names = _directories(path)
    except FileNotFoundError:  # it was renamed, or is gone
        return ""
    except OSError as error:
        return _refused(error) if dated else ""
    candidates = [(path, each) for each in (RawFormat.ESRFV3, RawFormat.ESRFV2) if RAW_DIRECTORIES[each] in names]
    if not candidates:
        candidates = [(f"{path}/{name}", RawFormat.ESRFV3) for name in names if session_date(name)]
    if dated:
        candidates.append((path, RawFormat.ESRFV1))
    try:
        return HOLDS_RAW_DATA if any(_holds_datasets(path, *each) for each in candidates) else ""
    except FileNotFoundError:
        return ""
    except OSError as error:
        return _refused(error)


def _holds_datasets(top: str, path: str, raw_format: RawFormat) -> bool:
    """Return whether a directory, or one in it, holds raw data of a format. Raises OSError where it can't be listed."""
    raw = raw_directory(path, raw_format)
    try:
        os.lstat(raw)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if any(map(os.path.islink, (top, path, raw))) and session_of(os.path.realpath(raw)):
        return False
    collections = [name for name in _directories(raw) if is_collection(name, raw_format)]
    if raw_format == RawFormat.ESRFV3:
        return bool(collections)
    return any(
        dataset_name(collection, name, raw_format) is not None
        for collection in collections
        for name in _directories(f"{raw}/{collection}")
    )


def _directories(path: str) -> list[str]:
    return [name for name, kind in entries_of(path) if kind in DIRECTORIES]


def _refused(error: OSError) -> str:
    return f"may hold raw data ({error.filename}: {error.strerror})"
