"""Selection of sessions by beamline, proposal, session and date (interface.md, "Selection").

What must stay true: a name always selects itself, also where it has characters with a meaning in globs.
"""

import re
from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase

from msgspec import Struct

from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import date_in_name, session_date


class Selection(Struct, frozen=True, kw_only=True):
    """Case-insensitive names and globs, by field; of several one has to match, with none every name does."""

    beamlines: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    since: date | None = None
    """The first selected session date."""
    until: date | None = None
    """The last selected session date."""

    @property
    def has_globs_or_dates(self) -> bool:
        """Whether it may well match nothing, as globs and dates do."""
        given = self.beamlines + self.proposals
        return bool(self.sessions or self.since or self.until or len(_literals(given)) < len(given))

    def wants_proposal(self, directory: str) -> bool:
        """Return whether the proposal directory of this name may hold selected sessions."""
        return _matches(self.proposals, {directory})

    def wants_beamline(self, directory: str, facility: Facility) -> bool:
        """Return whether the beamline directory of this name may hold selected sessions.

        A pattern is compared with its name and all names of the beamline: `id23-1` and `id23eh1` both find `id23eh1`,
        `ID23-1` and `id23-1` (icat.md, "Known faults", D23).
        """
        beamline = facility.beamline(directory)
        known = facility.beamline_directories.get(beamline, beamline)
        return _matches(self.beamlines, {directory, beamline, known})

    def wants_session(self, directory: str) -> bool:
        """Return whether the directory of this name is a selected session; its name must be a possible date."""
        day = session_date(directory)
        return day is not None and _matches(self.sessions, {directory}) and self._wants_day(day)

    def may_mean(self, directory: str) -> bool:
        """Return whether a directory that is no session may be meant all the same: by its name, or the date in it."""
        digits = date_in_name(directory) or ""
        if not _matches(self.sessions, {directory, digits}):
            return False
        day = session_date(digits)
        return self._wants_day(day) if day else self.since is None and self.until is None

    def _wants_day(self, day: date) -> bool:
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)

    def named_proposals(self) -> tuple[str, ...]:
        """Return the proposals that are named without a glob: a missing one is an error (exit code 2)."""
        return _literals(self.proposals)

    def named_sessions(self) -> tuple[str, ...]:
        """Return the sessions that are named without a glob: a missing one is an error (exit code 2)."""
        return _literals(self.sessions)


def _matches(patterns: tuple[str, ...], names: Iterable[str]) -> bool:
    if not patterns:
        return True
    lowered = [name.lower() for name in names]
    return any(
        name == pattern or fnmatchcase(name, pattern) for pattern in map(str.lower, patterns) for name in lowered
    )


def _literals(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(pattern for pattern in patterns if not re.search(r"[*?\[]", pattern))
