"""`icat-tui journal`: lists, verifies and resumes what the journal has (interface.md, "Journal").

What must stay true: listing writes nothing, `--verify` sends nothing, and `--resume` sends plans alone, each checked
again, after a confirmation.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from icat_tui.cli.cmd_journal_upkeep import init, repair, settle
from icat_tui.cli.console import write, write_lines
from icat_tui.cli.context import Run
from icat_tui.cli.logging_setup import log
from icat_tui.cli.prompts import Questions, Reply
from icat_tui.cli.submit_reporter import EachMessageReporter, subject_of
from icat_tui.domain.errors import ExitCode, UsageError, exit_code
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.sendings import MessageState, Sending, ShardIndex
from icat_tui.journal.view import troubles_of
from icat_tui.report.jsonl import SCHEMA, Record, json_line
from icat_tui.report.lines import Line
from icat_tui.report.totals import SentCounts
from icat_tui.services import Services
from icat_tui.sync.pending_messages import look_for
from icat_tui.sync.resume import resume
from icat_tui.sync.verify import MessageConfirmed, SentItem
from icat_tui.text import counted, visible

COLOURS = {
    MessageState.PLANNED: "grey",
    MessageState.INTENDED: "reverse",
    MessageState.ACCEPTED: "blue",
    MessageState.REJECTED: "red",
    MessageState.UNKNOWN: "reverse",
    MessageState.SEEN: "green",
}


def journal(run: Run) -> ExitCode:
    """List, verify or resume the messages of the journal; return the exit code.

    Raises JournalError where it can't be read or written, UsageError where settings are missing.
    """
    if run.arguments.yes and not run.arguments.resume:
        raise UsageError("--yes answers what --resume asks: give both, or leave it out")
    if run.arguments.import_file and run.arguments.init is None:
        raise UsageError("--import takes in what --init makes: give both")
    services = Services(run.settings)
    if run.arguments.init is not None:
        return init(run)
    reader = JournalReader(services.journal_directory, services.facility)
    reader.refresh()
    if run.arguments.repair:
        return repair(run, reader)
    if run.arguments.settle is not None:
        return settle(run, reader)
    troubles: list[str] = []
    sendings: list[Sending] = []
    for shard in reader.all_shards():
        troubles += troubles_of([shard])
        sendings += _wanted(shard.index, run)
    for trouble in troubles:
        log.error("%s", trouble)
    if run.arguments.verify:
        code = _verify(run, services, sendings)
    elif run.arguments.resume:
        code = _resume(run, services, sendings)
    else:
        _list(run, sendings)
        code = ExitCode.DONE
    return exit_code({code, *({ExitCode.PARTIAL} if troubles else ())})


def _wanted(index: ShardIndex, run: Run) -> Iterator[Sending]:
    if run.arguments.resume:
        return index.planned()
    return index.pending() if run.arguments.pending or run.arguments.verify else index.sendings()


# -- listing ---------------------------------------------------------------------------------------------------------


def _list(run: Run, sendings: Iterable[Sending]) -> None:
    """Print messages, the newest last."""
    listed = sorted(sendings, key=lambda sending: sending.time)
    if run.arguments.json:
        for sending in listed:
            write(json_line(_record(run, sending)) + "\n")
        return
    if not listed:
        log.warning(
            "nothing is %s in %s",
            "pending" if run.arguments.pending else "written",
            Services(run.settings).journal_directory.path,
        )
    write_lines(_lines(run, listed))


def _lines(run: Run, sendings: Iterable[Sending]) -> Iterator[Line]:
    zone = run.settings.facility.zone
    for sending in sendings:
        moment = f"{sending.time.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        words = f" ({visible(sending.words)})" if sending.words else ""
        text = f"{moment}  {sending.user:8}  {sending.state:8}  {sending.action:15}  {subject_of(sending)}"
        yield Line(f"{visible(text)}{words}", COLOURS[sending.state])


def _record(run: Run, sending: Sending) -> Record:
    return {
        "type": "sending",
        "schema": SCHEMA,
        "id": sending.id,
        "time": sending.time.astimezone(run.settings.facility.zone).isoformat(),
        "user": sending.user,
        "host": sending.host,
        "state": sending.state.value,
        "action": sending.action.value,
        "dataset": sending.dataset,
        "icat_id": sending.icat_id,
        "investigation": sending.investigation,
        "destination": sending.destination,
        "digest": sending.digest,
        "words": sending.words,
    }


# -- asking ICAT -----------------------------------------------------------------------------------------------------


def _verify(run: Run, services: Services, pending: list[Sending]) -> ExitCode:
    """Query ICAT once for pending messages, record what it shows, and print all; return the exit code."""
    if not pending:
        log.warning("nothing is pending")
        return ExitCode.DONE
    catalogue = services.catalogue()
    confirmed: set[str] = set()
    failed: set[str] = set()
    directory, facility = services.journal_directory, run.settings.facility
    for event in look_for(pending, catalogue, directory, facility, run.cancellation):
        if isinstance(event, MessageConfirmed):
            confirmed.add(event.message.id)
            _write_result(run, event.message, "seen", f"in investigation {event.investigation}")
        else:
            failed.add(event.message.id)
            log.error("%s: could not be looked for: %s", subject_of(event.message), event.reason)
            _write_result(run, event.message, "unknown", event.reason)
    run.cancellation.check()
    catalogue.close()
    waiting = [each for each in pending if each.id not in confirmed | failed]
    for sending in waiting:
        _write_result(run, sending, "pending", f"{sending.reason}; ICAT does not show it yet")
    run.summary.sent = lambda: SentCounts(
        confirmed=len(pending), accepted=len(confirmed) + len(waiting), seen=len(confirmed), unknown=len(failed)
    )
    if not run.arguments.quiet:
        text = f"{len(confirmed)} seen in ICAT, {len(waiting)} pending, {len(failed)} could not be looked for"
        run.summary.closing_lines = [Line(text)]
    if not failed:
        return ExitCode.DONE
    return ExitCode.PARTIAL if confirmed or waiting else ExitCode.NOTHING


def _write_result(run: Run, item: SentItem, state: str, reason: str) -> None:
    subject = subject_of(item)
    if run.arguments.json:
        record = {"type": "message", "schema": SCHEMA, "subject": subject, "fate": state, "reason": reason}
        write(json_line(record) + "\n")
    elif not run.arguments.quiet:
        colour = {"seen": "green", "pending": "blue", "unknown": "reverse"}[state]
        write_lines([Line(f"{state}: {visible(subject)} ({visible(reason)})", colour)])


# -- resuming plans --------------------------------------------------------------------------------------------------


def _resume(run: Run, services: Services, planned: list[Sending]) -> ExitCode:
    """Send planned messages that were never sent, after a question; return the exit code."""
    if not planned:
        log.warning("nothing was planned and not sent")
        return ExitCode.DONE
    services.check_may_send()
    now, catalogue = datetime.now(UTC), services.catalogue()
    questions = Questions(run.cancellation)
    if not _confirmed(run, planned, services.target(), questions):
        if questions.end is Reply.NOBODY:
            log.error("nobody answered: nothing is sent")
        return ExitCode.DONE if questions.end is None else ExitCode.STOPPED
    submission = services.submission(now, services.journal_view(), catalogue=catalogue, cache=services.cache())
    reporter = EachMessageReporter(run, services.target())
    run.cancellation.expect_receipts()
    for event in resume(planned, submission, services.site(now), run.cancellation):
        reporter.report(event)
    run.cancellation.check()
    catalogue.close()
    return reporter.code


def _confirmed(run: Run, planned: list[Sending], target: str, questions: Questions) -> bool:
    """Return whether a person confirms plans. Raises UsageError where there is no terminal to ask on."""
    log.warning("%s", Services(run.settings).journal_words())
    log.warning("%s planned and not sent, for %s", counted(len(planned), "message"), target)
    if run.arguments.yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on whether these are to be sent: say so with --resume --yes")
    write_lines(_lines(run, planned))
    return questions.ask_line(f"Send {counted(len(planned), 'message')}? (y/[n]) ").lower() in ("y", "yes")
