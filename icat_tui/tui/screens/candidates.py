"""Which investigation is meant, where none fits well: a person types the id of the one (icat-facts.md §7 D27)."""

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from icat_tui.domain import timeslot
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Investigation, Session
from icat_tui.domain.visible import visible
from icat_tui.tui.screens.dialog import Dialog


class CandidatesScreen(Dialog[int]):
    """Lists the investigations of a session's proposal and beamline; dismissed with the id that was typed."""

    def __init__(self, session: Session, facility: Facility) -> None:
        """Choose for this session."""
        super().__init__()
        self._session, self._facility = session, facility
        self._candidates = [candidate for candidate in session.candidates if candidate.start is not None]

    def compose(self) -> ComposeResult:
        """Lay out the candidates above the line that is typed into."""
        match = self._session.fit.match if self._session.fit else "unknown"
        with Vertical(id="box"):
            yield Static(Content(visible(self._session.directory.path)), classes="title")
            yield Static(Content(f"Its investigation is {match}. It may be one of these:"))
            with VerticalScroll(can_focus=False):
                for candidate in self._candidates:
                    yield Static(Content(self._told(candidate)))
            yield Input(placeholder="type the id of the one that is meant", type="integer")
            yield Static(Content(""), id="trouble", classes="warning")
            yield Static(Content("enter: choose   esc: cancel"), classes="hint")

    def _told(self, candidate: Investigation) -> str:
        slot = " to ".join(
            moment.astimezone(self._facility.zone).strftime("%Y-%m-%d %H:%M") if moment else "open-ended"
            for moment in (candidate.start, candidate.end)
        )
        away = timeslot.distance(candidate, self._session.fit.target) if self._session.fit else "?"
        lines = [
            f"{candidate.id}  {slot}, {away} away  {visible(candidate.title or '')}".rstrip(),
            f"    {self._facility.investigation_url(candidate.id)}",
        ]
        return "\n".join(lines)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take an id that is among the candidates, and say so where it is not."""
        if self.painted and event.value in [str(candidate.id) for candidate in self._candidates]:
            self.dismiss(int(event.value))
        else:
            self.query_one("#trouble", Static).update(Content("That is none of these ids"))
