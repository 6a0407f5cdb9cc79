"""Scenario of the sandbox: three beamlines and their proposals, session by session.

Days count from today, so that an ongoing session is ongoing on every day. What must stay true: categories, matches and
statuses are given here, and none is computed with the rules of the program.
"""

from msgspec import Struct

from icat_tui.domain.formats import RawFormat
from icat_tui.domain.model import Match
from icat_tui.domain.status import Category
from icat_tui.sandbox.cases import (
    FRESH_DIRECTORY,
    FRESH_FILE,
    FRESH_TRUNCATED,
    FROM_THE_FUTURE,
    INVALID_EMPTY,
    INVALID_NAME,
    INVALID_NO_END,
    INVALID_NO_FILE,
    INVALID_NO_SAMPLE,
    INVALID_NOT_BLISS,
    INVALID_TRUNCATED,
    MISSING,
    NEVER_ARRIVED,
    NEWEST,
    NOT_UPLOADED,
    NOT_UPLOADED_TRUNCATED,
    PENDING,
    PENDING_NO_RECEIPT,
    PENDING_STORED,
    PENDING_WITHOUT_FILES,
    PROCESSED,
    REGISTERED,
    REGISTERED_AND_STORED,
    REGISTERED_ELSEWHERE,
    REGISTERED_EMPTY,
    REGISTERED_JUST_NOW,
    REGISTERED_UNCOUNTED,
    REJECTED,
    SCANNING,
    UNKNOWN_DANGLING_LINKS,
    UNKNOWN_INVALID,
    UNKNOWN_NOT_UPLOADED,
    UNKNOWN_OTHER_CASE,
    UNKNOWN_UNREGISTERED,
    UNREADABLE_ENTRY,
    UNREGISTERED,
    UNREGISTERED_BROKEN_STORED,
    UNREGISTERED_FOREIGN_STORED,
    WITHOUT_FILES,
    WRITER_DIED,
    Situation,
)
from icat_tui.sandbox.hostile_names import FORBIDDEN_NAMES, HOSTILE_NAMES, HOSTILE_SAMPLES

FORMATS_BY_BEAMLINE = {"id16b": RawFormat.ID16BSPEC.value, "id23-1": RawFormat.MX.value}
"""Formats by beamline that `auto` can't find out from the directories."""


class DatasetScenario(Struct, frozen=True):
    """Dataset of a collection."""

    situation: Situation
    directory: str | None = None
    """Path below the collection; None: the name of the collection with a number, as BLISS does."""
    sample: str | None = None
    """None: the name of its collection."""


class SessionScenario(Struct, frozen=True, kw_only=True):
    """Session with its correct category and match."""

    day: int
    slot: int | None
    """Index of its time slot among those of the proposal."""
    category: Category
    match: Match | None = Match.INSIDE
    format: RawFormat = RawFormat.ESRFV3
    directory: str | None = None
    """Name of the beamline's directory, where that is not its usual name."""
    beside: tuple[str, ...] = ()
    """Directories beside the raw data."""
    raw: bool = True
    """Whether there is a raw directory."""
    collections: dict[str, tuple[DatasetScenario, ...]] = {}


class ProposalScenario(Struct, frozen=True):
    """Proposal at a beamline."""

    name: str
    catalogue_name: str
    """Spelling in ICAT."""
    beamline: str
    slots: tuple[tuple[int, int | None], ...]
    """Its investigations: the days on which they start and end, at 8 o'clock; None: open-ended."""
    sessions: tuple[SessionScenario, ...]


def several(count: int, situation: Situation) -> tuple[DatasetScenario, ...]:
    """Return datasets with numbers as BLISS gives them, all in the same situation."""
    return (DatasetScenario(situation),) * count


def one(situation: Situation, directory: str | None = None, sample: str | None = None) -> tuple[DatasetScenario, ...]:
    """Return one dataset, with its own name of directory or sample where one is given."""
    return (DatasetScenario(situation, directory, sample),)


REGULAR = ProposalScenario(
    "hg333",
    "HG-333",
    "id21",
    slots=((-200, -196), (-150, -146), (-100, -96), (-80, -77), (-60, -57), (-50, -47)),
    sessions=(
        SessionScenario(
            day=-200,
            slot=0,
            category=Category.OK,
            beside=("PROCESSED_DATA", "SCRIPTS"),
            collections={
                "LaB6": several(10, REGISTERED),
                "CeO2": several(8, REGISTERED) + several(1, REGISTERED_UNCOUNTED),
                "alignment": several(2, REGISTERED)
                + several(1, REGISTERED_EMPTY)
                + one(REGISTERED, "called as nobody should"),
            },
        ),
        SessionScenario(
            day=-150,
            slot=1,
            category=Category.TODO,
            collections={
                "LaB6": several(4, REGISTERED) + several(3, UNREGISTERED) + several(1, WRITER_DIED),
                "Ti64": several(2, NOT_UPLOADED)
                + several(1, NOT_UPLOADED_TRUNCATED)
                + several(1, REGISTERED_AND_STORED)
                + several(1, UNREGISTERED_BROKEN_STORED)
                + several(1, UNREGISTERED_FOREIGN_STORED),
                "bone 3": several(2, WITHOUT_FILES) + several(2, REGISTERED_ELSEWHERE) + several(1, MISSING),
                "removed": several(2, MISSING) + several(1, PROCESSED),
                "misfits": several(1, INVALID_NO_FILE) + several(1, UNKNOWN_DANGLING_LINKS),
                # Two datasets whose metadata file would have the same name: it belongs to the one it names.
                "a": one(UNREGISTERED, "a_b_c"),
                "a_b": one(NOT_UPLOADED, "a_b_c"),
            },
        ),
        SessionScenario(
            day=-100,
            slot=2,
            category=Category.HAS_INVALID,
            collections={
                "CeO2": several(3, REGISTERED),
                "mishaps": several(1, INVALID_NO_FILE)
                + several(1, INVALID_EMPTY)
                + several(1, INVALID_NOT_BLISS)
                + several(1, INVALID_TRUNCATED)
                + several(1, INVALID_NO_END)
                + several(1, INVALID_NO_SAMPLE)
                + one(INVALID_NAME, "misc")
                + one(INVALID_NAME, "mishaps_")
                + one(INVALID_NAME, "mishaps_0001.h5"),
            },
        ),
        SessionScenario(day=-80, slot=3, category=Category.EMPTY, beside=("NOTES",), raw=False),
        SessionScenario(day=-60, slot=4, category=Category.EMPTY, collections={"removed": several(2, MISSING)}),
        SessionScenario(day=-50, slot=5, category=Category.EMPTY, format=RawFormat.ESRFV1, raw=False),
    ),
)

ONGOING = ProposalScenario(
    "ma6658",
    "MA-6658",
    "id21",
    slots=((-40, -37), (-1, 3)),
    sessions=(
        SessionScenario(day=-40, slot=0, category=Category.OK, collections={"steel": several(6, REGISTERED)}),
        SessionScenario(
            day=-1,
            slot=1,
            category=Category.TODO_ONGOING,
            collections={
                "steel": several(6, REGISTERED) + several(2, UNREGISTERED) + several(1, INVALID_NO_FILE),
                "weld": several(1, WITHOUT_FILES) + several(1, SCANNING) + several(1, NEWEST),
            },
        ),
    ),
)

BUSY = ProposalScenario(
    "ch7001",
    "CH-7001",
    "id21",
    slots=((-2, 2),),
    sessions=(
        SessionScenario(
            day=-2,
            slot=0,
            category=Category.OK,
            collections={
                "catalyst": several(3, REGISTERED)
                + several(1, FRESH_DIRECTORY)
                + several(1, FRESH_FILE)
                + several(1, FRESH_TRUNCATED)
                + several(1, FROM_THE_FUTURE)
                + several(1, REGISTERED_JUST_NOW)
            },
        ),
    ),
)

OPEN_ENDED = ProposalScenario(
    "blc15801",
    "BLC-15801",
    "id21",
    slots=((-90, None), (-2, None)),
    sessions=(
        SessionScenario(day=-90, slot=0, category=Category.OK, collections={"silicon": several(4, REGISTERED)}),
        SessionScenario(
            day=-2,
            slot=1,
            category=Category.TODO_ONGOING,
            collections={"silicon": several(3, REGISTERED) + several(2, UNREGISTERED) + several(1, NEWEST)},
        ),
    ),
)

MATCHES = ProposalScenario(
    "ihhc3846",
    "IH-HC-3846",
    "id21",
    slots=((-70, -60), (-68, -64), (-30, -27)),
    sessions=(
        SessionScenario(
            day=-400,
            slot=0,
            category=Category.TODO,
            match=Match.FAR,
            collections={"zircon": several(1, REGISTERED) + several(2, UNREGISTERED)},
        ),
        SessionScenario(
            day=-67,
            slot=1,
            category=Category.TODO,
            match=Match.AMBIGUOUS,
            collections={
                "zircon": several(2, REGISTERED) + several(2, REGISTERED_ELSEWHERE) + several(1, UNREGISTERED)
            },
        ),
        SessionScenario(
            day=-31, slot=2, category=Category.OK, match=Match.EDGE, collections={"zircon": several(3, REGISTERED)}
        ),
    ),
)

OLD_FORMATS = ProposalScenario(
    "ls3333",
    "LS-3333",
    "id21",
    slots=((-1500, -1497), (-900, -897)),
    sessions=(
        SessionScenario(
            day=-1500,
            slot=0,
            category=Category.TODO,
            format=RawFormat.ESRFV1,
            collections={
                "sample": several(3, REGISTERED)
                + several(1, UNREGISTERED)
                + several(1, NOT_UPLOADED)
                + one(INVALID_NAME, "fits")
            },
        ),
        # The directory of the beamline in upper case; locations in ICAT have the usual one.
        SessionScenario(
            day=-900,
            slot=1,
            category=Category.TODO,
            format=RawFormat.ESRFV2,
            directory="ID21",
            beside=("processed", "_nobackup"),
            collections={
                "sample": several(3, REGISTERED)
                + several(1, UNREGISTERED)
                + several(1, WITHOUT_FILES)
                + several(1, INVALID_TRUNCATED)
            },
        ),
    ),
)

UNCERTAIN = ProposalScenario(
    "ev404",
    "EV-404",
    "id21",
    slots=((-120, -117),),
    sessions=(
        SessionScenario(
            day=-120,
            slot=0,
            category=Category.UNKNOWN,
            collections={
                "glass": several(2, REGISTERED)
                + several(1, UNKNOWN_UNREGISTERED)
                + several(1, UNKNOWN_NOT_UPLOADED)
                + several(1, UNKNOWN_INVALID),
                "lost": several(1, UNREADABLE_ENTRY),
            },
        ),
    ),
)

NEARLY = ProposalScenario(
    "ev405",
    "EV-405",
    "id21",
    slots=((-110, -107),),
    sessions=(
        SessionScenario(
            day=-110,
            slot=0,
            category=Category.UNKNOWN,
            collections={
                "glass": several(1, REGISTERED)
                + several(2, UNKNOWN_OTHER_CASE)
                + several(1, UNKNOWN_DANGLING_LINKS)
                + several(1, INVALID_NOT_BLISS)
            },
        ),
    ),
)

ABSENT = tuple(
    ProposalScenario(
        name,
        name.upper(),
        beamline,
        slots=(),
        sessions=(
            SessionScenario(
                day=-45,
                slot=None,
                match=None,
                category=Category.NOT_IN_ICAT,
                collections={"polymer": several(2, UNREGISTERED) + several(1, INVALID_NO_FILE)},
            ),
        ),
    )
    for name, beamline in (("es987", "id21"), ("ls3456", "id21"), ("test [x]&;y", "id21"))
)
"""Proposals not in ICAT: unknown, known at another beamline only, and with a name that is a pattern and a command."""

HOSTILE = ProposalScenario(
    "sc5432",
    "SC-5432",
    "id21",
    slots=((-20, -17),),
    sessions=(
        SessionScenario(
            day=-20,
            slot=0,
            category=Category.TODO,
            collections={
                **{name: several(1, REGISTERED) + several(1, UNREGISTERED) for name in HOSTILE_NAMES},
                "samples": tuple(DatasetScenario(UNREGISTERED, sample=sample) for sample in HOSTILE_SAMPLES)
                + one(NOT_UPLOADED, sample="<&>"),
                "hostile": tuple(DatasetScenario(INVALID_NAME, name) for name in FORBIDDEN_NAMES),
                "esc\x1b]0;title\x07": several(1, INVALID_NAME),
            },
        ),
    ),
)

NANO = ProposalScenario(
    "ls3456",
    "LS-3456",
    "id16b",
    slots=((-220, -217), (-10, -7)),
    sessions=(
        SessionScenario(
            day=-220,
            slot=0,
            category=Category.OK,
            format=RawFormat.ID16BSPEC,
            collections={"root": several(5, REGISTERED)},
        ),
        SessionScenario(
            day=-10,
            slot=1,
            category=Category.TODO,
            format=RawFormat.ID16BSPEC,
            collections={
                "root": several(3, REGISTERED) + several(2, UNREGISTERED) + several(1, WITHOUT_FILES),
                "leaf": several(1, INVALID_NO_END) + several(1, INVALID_TRUNCATED) + one(INVALID_NAME, "optics"),
            },
        ),
    ),
)

CRYSTALS = ProposalScenario(
    "mx2500",
    "MX-2500",
    "id23-1",
    slots=((-300, -298), (-5, -1)),
    sessions=(
        SessionScenario(
            day=-300,
            slot=0,
            category=Category.HAS_INVALID,
            format=RawFormat.MX,
            collections={
                "insulin": several(4, REGISTERED)
                + several(1, INVALID_NO_SAMPLE)
                + several(1, INVALID_NO_END)
                + several(1, INVALID_TRUNCATED)
            },
        ),
        # It ended yesterday: datasets may still be registered late.
        SessionScenario(
            day=-5,
            slot=1,
            category=Category.TODO_ONGOING,
            format=RawFormat.MX,
            collections={
                "lysozyme": several(2, REGISTERED)
                + several(1, UNREGISTERED)
                + one(UNREGISTERED, 'lysozyme [A1]/it\'s "run" 1')
                + one(REGISTERED, "lysozyme [A1]/run 2/deep/deeper")
            },
        ),
    ),
)

SENT = ProposalScenario(
    "hc4812",
    "HC-4812",
    "id21",
    slots=((-34, -31), (-24, -21)),
    sessions=(
        SessionScenario(
            day=-34,
            slot=0,
            category=Category.OK,
            collections={
                "perovskite": several(3, REGISTERED)
                + several(2, PENDING)
                + several(1, PENDING_NO_RECEIPT)
                + several(1, PENDING_STORED)
                + several(1, PENDING_WITHOUT_FILES)
            },
        ),
        SessionScenario(
            day=-24,
            slot=1,
            category=Category.TODO,
            collections={
                "perovskite": several(2, REGISTERED)
                + several(1, PENDING)
                + several(2, NEVER_ARRIVED)
                + several(1, REJECTED)
                + several(1, UNREGISTERED)
            },
        ),
    ),
)
"""Datasets about which messages were sent, without an effect in ICAT."""

SCENARIO = (
    REGULAR,
    ONGOING,
    BUSY,
    OPEN_ENDED,
    MATCHES,
    OLD_FORMATS,
    UNCERTAIN,
    NEARLY,
    *ABSENT,
    HOSTILE,
    NANO,
    CRYSTALS,
    SENT,
)
