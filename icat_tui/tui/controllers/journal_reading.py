"""Messages as the journal has them at the moment, for what is done to them; all of it takes its time."""

from collections.abc import Iterable, Sequence

from icat_tui.domain.formats import session_of
from icat_tui.domain.message import Message
from icat_tui.domain.model import SessionDirectory
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.reader import JournalReader
from icat_tui.journal.sendings import PENDING_STATES, MessageState, Sending
from icat_tui.sync.session_lock import registering_now
from icat_tui.text import moment_text
from icat_tui.tui.state.journal_message import JournalMessage
from icat_tui.tui.state.session_store import SessionStore
from icat_tui.tui.workspace import Workspace

NAMED = 200
"""Messages that a question names."""


class JournalReading:
    """Reading of what was chosen on the screen; for any thread."""

    def __init__(self, workspace: Workspace, store: SessionStore) -> None:
        """Read the journal of a workspace; the store knows which sessions the tree has."""
        self._workspace, self._store = workspace, store

    @property
    def directory(self) -> JournalDirectory:
        """The directory of the journal. Raises HomeUnknownError."""
        return self._workspace.services.journal_directory

    def now(self, messages: Sequence[JournalMessage], states: Iterable[MessageState]) -> list[Sending]:
        """Return messages that are in one of some states. Raises JournalError."""
        reader = JournalReader(self.directory, self._workspace.facility)
        reader.refresh()
        ids, wanted = {message.id for message in messages}, set(states)
        shards = dict.fromkeys(message.shard for message in messages)
        return [
            sending
            for shard in map(reader.read_once, shards)
            for sending in shard.index.sendings()
            if sending.id in ids and sending.state in wanted
        ]

    def pending(self, messages: Sequence[JournalMessage]) -> list[Sending]:
        """Return messages that are still pending. Raises JournalError."""
        return self.now(messages, PENDING_STATES)

    def body(self, message: JournalMessage) -> Message | None:
        """Return a message byte for byte; None where the journal does not hold it. Raises JournalError."""
        found = self.now([message], MessageState)
        if not found or found[0].plan is None:
            return None
        return JournalReader(self.directory, self._workspace.facility).message(found[0])

    def nobody_sends(self, sendings: Sequence[Sending]) -> list[Sending]:
        """Return the messages whose session nobody is registering now."""
        places = {each.id: session_of(each.location) or each.location for each in sendings}
        state_dir, facility = self.directory.path, self._workspace.facility
        busy = {place for place in set(places.values()) if registering_now(state_dir, place, facility)}
        return [each for each in sendings if places[each.id] not in busy]

    def directories(self, sendings: Iterable[Sending]) -> list[SessionDirectory]:
        """Return the sessions of messages that the tree knows."""
        paths = dict.fromkeys(session_of(each.dataset) or "" for each in sendings)
        rows = self._store.rows
        return [rows[path].directory for path in paths if path in rows]

    def lines(self, sendings: Sequence[Sending]) -> list[str]:
        """Return messages in words: their session and when they were confirmed, then the datasets."""
        lines: list[str] = []
        now, zone = self._workspace.now(), self._workspace.facility.zone
        last = ""
        for each in sorted(sendings, key=lambda each: (session_of(each.dataset) or "", each.dataset))[:NAMED]:
            session = session_of(each.dataset) or ""
            label = " ".join(session.rsplit("/", 3)[1:]) or "in no session"
            head = f"{label}, by {each.user}, {moment_text(each.time, now, zone)}"
            if head != last:
                lines.append(head)
                last = head
            lines.append(f"   {each.action.replace('_', ' ')}  {each.dataset.removeprefix(f'{session}/')}")
        if len(sendings) > NAMED:
            lines.append(f"and {len(sendings) - NAMED:,} more")
        return lines
