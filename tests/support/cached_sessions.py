"""Sessions to save in a cache, with what was seen of them on disk."""

from msgspec import structs

from icat_tui.domain.model import DiskDataset, DiskSession, Metadata, Session, SessionDirectory, Stamp, StoredMessage
from icat_tui.domain.status import Category, Status
from tests.support.samples import a_session
from tests.support.time_slot import END, START


def session_of(directory: SessionDirectory, name: str = "0001") -> Session:
    return structs.replace(a_session(Category.OK, (name, Status.REGISTERED), directory=directory))


def disk_of(directory: SessionDirectory, name: str = "0001") -> DiskSession:
    """Return a disk half with a value in each field."""
    path = f"{directory.raw_path}/colA/colA_{name}"
    one = Stamp(1, 2**60 + 1, 2**60 + 2, 3, 4)
    message = StoredMessage(f"{path}.xml", path, name, "hg333", "id99", name, START, END)
    dataset = DiskDataset(path=path, collection="colA", name=name, read=True, stamps=(one, None), read_at=5.0)
    return DiskSession(
        listed_at=5.0,
        first_seen=4.0,
        fingerprint={directory.raw_path: one, f"{directory.raw_path}/colA": None},
        names="abc",
        datasets=(structs.replace(dataset, metadata=Metadata(START, END, name, {name: name})),),
        stored=(message,),
        stored_trouble={name: "not well-formed"},
    )


NOTHING_ON_DISK = DiskSession(listed_at=1.0, first_seen=1.0)
