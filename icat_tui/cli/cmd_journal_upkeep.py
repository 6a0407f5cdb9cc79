"""`icat-tui journal --init`, `--repair` and `--settle`: what a person does about the journal itself.

Source: interface.md, "Journal". What must stay true: nothing that is there is changed or overwritten.
"""

import os
from pathlib import Path

from icat_tui.cli.console import write_lines
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.disk.location import lock_warning, resolved
from icat_tui.domain.errors import ExitCode, SaveError, UsageError, exit_code
from icat_tui.journal.directory import FIRST_VERSION, JournalDirectory, fingerprint, make_journal, new_mark, read_mark
from icat_tui.journal.first_version import lines_by_shard
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.records import Settlement
from icat_tui.journal.repair import set_aside_damage
from icat_tui.journal.shared_file import make_directory
from icat_tui.journal.writer import Journal
from icat_tui.report.lines import Line
from icat_tui.services import Services
from icat_tui.sync.pending_messages import settle as record_settled
from icat_tui.text import counted, visible


def init(run: Run) -> ExitCode:
    """Make a journal that is shared, and print the line for the settings; return the exit code.

    Raises UsageError where the directory can't be one, SaveError where it can't be made.
    """
    arguments = run.arguments
    path = Path(os.path.abspath(arguments.init or Services(run.settings).journal_directory.path))
    old = Path(arguments.import_file) if arguments.import_file else None
    if (mark := read_mark(path)) is not None:
        log.warning("%s is a journal already: made %s by %s on %s", path, mark.made_at, mark.made_by, mark.host)
        if old is not None:
            raise UsageError("a journal of the first version is taken in by one that is new: name another directory")
        _write(run, path)
        return ExitCode.DONE
    _check_empty(path, old)
    shards, lost = lines_by_shard(old, resolved) if old else ({}, 0)
    try:
        make_directory(path)
        make_journal(path, new_mark((fingerprint(old),) if old else ()))
        journal = Journal(JournalDirectory(path))
        for shard, lines in shards.items():
            journal.take_in(shard, lines)
    except OSError as error:
        raise SaveError(f"{visible(str(path))} can't be made a journal: {error.strerror or error}") from error
    _write(run, path)
    if warning := lock_warning(str(path)):
        log.warning("%s", warning)
    if lost:
        log.error("%s of %s can't be read, and are damaged lines now: see icat-tui journal", counted(lost, "line"), old)
    return ExitCode.PARTIAL if lost else ExitCode.DONE


def _check_empty(path: Path, old: Path | None) -> None:
    """Raise UsageError where a directory can't become a journal."""
    if not path.parent.is_dir():
        raise UsageError(f"{visible(str(path.parent))} is not there: is it mounted? Only {path.name} is made")
    try:
        there = {entry.name for entry in path.iterdir()} if path.exists() else set()
    except OSError as error:
        raise UsageError(f"{visible(str(path))} can't be a journal: {error.strerror}") from error
    if old is not None and old.absolute() == path / FIRST_VERSION:
        there -= {FIRST_VERSION, "locks"}
    if there:
        raise UsageError(f"{visible(str(path))} is not empty: name a directory that is empty or not there yet")


def _write(run: Run, path: Path) -> None:
    if not run.arguments.quiet and not run.arguments.json:
        write_lines([Line(f'state_dir = "{visible(str(path))}"')])


def repair(run: Run, reader: JournalReader) -> ExitCode:
    """Set damaged lines aside, and print each; return the exit code. Raises JournalError."""
    journal = Journal(reader.directory)
    codes = set()
    for shard in reader.all_shards():
        for damaged in set_aside_damage(journal, shard):
            text = damaged.damage.content[:200].decode("utf-8", "surrogateescape")
            if not run.arguments.quiet and not run.arguments.json:
                write_lines([Line(f"set aside: {shard.path}, byte {damaged.offset}: {visible(text)}")])
        shard.reread()
        if shard.trouble or shard.index.damaged:
            log.error("%s", shard.trouble or f"{shard.path} has lines that a newer version wrote: use that one")
            codes.add(ExitCode.PARTIAL)
    return exit_code(codes)


def settle(run: Run, reader: JournalReader) -> ExitCode:
    """Record what a person says that became of a message; return the exit code. Raises UsageError, JournalError."""
    arguments = run.arguments
    if not arguments.settled_as or not arguments.why:
        raise UsageError("--settle takes --as seen or --as lost, and --why TEXT")
    named = [
        sending
        for shard in reader.all_shards()
        for sending in shard.index.sendings()
        if sending.id.startswith(arguments.settle)
    ]
    if len(named) != 1:
        raise UsageError(
            f"{visible(arguments.settle)} is the id of {counted(len(named), 'message')}: see journal --json"
        )
    record_settled(named, reader.directory, Settlement(arguments.settled_as), arguments.why)
    if not run.arguments.quiet and not run.arguments.json:
        write_lines([Line(f"settled as {arguments.settled_as}: {visible(named[0].dataset)}")])
    return ExitCode.DONE
