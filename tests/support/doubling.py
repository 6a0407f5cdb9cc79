"""A loop that tries to have a message sent twice, or lost without a word, by the installed program.

    python -m tests.support.doubling [--points N] [--seed S]

Each try registers the datasets of one beam time, spoils something on the way (a kill, a journal that is damaged,
rotated away or on a full disk, another path, another user), and lets people go on: register again, resume, verify.
Prints the figures, and ends with 1 where a message was doubled, or lost and nothing says so.
"""

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from icat_tui.disk.stored_xml import parse_stored
from icat_tui.journal.directory import MARK, SHARDS
from tests.support.beamtime import ZONE, Beamtime, serving_beamtime
from tests.support.journal_entries import shards_in
from tests.support.users import become

DATASETS = 3
PATIENCE = 60
EVERYTHING_SAID = frozenset({0, 3, 5})
"""Exit codes of runs after which what became of each message is known, or said not to be."""


@dataclass
class Figures:
    """What came of all tries."""

    tries: Counter[str] = field(default_factory=Counter)
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.doubled or self.lost or self.silent)


@contextmanager
def beamtime_of(datasets: int = DATASETS) -> Iterator[Beamtime]:
    """Give a beam time with datasets that ICAT lacks, in a place that other users can read."""
    directory = Path(tempfile.mkdtemp(prefix="icat-tui-doubling-"))
    directory.chmod(0o755)
    try:
        with serving_beamtime(directory / "facility") as beamtime:
            for number in range(datasets):
                beamtime.dataset(f"{number:04d}")
            yield beamtime
    finally:
        shutil.rmtree(directory)


def run(
    beamtime: Beamtime,
    *words: str,
    answers: str = "",
    kill_at: int | None = None,
    before: Callable[[], object] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the program, with what somebody types; `before` is called in its process."""
    program = ["icat_tui"] if kill_at is None else ["tests.support.killed_program", str(kill_at)]
    return subprocess.run(
        [sys.executable, "-m", *program, *words],
        input=answers,
        capture_output=True,
        text=True,
        env=os.environ | beamtime.environment | {"ICAT_TUI_VERIFY_WAIT": "0s", "HOME": str(beamtime.directory)},
        cwd=Path(__file__).parents[2],
        timeout=PATIENCE,
        preexec_fn=before,
        check=False,
    )


def register(beamtime: Beamtime, path: Path | None = None, **options: object) -> subprocess.CompletedProcess[str]:
    return run(beamtime, "sync", "--register", "-q", str(path or beamtime.session), answers="a\n", **options)  # type: ignore[arg-type]


def resume(beamtime: Beamtime) -> subprocess.CompletedProcess[str]:
    return run(beamtime, "journal", "--resume", "--yes")


def judge(beamtime: Beamtime, figures: Figures, about: str, *, complete: bool = True) -> None:
    """Count what was sent more than once, and what was not sent without a word about it."""
    sent = Counter(Path(parse_stored("", body, ZONE).location).name for body in beamtime.bodies)
    figures.doubled += [f"{about}: {name}" for name, times in sent.items() if times > 1]
    if not complete:
        return
    said = run(beamtime, "journal").stdout + run(beamtime, "sync", str(beamtime.session)).stdout
    for number in range(DATASETS):
        name = f"colA_{number:04d}"
        if name not in sent and name not in said:
            figures.lost.append(f"{about}: {name}")


def go_on(beamtime: Beamtime, figures: Figures, about: str, path: Path | None = None) -> None:
    """Let people register once more and resume, and see that both end as they should."""
    for ran in (register(beamtime, path), resume(beamtime)):
        if ran.returncode not in EVERYTHING_SAID or (ran.returncode and not ran.stderr):
            figures.silent.append(f"{about}: exit code {ran.returncode}, {ran.stderr!r}")


# -- tries -----------------------------------------------------------------------------------------------------------


def killed(figures: Figures, point: int, *, ingests: bool) -> bool:
    """Kill a registration at a point; return whether it got there."""
    with beamtime_of() as beamtime:
        ran = register(beamtime, kill_at=point)
        if ingests:
            beamtime.ingest()
        about = f"killed at {point}{', ingested' if ingests else ''}"
        figures.tries["killed"] += 1
        go_on(beamtime, figures, about)
        judge(beamtime, figures, about)
        return ran.returncode < 0


def planned_twice(figures: Figures, point: int) -> None:
    """Plan everything, be killed, plan it again, be killed, and resume."""
    with beamtime_of() as beamtime:
        for _ in range(2):
            register(beamtime, kill_at=point)
        figures.tries["planned twice"] += 1
        resume(beamtime)
        go_on(beamtime, figures, f"planned twice to {point}")
        judge(beamtime, figures, f"planned twice to {point}")


def by_another_path(figures: Figures, point: int) -> None:
    """Go on by a link to the data root, after a kill by its own name."""
    with beamtime_of() as beamtime:
        register(beamtime, kill_at=point)
        link = beamtime.directory / "linked" / "visitor"
        link.parent.mkdir()
        link.symlink_to(beamtime.root)
        figures.tries["another path"] += 1
        go_on(beamtime, figures, f"by a link after {point}", link / "hg333" / "id99" / beamtime.day)
        judge(beamtime, figures, f"by a link after {point}")


SPOILS = ("bytes", "cut", "line", "shard", "mark", "list", "empty", "rotated")


def damaged(figures: Figures, seed: int) -> None:
    """Spoil the journal of a registration, and register once more."""
    chance = random.Random(seed)
    kind = SPOILS[seed % len(SPOILS)]
    with beamtime_of() as beamtime:
        register(beamtime)
        spoil(beamtime, kind, chance)
        figures.tries["damaged"] += 1
        before = len(beamtime.bodies)
        ran = register(beamtime)
        sent = len(beamtime.bodies) - before
        if sent and kind != "cut":  # a journal that ends after a whole line can't be told from one that is young
            figures.doubled.append(f"damaged ({kind}, {seed}): {sent} sent again")
        if not sent and ran.returncode not in (0, 2, 3, 5):
            figures.silent.append(f"damaged ({kind}, {seed}): exit code {ran.returncode}")
        if ran.returncode and not ran.stderr:
            figures.silent.append(f"damaged ({kind}, {seed}): nothing was said")


def spoil(beamtime: Beamtime, kind: str, chance: random.Random) -> None:
    """Spoil bytes or whole lines of the journal, or take away a shard, its mark or its list."""
    (shard,) = shards_in(beamtime.journal)
    content = shard.read_bytes()
    match kind:
        case "bytes":
            changed = bytearray(content)
            for place in chance.sample(range(len(content)), chance.randint(1, 5)):
                changed[place] ^= chance.randint(1, 255)
            shard.write_bytes(changed)
        case "cut":
            shard.write_bytes(content[: chance.randrange(len(content))])
        case "line":
            lines = content.splitlines(keepends=True)
            lines[chance.randrange(len(lines))] = b"{}\n"
            shard.write_bytes(b"".join(lines))
        case "empty":
            shard.write_bytes(b"")
        case "rotated":
            shard.rename(shard.with_suffix(".1"))
        case _:
            gone = {"shard": shard, "mark": beamtime.state_dir / MARK, "list": beamtime.state_dir / SHARDS}
            gone[kind].unlink()


def on_a_full_disk(figures: Figures, size: int) -> None:
    """Let no file grow beyond a size while a registration goes on."""
    with beamtime_of() as beamtime:
        ran = register(beamtime, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
        figures.tries["full disk"] += 1
        about = f"full disk at {size}"
        if ran.returncode == 0 and len(beamtime.bodies) < DATASETS:
            figures.silent.append(about)
        go_on(beamtime, figures, about)
        judge(beamtime, figures, about)


def two_users(figures: Figures) -> None:
    """Let one user register and another go on, with a journal that both can write. Takes root."""
    with beamtime_of() as beamtime:
        for path in (beamtime.state_dir, *beamtime.state_dir.rglob("*")):
            os.chown(path, 0, 4711)
            path.chmod(0o2770 if path.is_dir() else 0o660)
        for user in (12001, 12002):
            register(beamtime, before=lambda user=user: become(user))
        figures.tries["two users"] += 1
        judge(beamtime, figures, "two users")
        if len(beamtime.bodies) != DATASETS:
            figures.lost.append("two users")


def may_become_others() -> bool:
    """Return whether other users can be had, and can run this interpreter."""
    if os.geteuid():
        return False
    try:
        subprocess.run([sys.executable, "-c", ""], preexec_fn=lambda: become(12001), check=True)
    except OSError:
        return False
    return True


def main() -> int:
    """Try, print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(description="Try to have a message sent twice, or lost without a word")
    parser.add_argument("--points", type=int, default=200, help="points at which a run is killed, at most")
    parser.add_argument("--damages", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures = Figures()
    for point in range(1, options.points + 1):
        if not killed(figures, point, ingests=bool(point % 2)):
            break
    for point in range(10, 60, 10):
        planned_twice(figures, point)
        by_another_path(figures, point)
    for seed in range(options.seed, options.seed + options.damages):
        damaged(figures, seed)
    for size in range(400, 8000, 800):
        on_a_full_disk(figures, size)
    if may_become_others():
        two_users(figures)
    print(f"tries: {dict(figures.tries)}, {DATASETS} datasets each")
    for name in ("doubled", "lost", "silent"):
        found = getattr(figures, name)
        print(f"{name}: {len(found)}", *found, sep="\n  ")
    return int(not figures.good)


if __name__ == "__main__":
    sys.exit(main())
