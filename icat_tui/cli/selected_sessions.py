"""Selection of sessions by the arguments, and what of it is not on disk (interface.md, "Selection").

What must stay true: what is named in full is either found or reported as missing.
"""

import os
from argparse import Namespace
from collections.abc import Iterator
from itertools import chain

from icat_tui.cli.named_datasets import NamedDatasets
from icat_tui.disk.filesystem import entries_of
from icat_tui.disk.find import (
    NO_PROPOSAL,
    AnyFormat,
    Listing,
    MisnamedError,
    find_sessions,
    roots_once,
    sessions_at,
    sessions_once,
)
from icat_tui.domain.errors import UsageError
from icat_tui.domain.formats import AUTO, RawFormat
from icat_tui.domain.model import SessionDirectory
from icat_tui.domain.scan_events import DirectoryFailed, Found
from icat_tui.domain.selection import Selection
from icat_tui.settings.schema import Settings

WHICH_SESSION = "say which session: give a PATH, or --beamline, --proposal and --session, or go into its directory"


class SelectedSessions:
    """Sessions that the arguments select; once they were yielded, also what was named and not found."""

    def __init__(
        self, settings: Settings, arguments: Namespace, raw_format: str, listing: Listing = entries_of
    ) -> None:
        """Take the selection from the arguments; `listing` lists a directory.

        Raises UsageError where a data root or PATH can't be used.
        """
        self._listing = listing
        self._facility = settings.facility
        self._roots = settings.data_root
        self._format: AnyFormat = "auto" if raw_format == AUTO else RawFormat(raw_format)
        self._selection = Selection(
            beamlines=tuple(arguments.beamline),
            proposals=tuple(arguments.proposal),
            sessions=tuple(arguments.session),
            since=arguments.since,
            until=arguments.until,
        )
        self.narrow = bool(
            arguments.paths
            or arguments.beamline
            or arguments.proposal
            or arguments.session
            or arguments.since
            or arguments.until
            or vars(arguments).get("dataset")
        )
        """Whether less than everything below the data roots is selected."""
        self._one_by_one = False
        """Whether each session was given by a PATH of its own."""
        self._incomplete = False
        self._dates: set[str] = set()
        self._proposals: set[str] = set()
        self.datasets: NamedDatasets | None = None
        """The datasets that `--dataset` names; then only their sessions are selected."""
        self._found = self._select(arguments)
        if vars(arguments).get("dataset"):
            self.datasets = NamedDatasets(arguments.dataset, self._at, self._found if arguments.paths else None)
            self._found = iter(self.datasets.found)
        if vars(arguments).get("investigation") is not None:
            self._found = iter(self._require_one_session())

    @property
    def is_named(self) -> bool:
        """Whether it is something named in full, that must be there."""
        return not self._selection.has_globs_or_dates

    def has_several(self) -> bool:
        """Return whether several sessions are selected, and not each by a PATH of its own; it looks for two at most."""
        if self._one_by_one:
            return False
        first: list[Found] = []
        for found in self._found:
            first.append(found)
            if sum(isinstance(each, SessionDirectory) for each in first) > 1:
                break
        self._found = chain(first, self._found)
        return sum(isinstance(each, SessionDirectory) for each in first) > 1

    def sessions(self) -> Iterator[Found]:
        """Yield the sessions, those of one proposal and beamline together, and directories that could not be listed."""
        for found in self._found:
            if isinstance(found, SessionDirectory):
                self._dates.add(found.date)
                self._proposals.add(found.proposal.lower())
            elif isinstance(found, DirectoryFailed) and found.reason != NO_PROPOSAL:
                self._incomplete = True
            yield found

    def missing(self) -> list[str]:
        """Return a line for each name given in full that was not found; complete once all sessions were yielded.

        Where a directory could not be listed this is not known, and nothing is reported as missing.
        """
        if self._incomplete:
            return []
        roots = ", ".join(self._roots)
        lines = [
            f"proposal {name} is not there: no such directory below {roots}; check its name, and --data-root"
            for name in self._selection.named_proposals()
            if name.lower() not in self._proposals and not self._has_proposal(name)
        ]
        lines += [
            f"session {name} is not there: nothing that is selected below {roots} has that date"
            for name in self._selection.named_sessions()
            if name not in self._dates
        ]
        return lines

    def _has_proposal(self, name: str) -> bool:
        """Return whether a proposal is on disk, without a selected session; True where that is not known."""
        try:
            return any(name.lower() in map(str.lower, os.listdir(root)) for root in self._roots)
        except FileNotFoundError:  # PATHs were given, and the data roots are not used
            return False
        except OSError:
            return True

    def _select(self, arguments: Namespace) -> Iterator[Found]:
        if arguments.paths:
            return self._at_paths(arguments.paths)
        if arguments.command == "check" and self._selection == Selection() and not arguments.data_root:
            return self._around_here()
        return self._below_roots()

    def _below_roots(self) -> Iterator[Found]:
        for root in self._roots:
            _require(root)
        return (
            found
            for root in roots_once(self._roots)
            for found in find_sessions(root, self._selection, self._facility, self._format, self._listing)
        )

    def _at_paths(self, paths: list[str]) -> Iterator[Found]:
        """Return the sessions at PATHs, each once; PATHs of the same proposal need not stand together."""
        at = [list(self._at(path)) for path in paths]
        self._one_by_one = all(len(found) <= 1 for found in at)
        return iter(sessions_once(each for found in at for each in found))

    def _at(self, path: str) -> Iterator[Found]:
        """Return the selected sessions at a PATH. Raises UsageError where it is not there, or in no session."""
        return sessions_at(path, self._roots, self._facility, self._format, self._selection, listing=self._listing)

    def _around_here(self) -> Iterator[Found]:
        """Return the session that the working directory is in, or those of the proposal or beamline that it is.

        Raises UsageError where it is none of these.
        """
        try:
            here = os.getcwd()
            found = sessions_at(here, self._roots, self._facility, self._format)
        except MisnamedError:
            raise
        except (UsageError, OSError) as error:
            raise UsageError(WHICH_SESSION) from error
        if here in map(os.path.realpath, self._roots):
            raise UsageError(WHICH_SESSION)
        return found

    def _require_one_session(self) -> list[Found]:
        """Return what was found, with the one session of `--investigation`. Raises UsageError where it is not one."""
        found = list(self._found)
        sessions = [each for each in found if isinstance(each, SessionDirectory)]
        if len(sessions) != 1:
            raise UsageError(f"--investigation takes a selection of one session, and {len(sessions)} are selected")
        return found


def _require(root: str) -> None:
    """Raise UsageError where a data root is not there; one that can't be looked at fails when it is listed."""
    try:
        os.listdir(root)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"data root {root} is not there: mount it, or name another with --data-root") from None
    except OSError:
        return
