"""Rows of ICAT that lie in sessions of another proposal or beamline than their investigation's, as runs have seen them.

A part of the index (interface.md, "Index"): a file for each proposal and beamline whose investigations list such rows.
What must stay true: a row counts until its investigation is listed in full without it.
"""

import hashlib
import json
import os
import re
import threading
from pathlib import Path

import msgspec
from msgspec import Struct

from icat_tui.atomic import write_file
from icat_tui.cache.session_cache import LONGEST_NAME
from icat_tui.domain.errors import SaveError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import location_key
from icat_tui.domain.model import ForeignRow
from icat_tui.regular_file import read_regular

SCHEMA = 1
"""Schema number of the files, to be raised whenever their content or form changes."""

Group = tuple[str, str]
"""Beamline and proposal of investigations."""


class _File(Struct, frozen=True):
    """Content of a file."""

    schema: int
    beamline: str
    proposal: str
    rows: tuple[ForeignRow, ...]


_decoder = msgspec.json.Decoder(_File)


class ForeignRows:
    """Rows that this run and earlier ones have seen. Every method may be called from any thread."""

    def __init__(self, facility: Facility, cache_dir: Path | None = None) -> None:
        """Begin with what is kept below `cache_dir`, read when it is needed; None: nothing is."""
        self._facility = facility
        self._directory = cache_dir and cache_dir / "icat-tui" / "foreign"
        self._lock = threading.Lock()
        self._groups: dict[Group, dict[int, tuple[ForeignRow, ...]]] | None = None
        """Rows by investigation; None: not read yet."""
        self._by_key: dict[str, ForeignRow] | None = None
        self._changed: set[Group] = set()

    def at(self, key: str) -> ForeignRow | None:
        """Return the row whose location has this `location_key`."""
        with self._lock:
            if self._by_key is None:
                rows = (row for group in self._known().values() for listed in group.values() for row in listed)
                self._by_key = {location_key(row.location, self._facility): row for row in rows}
            return self._by_key.get(key)

    def note(self, group: Group, investigation: int, rows: tuple[ForeignRow, ...], *, complete: bool) -> None:
        """Take what an investigation lists in place of what was known of it; beside that where it is not complete."""
        with self._lock:
            known = self._known().setdefault(group, {})
            before = known.get(investigation, ())
            now = rows if complete else tuple({row.id: row for row in (*before, *rows)}.values())
            if now == before:
                return
            known[investigation] = now
            self._by_key = None
            self._changed.add(group)

    def save(self) -> None:
        """Write what has changed, where a directory is known. Raises SaveError; what is kept already is still there."""
        with self._lock:
            changed, self._changed = self._changed, set()
            known = {group: self._known()[group] for group in changed}
        for group, listed in known.items() if self._directory else ():
            rows = [row for rows in listed.values() for row in rows]
            path = self._path(group)
            if rows:
                content = msgspec.to_builtins(_File(SCHEMA, *group, tuple(rows)))
                write_file(path, json.dumps(content).encode("ascii"))
            else:
                _remove(path)

    def _path(self, group: Group) -> Path:
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", "_".join(reversed(group)))[:LONGEST_NAME]
        digest = hashlib.sha256(os.fsencode("\0".join(group))).hexdigest()[:16]
        return (self._directory or Path()) / f"{plain}-{digest}.json"

    def _known(self) -> dict[Group, dict[int, tuple[ForeignRow, ...]]]:
        if self._groups is None:
            self._groups = {}
            for file in _files(self._directory):
                by_investigation = self._groups.setdefault((file.beamline, file.proposal), {})
                for row in file.rows:
                    by_investigation[row.investigation] = (*by_investigation.get(row.investigation, ()), row)
        return self._groups


def _files(directory: Path | None) -> list[_File]:
    """Return the files that can be read: what the others had is seen again when ICAT is asked."""
    found = []
    for path in _paths(directory) if directory else ():
        try:
            content = read_regular(path)
            file = _decoded(content)
        except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
            continue
        if file.schema == SCHEMA:
            found.append(file)
    return found


def _paths(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.suffix == ".json")
    except OSError:  # saving it reports why
        return []


def _decoded(content: bytes) -> _File:
    try:
        return _decoder.decode(content)
    except msgspec.MsgspecError:
        return msgspec.convert(json.loads(content), _File)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SaveError(f"{path} could not be removed: {error.strerror}") from error
