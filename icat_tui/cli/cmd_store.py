"""`store-raw`, `store-processed`, `store-from-file`, `add-files`: sends what a person names.

ICAT and the journal are queried first.

What must stay true: the target of messages is logged before the first one is sent, and everything that was named is
reported (interface.md, "Commands").
"""

import configparser
import glob
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from icat_tui.atomic import write_file
from icat_tui.cli.console import write_lines
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.cli.parser import json_or_text
from icat_tui.cli.prompts import Questions
from icat_tui.cli.submit_reporter import EachMessageReporter
from icat_tui.disk.location import resolved
from icat_tui.domain.errors import ExitCode, UsageError
from icat_tui.regular_file import read_regular
from icat_tui.report.lines import Line
from icat_tui.services import Services
from icat_tui.sync.catalogue_query import ProposalListings
from icat_tui.sync.site import locate
from icat_tui.sync.store import NO_CATALOGUE, store
from icat_tui.sync.store_request import (
    INPUTS,
    AddFilesRequest,
    DatasetRequest,
    Request,
    StoredFileRequest,
    other_proposal,
    raw_body,
)
from icat_tui.text import visible


def store_raw(run: Run) -> ExitCode:
    """Register one directory, or write its message to a file; return the exit code.

    Raises UsageError where the arguments can't be used or no broker is known.
    """
    return _store_directory(run, {})


def store_processed(run: Run) -> ExitCode:
    """Register one directory of processed data, as `store_raw` does; return the exit code. Raises UsageError."""
    return _store_directory(run, {INPUTS: list(run.arguments.raw)})


def _store_directory(run: Run, further: dict[str, Any]) -> ExitCode:
    arguments = run.arguments
    request = DatasetRequest(
        beamline=arguments.beamline,
        proposal=arguments.proposal,
        dataset=arguments.dataset,
        path=arguments.path,
        metadata=_metadata_file(arguments.metadatafile)
        | dict(arguments.parameters)
        | {"Sample_name": arguments.sample}
        | further,
        strict=arguments.strict,
        investigation=arguments.investigation,
        yes_proposal=arguments.yes_proposal or "",
    )
    if arguments.store_filename:
        return _write_message(run, request, Path(arguments.store_filename))
    return _send(run, [_for_other_team(run, request)])


def _for_other_team(run: Run, request: DatasetRequest) -> DatasetRequest:
    """Return a request with the proposal that a person types once more, where its data would go to another team."""
    own = other_proposal(resolved(os.path.abspath(request.path)), request.proposal)
    if not own or request.yes_proposal or sys.stdin is None or not sys.stdin.isatty():
        return request
    question = (
        f"{visible(request.path)} is of proposal {visible(own)}: to show its data to the team of "
        f"{visible(request.proposal)}, type that proposal once more: "
    )
    return structs.replace(request, yes_proposal=Questions(run.cancellation).ask_line(question))


def store_from_file(run: Run) -> ExitCode:
    """Send the messages in files, oldest first; return the exit code. Raises UsageError where no broker is known."""
    files, missing = stored_files(run.arguments.files)
    return _send(run, [StoredFileRequest(path, run.arguments.yes_proposal or "") for path in files], missing)


def add_files(run: Run) -> ExitCode:
    """Ask ICAT to add the files of datasets; return the exit code. Raises UsageError where no broker is known."""
    arguments = run.arguments
    return _send(run, [AddFilesRequest(icat_id, arguments.investigation) for icat_id in dict.fromkeys(arguments.ids)])


def stored_files(arguments: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the files that arguments name, each once and the oldest first, and the arguments that name none.

    A name selects itself first, also where it holds characters of a glob; of a glob's matches the files count.
    """
    files: dict[str, str] = {}
    missing = []
    for argument in arguments:
        found = [argument] if os.path.lexists(argument) else [*filter(os.path.isfile, glob.glob(argument))]
        if not found:
            missing.append(argument)
        files |= {os.path.realpath(path): path for path in found if os.path.realpath(path) not in files}
    return sorted(files.values(), key=lambda path: (_modified(path), path)), missing


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:  # reading it reports why
        return 0


def _metadata_file(path: str | None) -> dict[str, Any]:
    """Return the parameters in a file of lines NAME=VALUE. Raises UsageError."""
    if path is None:
        return {}
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        parser.read_string("[parameters]\n" + read_regular(path).decode("utf-8-sig"), source=path)
    except OSError as error:
        raise UsageError(f"--metadatafile {visible(path)} can't be read: {error.strerror}") from error
    except (configparser.Error, UnicodeDecodeError) as error:
        what = visible(str(error))
        raise UsageError(f"--metadatafile {visible(path)} must hold lines NAME=VALUE: {what}") from error
    if further := parser.sections()[1:]:
        raise UsageError(f"--metadatafile {visible(path)} must hold lines NAME=VALUE, and has [{visible(further[0])}]")
    return {name: json_or_text(value) for name, value in parser["parameters"].items()}


def _write_message(run: Run, request: DatasetRequest, file: Path) -> ExitCode:
    """Write the message to a file, `.xml` appended where it is missing, and send nothing."""
    services = Services(run.settings)
    site = services.site(datetime.now(UTC))
    listings = ProposalListings(services.catalogue_if_known(), site.facility)
    body = raw_body(request, locate(request.path, site), site, listings)
    for warning in body.warnings:
        log.warning("%s", warning)
    path = file if file.suffix == ".xml" else file.with_name(f"{file.name}.xml")
    write_file(path, body.content)
    if not run.arguments.quiet and not run.arguments.json:
        write_lines([Line(f"wrote {visible(str(path))}: nothing was sent")])
    return ExitCode.DONE


def _send(run: Run, requests: Sequence[Request], missing: Iterable[str] = ()) -> ExitCode:
    """Send what was requested, and report the outcomes; return the exit code."""
    services, now = Services(run.settings), datetime.now(UTC)
    reporter = EachMessageReporter(run, services.target())
    for argument in missing:
        reporter.report_refused(argument, "there is no such file, nor a match: check the path", ExitCode.USAGE)
        reporter.other_exit_codes.add(ExitCode.USAGE)
    services.check_may_send()
    log.warning("%s", services.journal_words())
    catalogue = services.catalogue_if_known()
    if catalogue is None:
        log.warning("%s", NO_CATALOGUE)
    submission = services.submission(now, services.journal_view(), catalogue=catalogue, cache=services.cache())
    run.cancellation.expect_receipts()
    for event in store(requests, submission, services.site(now), run.cancellation, force=run.arguments.force):
        reporter.report(event)
    run.cancellation.check()
    if catalogue is not None:
        catalogue.close()
    return reporter.code
