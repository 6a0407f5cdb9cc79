"""Factory of everything that a run works with, from the settings in force; the only place where it is put together.

For the commands, the UI and the Python API. What must stay true: there is no broker but one that was named, and where
sending is forbidden the submission says why (promises.md 6).
"""

import logging
import os
import shutil
import sys
import sysconfig
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from icat_tui.cache.foreign_rows import ForeignRows
from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.catalogue.answers import ServerState
from icat_tui.catalogue.icatplus import DEFAULT_LIMITS, IcatPlus
from icat_tui.catalogue.limits import Limits
from icat_tui.disk.find import AnyFormat
from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.domain.errors import UsageError
from icat_tui.domain.facility import Facility
from icat_tui.domain.formats import AUTO, RawFormat
from icat_tui.domain.scan_events import Found
from icat_tui.domain.status import ACTIONABLE, Status
from icat_tui.domain.surroundings import Surroundings
from icat_tui.ingest.broker import Broker, Login
from icat_tui.ingest.dataset_xml import origin_here
from icat_tui.journal.directory import FIRST_VERSION, JournalDirectory, check_for_sending, writers_of
from icat_tui.journal.records import JournalError
from icat_tui.journal.view import JournalView
from icat_tui.journal.writer import Journal
from icat_tui.report.scripts import ScriptCall
from icat_tui.report.shell_command import CommandCall
from icat_tui.settings import command_line
from icat_tui.settings.schema import HomeUnknownError, Settings, own_directory
from icat_tui.sync.catalogue_query import Catalogue
from icat_tui.sync.plan import Terms
from icat_tui.sync.scan import ScanPlan
from icat_tui.sync.site import Site
from icat_tui.sync.submit import Submission

log = logging.getLogger("icat_tui")

NO_KEY = "elogbook-00000000-0000-0000-0000-000000000000"
"""Key for a server that needs none; any other server refuses it (icat.md, "The two calls")."""
NO_ICATPLUS = (
    "no URL of ICAT+ is known: give --icatplus URL, set ICAT_TUI_ICATPLUS or icatplus in config.toml, "
    "or name in BEACON_HOST a Beacon that knows it"
)
"""Error text for the command line; the UI and the Python API have their own."""
NO_ICATPLUS_TO_CHECK = (
    "no URL of ICAT+ is known, so nothing can be looked up: ask your local contact for it, or give --icatplus URL, set "
    "ICAT_TUI_ICATPLUS or icatplus in config.toml, or name in BEACON_HOST a Beacon that knows it"
)
"""Error text for `check`."""
NO_BROKER = (
    "no broker is known, so nothing can be sent: give --queue HOST:PORT, or set ICAT_TUI_QUEUE or queue in config.toml"
)


@dataclass(frozen=True)
class Services:
    """Factory of everything that a run works with; each call makes a new object but where it says otherwise."""

    settings: Settings

    @property
    def facility(self) -> Facility:
        """The facility of the settings."""
        return self.settings.facility

    @property
    def journal_directory(self) -> JournalDirectory:
        """The directory of the journal and the locks, which need not exist yet. Raises HomeUnknownError."""
        settings = self.settings
        older = (Path(f"{os.path.abspath(settings.cache_dir)}-state", FIRST_VERSION),) if settings.cache_dir else ()
        if settings.state_dir:
            return JournalDirectory(Path(settings.state_dir), older=older)
        return JournalDirectory(own_directory("state"), own=True, older=older)

    @property
    def raw_format(self) -> AnyFormat:
        """The format of raw data; `auto` where none is set."""
        return RawFormat(self.settings.format) if self.settings.format not in (None, AUTO) else "auto"

    def journal_words(self) -> str:
        """Return a text with the journal in force, and whether others see what is sent by it."""
        directory = self.journal_directory
        if directory.own:
            return f"the journal is your own, {directory.path}: others don't see what you send (see journal --init)"
        return f"the journal is {directory.path}, which {writers_of(directory.path)} can write"

    # -- catalogue, cache, journal ---------------------------------------------------------------------------------

    def catalogue_if_known(self, limits: Limits | None = None) -> IcatPlus | None:
        """Return the client of ICAT+ that the settings describe; None where they name none."""
        settings = self.settings
        if not settings.icatplus:
            return None
        client = IcatPlus(
            settings.icatplus,
            settings.api_key or NO_KEY,
            zone=self.facility.zone,
            jobs=settings.jobs,
            limits=DEFAULT_LIMITS if limits is None else limits,
        )
        client.answers = self.icatplus_state
        return client

    def catalogue(self, advice: str = NO_ICATPLUS) -> IcatPlus:
        """Return a client of ICAT+ with its own connections. Raises UsageError(advice) where none is named."""
        catalogue = self.catalogue_if_known()
        if catalogue is None:
            raise UsageError(advice)
        if not self.settings.api_key:
            log.info("no API key is known: asking ICAT+ without one")
        return catalogue

    def cache(self, index: SessionIndex | None = None) -> SessionCache | None:
        """Return the cache, which keeps `index` up to date; None where none is kept."""
        if not self.settings.cache_dir:
            return None
        return SessionCache(Path(self.settings.cache_dir), index.put if index else None)

    @cached_property
    def icatplus_state(self) -> ServerState:
        """How ICAT+ answers: the same for all clients that are made here."""
        return ServerState()

    @cached_property
    def foreign_rows(self) -> ForeignRows:
        """What was seen of other proposals: the same for everything that is made here."""
        return ForeignRows(self.facility, Path(self.settings.cache_dir) if self.settings.cache_dir else None)

    def journal_view(self) -> JournalView:
        """Return a view of the journal, for the rules. Raises JournalError where it can't be read."""
        try:
            return JournalView(self.journal_directory, self.facility)
        except HomeUnknownError as error:
            raise JournalError(f"{error}, or state_dir") from error

    # -- what the rules need to know -------------------------------------------------------------------------------

    def surroundings(self, now: datetime, view: JournalView | None) -> Surroundings:
        """Return everything that the rules need to know besides disk and catalogue."""
        return Surroundings(
            facility=self.facility,
            now=now,
            data_roots=self.settings.data_root,
            foreign=self.foreign_rows,
            settle_time=self.settings.settle_time,
            sent=view,
            pending_timeout=self.settings.pending_timeout,
        )

    def scan_plan(
        self,
        found: Iterable[Found],
        catalogue: Catalogue,
        surroundings: Surroundings,
        cache: SessionCache | None,
    ) -> ScanPlan:
        """Return the plan of a scan; processes that read are started once it is worthwhile."""
        return ScanPlan(
            found=found,
            catalogue=catalogue,
            around=surroundings,
            cache=cache,
            known=cache or self.cache(),
            fingerprint_age=self.settings.fingerprint_age,
            max_age=self.settings.max_age,
            jobs=self.settings.jobs,
            processes=None,
        )

    def site(self, now: datetime) -> Site:
        """Return the site, for datasets that are registered by hand."""
        return Site(
            facility=self.facility,
            origin=origin_here(now),
            data_roots=self.settings.data_root,
            raw_format=self.raw_format,
        )

    def terms(
        self,
        now: datetime,
        *,
        statuses: Sequence[Status] = ACTIONABLE,
        paths: Collection[str] | None = None,
        chosen: int | None = None,
        again: bool = False,
    ) -> Terms:
        """Return the terms on which plans are made."""
        return Terms(
            facility=self.facility,
            origin=origin_here(now),
            statuses=tuple(statuses),
            paths=None if paths is None else frozenset(paths),
            chosen=chosen,
            again=again,
        )

    # -- sending ---------------------------------------------------------------------------------------------------

    @property
    def read_only_reason(self) -> str:
        """Reason why nothing may be sent by these settings; empty where sending is allowed."""
        if not self.settings.read_only:
            return ""
        return f"nothing can be sent, as read_only is set by {self.settings.origin.get('read_only', 'a default')}"

    def target(self) -> str:
        """Return a text with the brokers that messages go to, and the source of that setting."""
        named = ", ".join(map(str, self.settings.queue)) or "no broker"
        return f"{named} (from {self.settings.origin.get('queue', 'a default')})"

    def forbidden(self, brokers: Sequence[BrokerAddress] | None = None) -> str:
        """Return why nothing may be sent to the brokers of the settings, or to `brokers`; empty where something may."""
        if self.read_only_reason:
            return f"{self.read_only_reason}: leave it out to send"
        return "" if (self.settings.queue if brokers is None else brokers) else NO_BROKER

    def check_may_send(self, brokers: Sequence[BrokerAddress] | None = None) -> None:
        """Raise UsageError where nothing may be sent: for those who want to know before anything else is read."""
        if reason := self.forbidden(brokers):
            raise UsageError(reason)
        check_for_sending(self.journal_directory)

    def submission(
        self,
        now: datetime,
        view: JournalView,
        *,
        catalogue: Catalogue | None,
        cache: SessionCache | None,
        brokers: Sequence[BrokerAddress] | None = None,
    ) -> Submission:
        """Return everything that sending works with, to the brokers of the settings or those at `brokers`.

        Where nothing may be sent, or no broker is known, checking or using it raises UsageError.
        """
        settings = self.settings
        addresses = tuple(settings.queue if brokers is None else brokers)
        login = Login(settings.broker_login, settings.broker_passcode or "") if settings.broker_login else None
        return Submission(
            catalogue=catalogue,
            surroundings=self.surroundings(now, view),
            view=view,
            journal=Journal(self.journal_directory),
            broker=Broker(
                addresses=addresses, login=login, login_for=frozenset(settings.login_for), rate=settings.rate
            ),
            cache=cache,
            verify_wait=settings.verify_wait,
            recheck_age=settings.recheck_age,
            lock_wait=settings.wait,
            forbidden=self.forbidden(brokers),
        )

    # -- scripts ---------------------------------------------------------------------------------------------------

    def script_call(self) -> ScriptCall:
        """Return the programs and options that the scripts of the overview call."""
        settings = self.settings
        return ScriptCall(
            program=_program("icat-sync-raw", "sync"),
            store_program=_program("icat-store-raw", "store-raw"),
            data_roots=settings.data_root if "data_root" in settings.origin else (),
            cache_dir=settings.cache_dir,
            save_dir=settings.save_dir,
            config=settings.config,
            options=tuple(command_line.options(settings, ("icatplus", "queue", "jobs", "rate"))),
        )

    # -- commands --------------------------------------------------------------------------------------------------

    def command_call(self, cache_dir: Path) -> CommandCall:
        """Return what commands have in common that do what is done here, with this cache; no secrets.

        They repeat what no settings file holds, also the servers that Beacon told.
        """
        settings = self.settings
        common = [("--config", os.path.abspath(settings.config))] if settings.config else []
        if not settings.cache_dir or command_line.is_given(settings, "cache_dir"):
            common.append(("--cache-dir", os.path.abspath(cache_dir)))
        common += command_line.options(settings, ("icatplus", "queue"), beacon=True)
        common += command_line.options(settings, ("rate", "wait"))
        return CommandCall(
            program=_short_program(),
            common=tuple(common),
            roots=settings.data_root if command_line.is_given(settings, "data_root") else (),
            variables=tuple(command_line.variables(settings, command_line.WITHOUT_OPTION)),
            by_hand=tuple(command_line.variables(settings, ("data_root", "format"))),
        )


def _short_program() -> tuple[str, ...]:
    """Return the words that call `icat-tui`: its name, where that leads to this installation, else its path."""
    installed = _program("icat-tui")
    found = shutil.which("icat-tui")
    return ("icat-tui",) if found and os.path.realpath(found) == os.path.realpath(installed[0]) else installed


def _program(script: str, *command: str) -> tuple[str, ...]:
    """Return the words that call an installed program of icat-tui from any directory."""
    installed = Path(sysconfig.get_path("scripts"), script)
    return (str(installed),) if installed.exists() else (sys.executable, "-m", "icat_tui", *command)
