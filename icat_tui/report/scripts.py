"""Bash scripts of the overview: for each category, the calls that look at its sessions again.

Source: interface.md, "Scripts". What must stay true: a name on disk is one word of one line, whatever bytes it holds,
and is never run. A script contains no secret, and sends nothing unless it is called with `--register`.
"""

import os
from collections.abc import Iterator

from msgspec import Struct

from icat_tui.domain.model import Dataset, Session, SessionDirectory
from icat_tui.domain.status import Category, Status
from icat_tui.report.shell_command import store_words
from icat_tui.report.shell_words import bash_words
from icat_tui.text import visible


class ScriptCall(Struct, frozen=True, kw_only=True):
    """Arguments common to all calls in a script; relative paths are resolved when the script is written."""

    program: tuple[str, ...]
    """Our `icat-sync-raw`, by its absolute path."""
    store_program: tuple[str, ...]
    """Our `icat-store-raw`, by its absolute path."""
    data_roots: tuple[str, ...] = ()
    """Data roots, where they are not the default ones."""
    cache_dir: str | None = None
    save_dir: str | None = None
    config: str | None = None
    """The settings file, where one was named."""
    options: tuple[tuple[str, str], ...] = ()
    """Other options of the run with their values, such as the servers that it was told to use."""


HEAD = """\
#!/usr/bin/env bash
# Sessions of category {category} ({format}): {meaning}.
# Arguments go to every call: ./{category}.sh --register
# Stops where a call ends with 6 (q was answered) or above 128 (a signal), and ends with the same; goes on after any
# other failure, and ends with the highest code there was.
# Quoted names may hold what shellcheck takes for a mistake:
# shellcheck disable=SC1003,SC1110,SC1111,SC1112,SC2016,SC2088
{{  # bash reads on to the closing brace before it runs anything: this file may be rewritten meanwhile
code=0 highest=0
trap 'code=$?
    if ((code == 6 || code > 128)); then exit "$code"; fi
    if ((code > highest)); then highest=$code; fi' ERR

"""
TAIL = """
exit "$highest"
}
"""
INVALID_HINT = """\
# Below each session: its invalid datasets and why they are. Put right what is wrong, and the line without its `#`
# registers the dataset by hand. A sample that is not known is called as the collection is: make sure of it. A time that
# is not known is given as -p startDate=2026-01-31T08:00:00+01:00 -p endDate=2026-01-31T09:00:00+01:00.

"""


def script_head(category: Category, raw_format: str) -> str:
    """Return the beginning of a script, up to its first session."""
    head = HEAD.format(category=category.value, format=raw_format, meaning=category.meaning)
    return head + INVALID_HINT if category == Category.HAS_INVALID else head


def session_lines(session: Session, category: Category, call: ScriptCall) -> str:
    """Return the lines of a session in the script of a category; for `has_invalid` with its invalid datasets."""
    lines = [bash_words(_sync_words(session.directory, call)) + ' "$@"']
    if category == Category.HAS_INVALID:
        lines.extend(_invalid_lines(session, call))
    return "".join(f"{line}\n" for line in lines)


def _sync_words(directory: SessionDirectory, call: ScriptCall) -> Iterator[str]:
    yield from call.program
    yield from ("--format", directory.format)
    for root in call.data_roots:
        yield from ("--data-root", os.path.abspath(root))
    for option, path in (("--cache-dir", call.cache_dir), ("--save-dir", call.save_dir), ("--config", call.config)):
        if path is not None:
            yield from (option, os.path.abspath(path))
    yield from _option_words(call)
    # No `--` before it, or "$@" could hold no options; an absolute path never looks like an option.
    yield os.path.abspath(directory.path)


def _option_words(call: ScriptCall) -> Iterator[str]:
    return (f"{option}={value}" for option, value in call.options)


def _invalid_lines(session: Session, call: ScriptCall) -> Iterator[str]:
    for dataset in session.datasets:
        if dataset.status == Status.INVALID:
            for reason in dataset.reasons:
                yield f"    # why: {visible(reason)}"
            yield f"    # {bash_words(_store_words(dataset, session.directory, call))}"


def _store_words(dataset: Dataset, directory: SessionDirectory, call: ScriptCall) -> Iterator[str]:
    yield from call.store_program
    if call.config is not None:
        yield from ("--config", os.path.abspath(call.config))
    yield from _option_words(call)
    directory_name = os.path.basename(dataset.path)
    given = {
        "beamline": directory.beamline,
        "proposal": directory.proposal,
        "dataset": dataset.name or directory_name,
        "sample": dataset.sample or dataset.collection or directory_name,
        "path": dataset.path,
    }
    times = {"startDate": dataset.start, "endDate": dataset.end}
    yield from store_words(given, {name: moment.isoformat() for name, moment in times.items() if moment is not None})
