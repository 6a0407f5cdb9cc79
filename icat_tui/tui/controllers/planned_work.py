"""How many confirmed messages of this user wait in the journal for somebody to resume them.

What must stay true: the journal is looked at in a thread, one look at a time, and what this run is sending does not
count.
"""

from collections.abc import Callable, Container

from icat_tui.journal.directory import user_name
from icat_tui.journal.records import JournalError
from icat_tui.settings.schema import HomeUnknownError
from icat_tui.sync.planned_messages import PlannedByUser, PlannedMessages
from icat_tui.tui.host import Host
from icat_tui.tui.workspace import Workspace

SOON, PAUSE = 0.5, 60.0
"""Seconds until the first look, and between two, as this user may send from elsewhere too."""


class PlannedWork:
    """Controller of what is known of planned messages."""

    def __init__(self, host: Host, workspace: Workspace, waiting: Callable[[], Container[str]]) -> None:
        """Know nothing yet; `waiting` returns, in any thread, the ids of messages that this run still sends."""
        self._host, self._workspace, self._waiting = host, workspace, waiting
        self._messages: PlannedMessages | None = None
        self._looking = self._again = False
        self.known = PlannedByUser()

    def begin(self) -> None:
        """Look soon, once there is something on the screen, and every now and then."""
        self._host.set_timer(SOON, self.look)
        self._host.set_interval(PAUSE, self.look)

    def look(self) -> None:
        """Look in a thread; where that is under way, once more after it."""
        self._again = self._looking
        if not self._looking:
            self._looking = True
            self._host.background("looking for planned messages", self._look, self._take)

    def _look(self) -> PlannedByUser:
        """Return what is planned; nothing where the journal can't be read, which the scan tells."""
        try:
            services = self._workspace.services
            if self._messages is None:
                self._messages = PlannedMessages(services.journal_directory, services.facility)
            return self._messages.of(user_name(), self._waiting)
        except (JournalError, HomeUnknownError):
            return PlannedByUser()

    def _take(self, found: PlannedByUser) -> None:
        self._looking = False
        if found != self.known:
            self.known = found
            self._host.show_state()
        if self._again:
            self.look()
