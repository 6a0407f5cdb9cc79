"""Strategies of hypothesis for the tree of sessions: places, datasets, filters."""

import operator

from hypothesis import strategies as st
from msgspec import structs

from icat_tui.domain.status import Category, Status
from icat_tui.domain.summary import SessionRow
from icat_tui.tui.state.filtering import Filter, parse_filter
from tests.support.samples import NOW, a_directory
from tests.support.tree_rows import a_row

PLACES = st.builds(
    a_directory,
    st.sampled_from(["ab1", "ab12", "hg333", "ma7"]),
    st.sampled_from(["bm01", "id99"]),
    st.sampled_from(["20230101", "20231019", "20240102"]),
)


DATASETS = st.lists(
    st.tuples(
        st.sampled_from(["colA", "colA-b", "LaB6"]), st.sampled_from(["0001", "0002", "0003"]), st.sampled_from(Status)
    ),
    max_size=5,
    unique_by=operator.itemgetter(0, 1),
)


WORDS = st.sampled_from(
    [
        *("lab6", "0001", "hg3", "cola", "/data/visitor/hg333", '"cola-b"', "powder"),
        *("status:invalid", "status:unknown", "status:todo,registered", "!", "=?", "sample:powder", "sample:si,lab"),
        *("beamline:id99", "proposal:ab1", "date:2023", "after:2023-10", "before:2024", "date:..2023-09,20240102"),
        *("age:<1h", "age:>2d"),
    ]
)
"""Words of a filter, each a condition of its own."""


def _chosen(words: list[tuple[str, str]], hidden: frozenset[Status], *, attention: bool) -> Filter:
    parsed = parse_filter(" ".join(f"{sign}{word}" for sign, word in words), NOW)
    return structs.replace(parsed, hidden=hidden, attention=attention)


FILTERS = st.builds(
    _chosen,
    st.lists(st.tuples(st.sampled_from(["", "-"]), WORDS), max_size=3),
    st.frozensets(st.sampled_from(Status), max_size=3),
    attention=st.booleans(),
)
ROWS: st.SearchStrategy[SessionRow] = st.builds(
    a_row, PLACES, DATASETS, st.sampled_from(Category), st.sampled_from([None, "powder", "Si 111"])
)
"""Sessions that were scanned."""
