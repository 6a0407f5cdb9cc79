"""Options by their beginnings, as cron tables have them, under `icat-sync-raw` only."""

import pytest

from icat_tui.cli import main
from icat_tui.cli.abbreviations import EXPANDED, expand
from icat_tui.cli.parser import SYNC_RAW, parse
from icat_tui.domain.errors import UsageError
from tests.support.place import Place
from tests.support.program import Runner


def test_every_unique_beginning_of_an_old_option_stands_for_it_and_is_noted() -> None:
    for option in EXPANDED:
        assert list(expand([option, f"{option}=x"], EXPANDED)) == [(option, ""), (f"{option}=x", "")]
        for length in range(3, len(option)):
            beginning = option[:length]
            meant = [each for each in EXPANDED if each.startswith(beginning)]
            if len(meant) > 1:
                with pytest.raises(UsageError, match=f"{beginning} is the beginning of --"):
                    list(expand([beginning], EXPANDED))
            else:
                note = f"{beginning} is taken for {option}: write it out"
                assert list(expand([beginning, f"{beginning}=a=b"], EXPANDED)) == [
                    (option, note),
                    (f"{option}=a=b", note),
                ]


@pytest.mark.parametrize("word", ["-q", "--", "x", "--rate", "--jso", "--inves", "", "-register"])
def test_any_other_word_stays_as_it_is(word: str) -> None:
    assert list(expand([word], (*EXPANDED, "--rate"))) == [(word, "")]


def test_newer_options_are_no_reason_not_to_know_an_old_one_and_count_in_full() -> None:
    asked = parse(SYNC_RAW, ["--inv", "--re"])
    assert (asked.invalidate_cache, asked.register) == (True, True)
    with pytest.raises(UsageError, match="there is no option --inves"):
        parse(SYNC_RAW, ["--inves", "7"])
    with pytest.raises(UsageError, match="there is no option --cache"):
        parse("icat-tui", ["sync", "--cache", "x"])
    assert parse(SYNC_RAW, ["--cache", "x", "--", "--cache"]).paths == ["./--cache"]


def test_a_line_of_a_cron_table_works_with_a_note_that_is_not_for_those_who_want_quiet(
    place: Place, at: Runner
) -> None:
    place.session()
    words = ["--invalidate", "--cache", str(place.directory / "cache"), "--prop=hg333", "--no"]
    ran = at(*words, program=main.sync_raw)
    assert ran.code == 0
    assert ran.err.splitlines() == [
        f"icat-sync-raw: {typed} is taken for {meant}: write it out"
        for typed, meant in (
            ("--invalidate", "--invalidate-cache"),
            ("--cache", "--cache-dir"),
            ("--prop", "--proposal"),
            ("--no", "--no-print"),
        )
    ]
    assert list((place.directory / "cache").rglob("hg333*.json"))
    assert at(*words, "-q", program=main.sync_raw).err == ""
