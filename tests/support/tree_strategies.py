"""Strategies of hypothesis for the tree of sessions: places, datasets, filters."""

import operator

from hypothesis import strategies as st

from icat_tui.domain.status import Category, Status
from icat_tui.tui.state.filtering import Filter
from tests.support.samples import a_directory

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


FILTERS = st.builds(
    Filter,
    names=st.lists(st.sampled_from(["lab6", "0001", "hg3", "cola"]), max_size=2).map(tuple),
    statuses=st.frozensets(st.sampled_from(Status), max_size=2),
    categories=st.frozensets(st.sampled_from(Category), max_size=1),
    beamlines=st.sampled_from([(), ("id99",)]),
    hidden=st.frozensets(st.sampled_from(Status), max_size=3),
    attention=st.booleans(),
)
