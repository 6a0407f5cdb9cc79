"""Make a cache as large as that of a facility, with its index, and without a single HDF5 file.

    python -m tests.bench.prepared_cache CACHE_DIR [--sessions 20000] [--datasets 1000000] [--tree DATA_ROOT]

The same sessions each time: most of them done, some of them to do, one with 5,000 datasets. They lie below
/data/visitor; with `--tree` below that directory, which then gets all of their session directories, empty.
"""

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from icat_tui.cache.session_cache import SessionCache
from icat_tui.cache.session_index import SessionIndex
from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import (
    Dataset,
    DiskDataset,
    DiskSession,
    Fit,
    Match,
    Metadata,
    Session,
    SessionDirectory,
    Stamp,
)
from icat_tui.domain.status import Category, Status

BEAMLINES = [f"id{number:02}" for number in (1, 2, 3, 6, 9, 10, 11, 12, 13, 15, 16, 17, 19, 20, 21, 22, 24, 26, 27, 28)]
SAMPLES = ["LaB6", "CeO2_standard", "mouse_brain_03", "perovskite_A12", "battery_cell_B", "align", "fossil_left_half"]
FIRST_DAY = datetime(2018, 1, 8, 8, tzinfo=UTC)
LARGEST = 5_000
"""Datasets of the one session that is there to be opened."""
TO_DO = (Status.UNREGISTERED, Status.NOT_UPLOADED, Status.REGISTERED_WITHOUT_FILES)
CATEGORIES = {Category.OK: 85, Category.TODO: 8, Category.HAS_INVALID: 4, Category.EMPTY: 2, Category.NOT_IN_ICAT: 1}
"""How many of a hundred sessions have each."""
WITHOUT_DATASETS = (Category.EMPTY, Category.NOT_IN_ICAT)


def sessions(root: Path, number: int, datasets: int, chance: random.Random) -> Iterator[tuple[Session, DiskSession]]:
    """Yield sessions with about so many datasets in all, from a few to some thousands in each."""
    weights = [chance.lognormvariate(0, 1.2) for _ in range(number)]
    categories = chance.choices(list(CATEGORIES), list(CATEGORIES.values()), k=number)
    categories[0] = Category.OK
    largest = min(LARGEST, datasets)
    shared = sum(
        weight for weight, category in zip(weights[1:], categories[1:], strict=True) if category not in WITHOUT_DATASETS
    )
    for index, (weight, category) in enumerate(zip(weights, categories, strict=True)):
        size = largest if index == 0 else round(weight * (datasets - largest) / shared)
        yield a_session(place(root, index), category, size, chance)


def place(root: Path, index: int) -> SessionDirectory:
    """Return where a session lies: of each proposal there are some at one or two beamlines."""
    proposal = f"{('hg', 'ma', 'ch', 'ev', 'blc')[index // 8 % 5]}{1000 + index // 8}"
    beamline = BEAMLINES[(index // 8 + index // 6 % 2) % len(BEAMLINES)]
    date = f"{FIRST_DAY + timedelta(days=index // 12 + 3 * (index % 8)):%Y%m%d}"
    return SessionDirectory(f"{root}/{proposal}/{beamline}/{date}", proposal, beamline, date, RawFormat.ESRFV3)


def a_session(
    directory: SessionDirectory, category: Category, size: int, chance: random.Random
) -> tuple[Session, DiskSession]:
    """Return a session of a category with so many datasets, and what lies on disk."""
    start = datetime.strptime(directory.date, "%Y%m%d").replace(hour=8, tzinfo=UTC)
    fit = Fit(int(directory.date), Match.INSIDE, start, start, start + timedelta(days=5))
    datasets, on_disk = [], []
    for number in range(0 if category in WITHOUT_DATASETS else max(size, 1)):
        dataset, found = a_dataset(directory, number, status_in(category, number, chance), start)
        datasets.append(dataset)
        on_disk.append(found)
    session = Session(
        directory=directory,
        category=category,
        fit=None if category == Category.NOT_IN_ICAT else fit,
        datasets=tuple(datasets),
        seen_at=datetime.now(UTC),
    )
    visited = {directory.raw_path, *(dataset.path.rpartition("/")[0] for dataset in datasets)}
    fingerprint: dict[str, Stamp | None] = {path: Stamp(hash(path) % 10**7, 10**18, 10**18, 3, 96) for path in visited}
    disk = DiskSession(
        listed_at=1.8e9, first_seen=1.7e9, fingerprint=fingerprint, names="0" * 32, datasets=tuple(on_disk)
    )
    return session, disk


def status_in(category: Category, number: int, chance: random.Random) -> Status:
    """Return the status of a dataset: the first has what makes the session's category."""
    first = number == 0 or chance.random() < 0.05
    if category == Category.TODO and first:
        return chance.choice(TO_DO)
    return Status.INVALID if category == Category.HAS_INVALID and first else Status.REGISTERED


def a_dataset(directory: SessionDirectory, number: int, status: Status, start: datetime) -> tuple[Dataset, DiskDataset]:
    """Return a dataset, twenty of them in a collection."""
    sample = SAMPLES[number // 20 % len(SAMPLES)]
    collection = f"{sample}_{number // 20:02}"
    name = f"{number % 20 + 1:04}"
    path = f"{directory.raw_path}/{collection}/{collection}_{name}"
    begun = start + timedelta(minutes=number)
    registered = status in (Status.REGISTERED, Status.REGISTERED_WITHOUT_FILES)
    dataset = Dataset(
        path=path,
        collection=collection,
        name=name,
        status=status,
        reasons=("HDF5 file does not exist",) if status == Status.INVALID else (),
        start=None if registered else begun,
        end=None if registered else begun + timedelta(seconds=50),
        sample=sample if not registered else None,
        icat_id=number if registered else None,
        investigation=int(directory.date) if registered else None,
    )
    metadata = None if registered or status == Status.INVALID else Metadata(begun, begun, sample)
    read_at = 0.0 if registered else 1.8e9
    found = DiskDataset(
        path=path, collection=collection, name=name, read=not registered, metadata=metadata, read_at=read_at
    )
    return dataset, found


def make_cache(cache_dir: Path, root: Path, number: int, datasets: int) -> Counter[str]:
    """Write the cache files and the index; return how many of what there are."""
    index = SessionIndex(SessionCache(cache_dir))
    cache = SessionCache(cache_dir, index.put)
    made: Counter[str] = Counter()
    now = datetime.now(UTC)

    def save(found: tuple[Session, DiskSession]) -> None:
        cache.save(*found, now)

    with ThreadPoolExecutor(8) as pool:  # most of the time goes into waiting for the disk
        pending = []
        for session, disk in sessions(root, number, datasets, random.Random(1)):
            made.update(sessions=1, datasets=len(session.datasets))
            pending.append(pool.submit(save, (session, disk)))
            if len(pending) == 100:
                for each in pending:
                    each.result()
                pending.clear()
        for each in pending:
            each.result()
    threading.Event().wait(2.5)  # so that the index is believed: its files must be older
    index.save()
    return made


def make_tree(root: Path, number: int) -> None:
    """Make the directories of all sessions."""
    for index in range(number):
        Path(place(root, index).raw_path).mkdir(parents=True, exist_ok=True)


def main() -> None:
    """Do what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache_dir", type=Path)
    parser.add_argument("--sessions", type=int, default=20_000)
    parser.add_argument("--datasets", type=int, default=1_000_000)
    parser.add_argument("--tree", type=Path, metavar="DATA_ROOT")
    asked = parser.parse_args()
    begun = time.monotonic()
    root = asked.tree.absolute() if asked.tree else Path("/data/visitor")
    if asked.tree:
        make_tree(root, asked.sessions)
    made = make_cache(asked.cache_dir, root, asked.sessions, asked.datasets)
    print(f"{made['sessions']} sessions with {made['datasets']} datasets in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
