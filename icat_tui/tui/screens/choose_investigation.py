"""Choice of the investigation where none fits well: a person types its id (icat.md, "Known faults", D27)."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from icat_tui.domain.facility import Facility
from icat_tui.domain.model import Investigation, Session
from icat_tui.text import visible
from icat_tui.tui.screens.dialog import Question, hint
from icat_tui.tui.widgets.investigation_text import candidate_text, candidates_of
from icat_tui.tui.widgets.text_pane import TextView


class ChooseInvestigation(Question[int]):
    """Dialog with the investigations of a session's proposal and beamline; dismissed with the id that was typed."""

    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    ChooseInvestigation VerticalScroll { max-height: 50vh; }
    ChooseInvestigation.-low VerticalScroll { max-height: 4; }
    """

    def __init__(self, session: Session, facility: Facility) -> None:
        """Choose for this session."""
        super().__init__()
        self._session, self._facility = session, facility
        self._candidates = candidates_of(session)

    def compose(self) -> ComposeResult:
        """Lay out the candidates above the line that is typed into."""
        match = self._session.fit.match if self._session.fit else "unknown"
        with Vertical(id="box"):
            yield Static(Content(visible(self._session.directory.path)), classes="title")
            yield Static(Content(f"Its investigation is {match}. It may be one of these, the nearest first:"))
            texts = [self._candidate_text(candidate) for candidate in self._candidates]
            none = Content("ICAT knows none that has a time slot")
            yield TextView(Content("\n").join(texts) if texts else none, can_focus=False)
            number = "type the id of the one that is meant"
            yield Input(placeholder=number, type="integer", valid_empty=True, validate_on=[], compact=True)
            yield Static(Content(""), id="trouble", classes="warning")
            yield Static(hint(("enter", "choose"), ("up down", "scroll"), ("esc", "cancel")), classes="hint")

    def on_mount(self) -> None:
        """Let the id be typed."""
        self.query_one(Input).focus()

    def _candidate_text(self, candidate: Investigation) -> Content:
        lines = [f"  {candidate_text(self._session, candidate, self._facility.zone)}"]
        lines += [f"\n    {visible(candidate.title)}"] if candidate.title else []
        lines.append(f"\n    {visible(self._facility.investigation_url(candidate.id))}")
        return Content.assemble((str(candidate.id), "bold"), *lines)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take an id that is among the candidates, and say so where it is not."""
        if self.listens and event.value in [str(candidate.id) for candidate in self._candidates]:
            self.dismiss(int(event.value))
        else:
            self.query_one("#trouble", Static).update(Content("That is none of these ids"))
