"""View of the journal for the rules of `domain`: what was sent about a dataset, and what is not known of that.

It reads the shards of the proposals that it is asked about, and no others.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from icat_tui.domain.facility import Facility
from icat_tui.domain.message import Action
from icat_tui.domain.model import LastListed, MessageHistory, SentMessage
from icat_tui.journal.directory import JournalDirectory
from icat_tui.journal.reader import JournalReader, ShardReader
from icat_tui.journal.sendings import LastMessages, Sending, ShardIndex
from icat_tui.text import visible

CLOCKS_DIFFER = timedelta(hours=1)
"""By how much the clocks of machines may differ, at most, before the file's time counts."""
SET_ASIDE = "a damaged line of the journal was set aside that may have been about it"


class JournalView:
    """Thread-safe view of the journal as it was at the last `refresh`; a `domain.surroundings.SentMessages`."""

    def __init__(self, directory: JournalDirectory, facility: Facility) -> None:
        """Keep the directory. Raises JournalError where the journal is not there or can't be read."""
        self.reader = JournalReader(directory, facility)
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Read the records that were added since. Raises JournalError where the journal can't be read."""
        with self._lock:
            self.reader.refresh()

    def registration(self, path: str, location: str) -> MessageHistory:
        """Return what was sent to register the dataset in a directory, by its spelling and by where it lies."""
        return self._history((path, location), lambda index: (index.dataset(path), index.dataset(location)))

    def files(self, icat_id: int, path: str, location: str) -> MessageHistory:
        """Return what was sent to add the files of a dataset."""
        return self._history((path, location), lambda index: (index.files(icat_id),))

    def last_request_for_files(self, icat_id: int) -> Sending | None:
        """Return the last request to add the files of a dataset, whatever became of it. Raises JournalError."""
        with self._lock:
            sendings = [each for shard in self.reader.all_shards() for each in shard.index.sendings()]
        about = [each for each in sendings if each.icat_id == icat_id and each.action is Action.ADD_FILES]
        return max(about, key=lambda sending: sending.time, default=None)

    def sent_before(self, digest: str, location: str) -> Sending | None:
        """Return the last message with this body that went out and was not rejected, whether seen in ICAT or not."""
        with self._lock:
            found = [shard.index.sent_before(digest) for shard in self.reader.shards_of((location,))]
        return next((sending for sending in found if sending), None)

    def is_planned(self, planned: Sending) -> bool:
        """Return whether a plan still is the latest about its dataset, and nothing was sent since."""
        with self._lock:
            shards = self.reader.shards_of((planned.location,))
            return any(each.id == planned.id for shard in shards for each in shard.index.planned())

    def troubles(self) -> list[str]:
        """Return what is wrong with the shards that were read."""
        with self._lock:
            return list(troubles_of(self.reader.loaded()))

    def _history(
        self, paths: tuple[str, str], last_messages: Callable[[ShardIndex], Iterable[LastMessages]]
    ) -> MessageHistory:
        with self._lock:
            shards = self.reader.shards_of(paths)
            last = [(shard, each) for shard in shards for each in last_messages(shard.index)]
            pending = next(((shard, each.pending) for shard, each in last if each.pending), None)
            rejected = next((each.rejected for _, each in last if each.rejected), None)
            seen = next((each.seen for _, each in last if each.seen), None)
            aside = any(shard.index.set_aside_about(path) for shard in shards for path in paths)
            return MessageHistory(
                pending=_sent(*pending) if pending else None,
                rejection=rejected.reason if rejected else "",
                seen=LastListed(seen.icat_id, seen.at) if seen else None,
                doubt=SET_ASIDE if aside else "",
                trouble=next(_troubles_about(shards, paths), ""),
            )


def _sent(shard: ShardReader, sending: Sending) -> SentMessage:
    """Return a pending message; one from the future counts from when its shard was last written, at the latest."""
    written = datetime.fromtimestamp(shard.modified, UTC)
    if sending.time - written <= CLOCKS_DIFFER:
        return SentMessage(sending.time, sending.reason)
    return SentMessage(written, f"{sending.reason}, whose clock was ahead")


def _troubles_about(shards: Iterable[ShardReader], paths: tuple[str, str]) -> Iterator[str]:
    for shard in shards:
        if shard.trouble:
            yield shard.trouble
        for path in paths:
            if damaged := shard.index.damage_about(path):
                place = f"{visible(str(shard.path))}, byte {damaged.offset}"
                yield f"the journal is damaged here: {place} ({damaged.words})"


def troubles_of(shards: Iterable[ShardReader]) -> Iterator[str]:
    """Yield what is wrong with shards of the journal, for a person."""
    for shard in shards:
        if shard.trouble:
            yield shard.trouble
        for damaged in shard.index.damaged.values():
            yield (
                f"the journal is damaged: {visible(str(shard.path))}, byte {damaged.offset} ({damaged.words}); look at "
                "it, and set it aside by icat-tui journal --repair"
            )
