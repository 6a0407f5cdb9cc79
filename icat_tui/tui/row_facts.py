"""What follows from the row that the cursor is on: its sessions, path, link, detail, and the keys that do something."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs
from textual.content import Content

from icat_tui.disk.filesystem import count_files
from icat_tui.domain.facility import Facility
from icat_tui.domain.model import FileCount, Session, SessionDirectory
from icat_tui.domain.status import ACTIONABLE, Category, Status
from icat_tui.domain.summary import STATUSES
from icat_tui.sync.session_lock import registering_now
from icat_tui.tui.detail_text import dataset_detail, group_detail, session_detail, unscanned_detail
from icat_tui.tui.filtering import Filter, parse_filter
from icat_tui.tui.nodes import Level, Node
from icat_tui.tui.sessions import Sessions
from icat_tui.tui.tree_model import TreeModel
from icat_tui.tui.workplace import Workplace

if TYPE_CHECKING:
    from icat_tui.tui.app import IcatTui

Later = Callable[[], Content | None]


def what_is_typed(text: str, hidden: frozenset[Status], *, attention: bool) -> Filter:
    """Return the filter of what was typed and of the keys that hide. Raises FilterError."""
    return structs.replace(parse_filter(text), hidden=hidden, attention=attention)


def directories_of(model: TreeModel, node: Node | None) -> list[SessionDirectory]:
    """Return the sessions that a row is, holds or lies in, as far as the filter shows them."""
    if node is None:
        return []
    if node.level < Level.SESSION:
        return [model.session(place).directory for place in model.sessions_in(node.place)]
    return [model.session(node.place).directory]


def shown_directories(model: TreeModel) -> list[SessionDirectory]:
    """Return the sessions that the filter lets through."""
    return [model.sessions[path].directory for path in model.shown_sessions()]


def path_of(model: TreeModel) -> str:
    """Return the path of what the cursor is on; empty where there is nothing."""
    node = model.node
    if node is None:
        return ""
    if node.dataset is not None:
        return node.dataset.path
    directory = directories_of(model, node)[0]
    if node.level == Level.COLLECTION:
        return f"{directory.raw_path}/{node.place[4]}"
    up = {Level.SESSION: 0, Level.INNER: 1, Level.OUTER: 1 if model.beamline_first else 2}[node.level]
    path = directory.path
    for _ in range(up):
        path = os.path.dirname(path)
    return path


def link_of(model: TreeModel, sessions: Sessions, facility: Facility) -> str:
    """Return the page of the data portal about what the cursor is on; empty where there is none."""
    directories = directories_of(model, model.node)
    if not directories:
        return ""
    session = sessions.load(directories[0])
    if session is not None and session.fit is not None and model.node and model.node.session:
        return facility.investigation_url(session.fit.id)
    return facility.search_url(directories[0].beamline, directories[0].proposal)


def applies(identity: str, model: TreeModel, place: Workplace, *, busy: bool) -> bool:
    """Return whether the footer names a key on this row."""
    node = model.node
    rules: dict[str, Callable[[], bool]] = {
        "app.register": lambda: bool(model.marks) or _something(model, node, {*ACTIONABLE, Status.INVALID}),
        "app.preview": lambda: _something(model, node, set(ACTIONABLE)),
        "app.walk": lambda: any(row.category == Category.TODO for row in model.sessions.values()),
        "app.back": lambda: model.filter.active or busy,
        "app.export": lambda: place.save_dir is not None,
        "app.scan": lambda: node is not None,
        "app.copy": lambda: node is not None,
    }
    return rules[identity]() if identity in rules else node is not None or identity.startswith("app.")


def _something(model: TreeModel, node: Node | None, wanted: set[Status]) -> bool:
    """Return whether a row is, or holds, a dataset of one of some statuses."""
    if node is None:
        return False
    if node.dataset is not None:
        return node.dataset.status in wanted
    counts = model.session(node.place).counts if node.level == Level.SESSION else None
    if counts is None:
        counts = (node.tally or model.group_tally(node.place)).counts
    return any(number and status in wanted for status, number in zip(STATUSES, counts, strict=False))


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
    holder = registering_now(app.place.state_dir, row.directory)

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
