"""Client of ICAT+ with its two calls: investigations of a proposal, and datasets of an investigation.

What must stay true: only a complete answer of ICAT+ is OK or EMPTY. Everything else is an answer with another outcome
and its reason, never an empty list and never an exception (icat.md, "Known faults", D3, D4).
"""

import json
import logging
import threading
from collections.abc import Callable, Hashable, Iterable
from datetime import tzinfo
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from icat_tui.catalogue.answers import ServerState
from icat_tui.catalogue.api_key import PLACEHOLDER, ApiKey
from icat_tui.catalogue.limits import Limits, RequestLimiter, Stopped
from icat_tui.catalogue.parse import element_id, elements, page_total, parse_dataset, parse_investigation
from icat_tui.domain.errors import UsageError
from icat_tui.domain.model import Answer, CatalogueDataset, Investigation, Outcome

if TYPE_CHECKING:
    from icat_tui.catalogue.transport import Transport

log = logging.getLogger(__name__)

DEFAULT_LIMITS = Limits()
Row = TypeVar("Row", bound=Hashable)


class IcatPlus:
    """Client of ICAT+ for any number of threads; each call blocks until there is an answer."""

    def __init__(self, url: str, api_key: str, *, zone: tzinfo, jobs: int = 8, limits: Limits = DEFAULT_LIMITS) -> None:
        """Prepare requests to `url` (https where it names no scheme), at most `jobs` of them at once.

        Times without an offset are read as times of `zone`, the facility's. Raises `UsageError` for a URL that can't
        be used. Nothing is sent yet, and requests is not imported.
        """
        self._url = _base_url(url)
        self._key = ApiKey(api_key)
        self._zone = zone
        self._jobs = jobs
        self._limiter = RequestLimiter(jobs, limits)
        self.answers = ServerState()
        """How the server answers; may be replaced, before the first call, by one that several clients share."""
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
        """Return all investigations of a proposal at a beamline.

        Both are named as in the paths (icat.md, "The two calls").
        """
        query = _query(instrumentName=beamline, investigationName=proposal)
        subject = f"the investigations of {proposal} at {beamline}"
        return self._list(
            f"investigation?{query}", subject, lambda element: parse_investigation(element, self._zone), faults=True
        )

    def datasets(self, investigation: int) -> Answer[CatalogueDataset]:
        """Return all datasets of an investigation, including processed ones."""
        query = _query(investigationId=str(investigation))
        subject = f"the datasets of investigation {investigation}"
        return self._list(f"dataset?{query}", subject, lambda element: parse_dataset(element, investigation))

    def close(self) -> None:
        """End every call under way, in all threads and whatever the server does: it returns UNAVAILABLE.

        Later calls return UNAVAILABLE too. May be called from any thread, more than once.
        """
        self._limiter.close()
        if self._opened is not None:
            self._opened.close()

    def _list(self, target: str, subject: str, parse: Callable[[object], Row], *, faults: bool = False) -> Answer[Row]:
        """Return a list, read page by page where ICAT+ says that there is more (icat.md, "The two calls").

        `subject` says in words what is asked for; with `faults` it is told of each unreadable element what is wrong.
        """
        listing, limits = _PagedList(subject, parse, faults=faults), self._limiter.limits
        page = ""
        by_pages = False
        while True:
            body = self._transport().get(f"/dataacquisition/{PLACEHOLDER}/{target}{page}", subject)
            if isinstance(body, Answer):
                return body
            if body is None and by_pages:
                most = f"{limits.largest >> 20} MB"
                return Answer(Outcome.MALFORMED, reason=f"ICAT+ sent more than {most} in a page of {subject}")
            if body is None:
                by_pages, page = True, f"&limit={limits.page}&skip=0"
                continue
            try:
                fresh = listing.add_page(elements(body), self._limiter)
            except Stopped as stopped:
                return Answer(Outcome.UNAVAILABLE, reason=str(stopped))
            except ValueError:
                return Answer(
                    Outcome.MALFORMED, reason=f"ICAT+ did not send {subject} as a list in JSON{_html_hint(body)}"
                )
            if not listing.missing and (not by_pages or listing.last_page < limits.page):
                return listing.answer()
            if not fresh:
                return Answer(Outcome.MALFORMED, reason=listing.shortfall())
            page = f"&limit={limits.page if by_pages else listing.missing}&skip={listing.arrived}"

    def _transport(self) -> "Transport":
        with self._opening:
            if self._opened is None:
                # late: imports requests, which is slow and not needed in every run
                from icat_tui.catalogue.transport import Transport  # noqa: PLC0415

                self._opened = Transport(self._url, self._key, self._limiter, jobs=self._jobs, answers=self.answers)
            return self._opened


class _PagedList(Generic[Row]):
    """List in the making: the elements of all pages received so far."""

    def __init__(self, subject: str, parse: Callable[[object], Row], *, faults: bool) -> None:
        self.arrived = 0
        """Number of elements received; one that is repeated on a later page does not count again."""
        self.last_page = 0
        """Number of elements of the last page, those that came before among them."""
        self._subject = subject
        self._parse = parse
        self._faults = faults
        self._total = 0
        self._seen: set[Hashable] = set()
        self._rows: dict[Row, None] = {}
        self._unreadable: list[str] = []

    @property
    def missing(self) -> int:
        """Number of elements still to come, by the total that ICAT+ states on the first page."""
        return max(self._total - self.arrived, 0)

    def add_page(self, page: Iterable[Any], limiter: RequestLimiter) -> bool:
        """Add the elements of a page and return whether any of them is new.

        Raises `Stopped` once the client is closed, ValueError where the page is not readable JSON.
        """
        first, before, self.last_page = not self.arrived, self.arrived, 0
        seen: set[Hashable] = set()
        for element in page:
            limiter.check_open()
            identity = _identity(element)
            seen.add(identity)
            self.last_page += 1
            if identity not in self._seen:
                self.arrived += 1
                self._parse_element(element)
            if first:
                self._total = max(self._total, page_total(element) or 0)
        self._seen |= seen
        return self.arrived > before

    def answer(self) -> Answer[Row]:
        """Return everything received, as an answer."""
        outcome = Outcome.OK if self.arrived else Outcome.EMPTY
        return Answer(outcome, tuple(self._rows), tuple(self._unreadable))

    def shortfall(self) -> str:
        """Return a text for a person that says how much is missing."""
        of = f" of {self._total}" if self._total else ""
        return f"ICAT+ sent {self.arrived}{of} entries when asked for {self._subject}, and no more"

    def _parse_element(self, element: object) -> None:
        try:
            self._rows[self._parse(element)] = None
        except ValueError as error:
            number = element_id(element)
            name = f"place {self.arrived}" if number is None else f"id {number}"
            log.info("ICAT+ sent an entry that could not be read (%s of %r): %s", name, self._subject, error)
            self._unreadable.append(f"{name}: {error}" if self._faults else name)


def _identity(element: object) -> Hashable:
    """Return what identifies an element across pages: its id, else all its content but the page number."""
    number = element_id(element)
    if number is not None:
        return number
    if isinstance(element, dict):
        element = {name: value for name, value in element.items() if name != "meta"}
    return json.dumps(element, sort_keys=True)


def _base_url(url: str) -> str:
    """Return the base URL of all requests, without a slash at its end; https where it names no scheme."""
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


def _html_hint(body: bytes) -> str:
    """Return a hint for a person where a body is HTML, else an empty text."""
    return " but a page of HTML; is the URL right?" if body.lstrip().startswith(b"<") else ""
