"""The detail of a row: the part that is at hand, and the part that a thread has to read."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from textual.content import Content

from icat_tui.disk.file_count import count_files
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import FileCount, Session
from icat_tui.domain.status import Status
from icat_tui.sync.session_lock import registering_now
from icat_tui.tui.host import Host
from icat_tui.tui.state.nodes import Level, Node
from icat_tui.tui.state.session_store import SessionStore
from icat_tui.tui.state.tree_model import TreeModel
from icat_tui.tui.widgets.detail_pane import DetailPane
from icat_tui.tui.widgets.detail_text import dataset_detail, group_detail, session_detail, unscanned_detail
from icat_tui.tui.workspace import Workspace

Later = Callable[[], Content | None]
"""Reads what is told of a session; None: nothing is known of it any more."""


def show_detail(
    node: Node | None, host: Host, model: TreeModel, known: tuple[SessionStore, Workspace], pane: DetailPane
) -> None:
    """Show what is told of a row that the cursor has rested on, if it is still there; what takes its time, later."""
    store, workspace = known
    if model.node is None:
        pane.show(Content(), "detail")
    if node is None or model.node is None or model.node.place != node.place:
        return
    content, work = detail_of(node, model, store, workspace.facility, workspace.services.journal_directory.path)

    def show(content: Content | None) -> None:
        if content is None:  # its cache file has gone meanwhile: the row must not say otherwise
            store.drop([model.sessions.at(node.place).directory])
        elif model.node and model.node.place == node.place:
            pane.show(content, about_of(model))

    if content is not None:
        show(content)
    if work is not None:
        host.background("reading a session", work, show)


def detail_of(
    node: Node, model: TreeModel, store: SessionStore, facility: Facility, state_dir: Path
) -> tuple[Content | None, Later | None]:
    """Return what is told of a row at once, and what takes its time to be told then; None: nothing."""
    if node.level < Level.SESSION:
        within = model.sessions.categories_of(node.place)
        names = {place[1] if len(within) > 1 else "": categories for place, categories in within.items()}
        return group_detail("/".join(node.place), model.sessions.tally_of(node.place), names), None
    if node.level == Level.COLLECTION and node.tally is not None:
        return group_detail(node.place[4], node.tally, {}), None
    row = model.sessions.at(node.place)
    if row.category is None:
        return unscanned_detail(row), None
    path = node.dataset.path if node.dataset else None
    at_hand = store.at_hand(row.directory.path)
    holder = registering_now(state_dir, row.directory.path, facility)

    now = model.now or datetime.now(UTC)

    def later() -> Content | None:
        session = store.load(row.directory)
        return None if session is None else _held(holder, _detail(session, path, facility, now, count=True))

    if at_hand is None:
        return None, later
    return _held(holder, _detail(at_hand, path, facility, now, count=False)), later if path else None


def about_of(model: TreeModel) -> str:
    """Return what the detail is about, for its title."""
    node = model.node
    if node is None:
        return "detail"
    if node.dataset is not None:
        return f"{node.dataset.collection}/{node.dataset.directory}".lstrip("/")
    return "/".join(node.place[:3]) if node.level <= Level.SESSION else node.place[4]


def _detail(session: Session, path: str | None, facility: Facility, now: datetime, *, count: bool) -> Content:
    """Return the detail of a session, or of its dataset at `path`, whose files are counted on disk with `count`."""
    dataset = next((each for each in session.datasets if each.path == path), None)
    if path is None or dataset is None:
        detail = session_detail(session, facility, now)
    else:
        counted = count_files(path) if count and dataset.status != Status.MISSING_ON_DISK else None
        files = FileCount(counted.known, dataset.file_count, counted.complete) if counted else None
        detail = dataset_detail(session, dataset, facility, files)
    return detail


def _held(holder: str, detail: Content) -> Content:
    """Return a detail below the process that registers its session now, if any does."""
    if holder:
        return Content("\n").join([Content.styled(f"! being registered by {holder}", "bold"), detail])
    return detail
