"""The two questions to ICAT+ that matter: investigations of a proposal, and datasets of an investigation.

What must stay true: only a complete answer of ICAT+ is OK or EMPTY. Whatever else happens is an answer of another kind
with its reason, never an empty list and never an exception (icat.md, "Known faults", D3, D4).
"""

import json
import logging
import threading
from collections.abc import Callable, Hashable, Iterable
from datetime import tzinfo
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from icat_tui.catalogue.api_key import PLACE, ApiKey
from icat_tui.catalogue.limits import Gate, Limits, Stopped
from icat_tui.catalogue.parse import element_id, elements, page_total, parse_dataset, parse_investigation
from icat_tui.domain.errors import UsageError
from icat_tui.domain.model import Answer, CatalogueDataset, Investigation, Outcome

if TYPE_CHECKING:
    from icat_tui.catalogue.transport import Transport

log = logging.getLogger(__name__)

DEFAULT_LIMITS = Limits()
Row = TypeVar("Row", bound=Hashable)


class IcatPlus:
    """ICAT+, asked by any number of threads; each call blocks until there is an answer of some kind."""

    def __init__(self, url: str, api_key: str, *, zone: tzinfo, jobs: int = 8, limits: Limits = DEFAULT_LIMITS) -> None:
        """Ask at `url` (https where it names no scheme), with at most `jobs` requests at once.

        Times without an offset are taken for those of `zone`, the facility's. Raises `UsageError` for a URL that can't
        be used. Nothing is sent yet, and requests is not imported.
        """
        self._url = _base(url)
        self._key = ApiKey(api_key)
        self._zone = zone
        self._jobs = jobs
        self._gate = Gate(jobs, limits)
        self._opening = threading.Lock()
        self._opened: Transport | None = None

    def __enter__(self) -> Self:
        """Return the client, to be closed at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()

    def investigations(self, beamline: str, proposal: str) -> Answer[Investigation]:
        """Return all investigations of a proposal at a beamline, both named as in the paths (icat.md, "The two calls")."""
        query = _query(instrumentName=beamline, investigationName=proposal)
        asked = f"the investigations of {proposal} at {beamline}"
        return self._list(f"investigation?{query}", asked, lambda element: parse_investigation(element, self._zone))

    def datasets(self, investigation: int) -> Answer[CatalogueDataset]:
        """Return all datasets of an investigation, processed ones among them."""
        query = _query(investigationId=str(investigation))
        asked = f"the datasets of investigation {investigation}"
        return self._list(f"dataset?{query}", asked, lambda element: parse_dataset(element, investigation))

    def close(self) -> None:
        """End every call under way, in whatever thread and whatever the server does: it returns UNAVAILABLE.

        So does every later call. May be called from any thread, more than once.
        """
        self._gate.close()
        if self._opened is not None:
            self._opened.close()

    def _list(self, target: str, asked: str, parse: Callable[[object], Row]) -> Answer[Row]:
        """Ask for a list, and for the rest of it where ICAT+ says that there is more (icat.md, "The two calls")."""
        listing = _Listing(asked, parse)
        page = ""
        while True:
            body = self._transport().get(f"/dataacquisition/{PLACE}/{target}{page}", asked)
            if isinstance(body, Answer):
                return body
            try:
                fresh = listing.take(elements(body), self._gate)
            except Stopped as stopped:
                return Answer(Outcome.UNAVAILABLE, reason=str(stopped))
            except ValueError:
                return Answer(Outcome.MALFORMED, reason=f"ICAT+ did not send {asked} as a list in JSON{_hint(body)}")
            if not listing.missing:
                return listing.answer()
            if not fresh:
                return Answer(Outcome.MALFORMED, reason=listing.shortfall())
            page = f"&limit={listing.missing}&skip={listing.arrived}"

    def _transport(self) -> "Transport":
        with self._opening:
            if self._opened is None:
                from icat_tui.catalogue.transport import Transport  # noqa: PLC0415 -- imports requests: slow, maybe needless

                self._opened = Transport(self._url, self._key, self._gate, jobs=self._jobs)
            return self._opened


class _Listing(Generic[Row]):
    """What has arrived of a list, page by page."""

    def __init__(self, asked: str, parse: Callable[[object], Row]) -> None:
        self.arrived = 0
        """Elements so far; one that comes again on a later page does not count again."""
        self._asked = asked
        self._parse = parse
        self._total = 0
        self._seen: set[Hashable] = set()
        self._rows: dict[Row, None] = {}
        self._unreadable: list[str] = []

    @property
    def missing(self) -> int:
        """How many elements there are beyond those that arrived, by what ICAT+ said on the first page."""
        return max(self._total - self.arrived, 0)

    def take(self, page: Iterable[Any], gate: Gate) -> bool:
        """Take a page in and return whether anything on it is new.

        Raises `Stopped` at a close, ValueError where the page turns out to be garbage.
        """
        first, before = not self.arrived, self.arrived
        seen: set[Hashable] = set()
        for element in page:
            gate.check_open()
            identity = _identity(element)
            seen.add(identity)
            if identity not in self._seen:
                self.arrived += 1
                self._read(element)
            if first:
                self._total = max(self._total, page_total(element) or 0)
        self._seen |= seen
        return self.arrived > before

    def answer(self) -> Answer[Row]:
        """Return all that arrived."""
        outcome = Outcome.OK if self.arrived else Outcome.EMPTY
        return Answer(outcome, tuple(self._rows), tuple(self._unreadable))

    def shortfall(self) -> str:
        """Return in words what is missing."""
        return f"ICAT+ sent {self.arrived} of {self._total} entries when asked for {self._asked}, and no more"

    def _read(self, element: object) -> None:
        try:
            self._rows[self._parse(element)] = None
        except ValueError as error:
            number = element_id(element)
            name = f"place {self.arrived}" if number is None else f"id {number}"
            log.info("ICAT+ sent an entry that could not be read (%s of %r): %s", name, self._asked, error)
            self._unreadable.append(name)


def _identity(element: object) -> Hashable:
    """Return what tells whether an element came before: its id, else all of it but the number of its page."""
    number = element_id(element)
    if number is not None:
        return number
    if isinstance(element, dict):
        element = {name: value for name, value in element.items() if name != "meta"}
    return json.dumps(element, sort_keys=True)


def _base(url: str) -> str:
    """Return the URL that everything is asked below, without a slash at its end; https where it names no scheme."""
    url = url.strip()
    url = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        hidden = url.rpartition("@")[2]
        raise UsageError(f"the URL of ICAT+ can't be used: {hidden!r}; give it as https://HOST or https://HOST:PORT")
    return url.rstrip("/")


def _query(**parameters: str) -> str:
    """Return a query with its parameters in the order given (icat.md, "Mock server": some servers rely on it)."""
    return urlencode(parameters, quote_via=quote, safe="", errors="surrogateescape")


def _hint(body: bytes) -> str:
    return " but a page of HTML; is the URL right?" if body.lstrip().startswith(b"<") else ""
