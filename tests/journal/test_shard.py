"""Names of shards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icat_tui.journal.shard import ELSEWHERE, LONGEST_NAME, shard_of, shard_of_proposal


@pytest.mark.parametrize(
    ("location", "shard"),
    [
        ("/data/visitor/hg333/id99/20231019/RAW_DATA/colA/colA_0001", "hg333"),
        ("/data/visitor/HG333/id99/20231019/RAW_DATA/colA/colA_0001", "hg333"),
        ("/data/visitor/blc-1.5/id99/20231019", "blc-1.5"),
        ("/data/visitor/a_b c/id99/20231019", "a%5fb%20c"),
        ("/data/visitor/é\udcff/id99/20231019", "%c3%a9%ff"),
        ("/data/visitor/../id99/20231019", "%2e%2e"),
        ("/data/visitor/_/id99/20231019", "%5f"),
        ("/data/other/place", ELSEWHERE),
        ("", ELSEWHERE),
    ],
)
def test_it_is_named_by_the_proposal_directory(location: str, shard: str) -> None:
    assert shard_of(location) == shard


def test_a_long_name_becomes_a_digest() -> None:
    assert shard_of_proposal("a" * LONGEST_NAME) == "a" * LONGEST_NAME
    assert len(shard_of_proposal("a" * (LONGEST_NAME + 1))) == 64
    assert shard_of_proposal("a" * 101) == shard_of_proposal("A" * 101) != shard_of_proposal("b" * 101)


@given(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_other_proposals_have_other_files_and_every_name_is_one(one: str, other: str) -> None:
    name = shard_of_proposal(one)
    assert name.isascii()
    assert "/" not in name
    assert name not in (".", "..", ELSEWHERE, "")
    assert (name == shard_of_proposal(other)) == (one.lower() == other.lower())
