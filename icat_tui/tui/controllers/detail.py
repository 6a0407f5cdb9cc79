"""What follows from the row that the cursor is on: its sessions, path, link, detail, and the keys that do something."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs
from textual.content import Content

from icat_tui.disk.filesystem import count_files
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import FileCount, Session
from icat_tui.domain.status import Status
from icat_tui.sync.session_lock import registering_now
from icat_tui.tui.state.nodes import Level, Node
from icat_tui.tui.widgets.detail_text import dataset_detail, group_detail, session_detail, unscanned_detail

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui

Later = Callable[[], Content | None]


# -- the detail ------------------------------------------------------------------------------------------------------


def detail_of(app: "IcatTui", node: Node) -> tuple[Content | None, Later | None]:
    """Return what is told of a row at once, and what a thread finds out to be told then."""
    model = app.model
    if node.level < Level.SESSION:
        label = "/".join(node.place)
        return group_detail(label, model.group_tally(node.place), len(model.sessions_in(node.place))), None
    if node.level == Level.COLLECTION and node.tally is not None:
        return group_detail(node.place[4], node.tally, 0), None
    row = model.session(node.place)
    if row.category is None:
        return unscanned_detail(row), None
    facility, sessions = app.place.facility, app.sessions
    path = node.dataset.path if node.dataset else None
    at_hand = sessions.at_hand(row.directory.path)
    holder = registering_now(app.place.services.state_dir, row.directory)

    def later() -> Content | None:
        session = sessions.load(row.directory)
        if session is None:
            return unscanned_detail(structs.replace(row, category=None))
        return _told(session, path, facility, count=True, holder=holder)

    if at_hand is None:
        return None, later
    return _told(at_hand, path, facility, count=False, holder=holder), later if path else None


def _told(session: Session, path: str | None, facility: Facility, *, count: bool, holder: str) -> Content:
    dataset = next((each for each in session.datasets if each.path == path), None)
    if path is None or dataset is None:
        told = session_detail(session, facility)
    else:
        on_disk = count_files(path) if count and dataset.status != Status.MISSING_ON_DISK else None
        files = FileCount(on_disk, dataset.file_count) if on_disk is not None else None
        told = dataset_detail(session, dataset, facility, files)
    if holder:
        return Content("\n").join([Content.styled(f"! being registered by {holder}", "bold"), told])
    return told
