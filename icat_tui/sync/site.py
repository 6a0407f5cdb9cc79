"""The site that a run works at, and the session on disk that a path lies in.

What must stay true: a path in a session is spelled like the directory of that session, also where it was given by
another name of its data root.
"""

import os
import stat

from msgspec import Struct

from icat_tui.disk.find import AnyFormat, sessions_at
from icat_tui.disk.location import resolved
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import SessionDirectory
from icat_tui.ingest.dataset_xml import Origin


class Site(Struct, frozen=True, kw_only=True):
    """Facility, data roots and defaults of messages that a run works with."""

    facility: Facility
    origin: Origin
    """Values of a message for fields that its metadata lack; its `now` is the time of the run."""
    data_roots: tuple[str, ...] = ()
    raw_format: AnyFormat = "auto"


class LocatedDirectory(Struct, frozen=True):
    """Directory with the session that it lies in; without one where it lies in none."""

    path: str
    session: SessionDirectory | None
    location: str
    """Where it lies, with links and mounts resolved."""


def locate(path: str, site: Site) -> LocatedDirectory:
    """Return a directory as its data root names it, with its session. Raises UsageError where it is not there."""
    try:
        if not stat.S_ISDIR(os.stat(path).st_mode):
            raise UsageError("it is no directory: name the directory of the dataset")
    except (OSError, ValueError) as error:  # ValueError: a NUL in it
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"the directory can't be looked at: {why}; check its path") from error
    absolute = "/" + os.path.abspath(path).lstrip("/")
    session = session_at(absolute, site)
    if session and not f"{absolute}/".startswith(f"{session.path}/"):  # its data root is known by another name
        below = os.path.relpath(os.path.realpath(absolute), os.path.realpath(session.path))
        absolute = f"{session.path}/{below}"
    return LocatedDirectory(absolute, session, resolved(absolute))


def session_at(path: str, site: Site) -> SessionDirectory | None:
    """Return the session on disk that a path lies in; None where there is none."""
    try:
        found = next(iter(sessions_at(path, site.data_roots, site.facility, site.raw_format)), None)
    except UsageError:  # not there, or in no session
        return None
    if not isinstance(found, SessionDirectory):
        return None
    holds = f"{os.path.realpath(path)}/".startswith(f"{os.path.realpath(found.path)}/")
    return found if holds else None
