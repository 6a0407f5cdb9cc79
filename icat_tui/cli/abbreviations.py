"""Options written by their beginnings, as cron tables of `icat-sync-raw` have them (interface.md, "Commands").

What must stay true: a beginning counts among the options that `icat-sync-raw` has always had, and no others: a newer
one must never change what an old line means.
"""

from collections.abc import Iterator, Sequence

from icat_tui.domain.errors import UsageError

EXPANDED = (
    "--beamline",
    "--proposal",
    "--session",
    "--register",
    "--auto-register",
    "--format",
    "--save-dir",
    "--cache-dir",
    "--no-print",
    "--invalidate-cache",
    "--queue",
)
"""Options that a beginning may stand for (icat.md, "Options")."""


def expand(words: Sequence[str], known: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each word with beginnings of options written out, and a note on it, which is empty where it is as it was.

    `known` are the options that count as they are. Raises UsageError for what several options begin with.
    """
    for word in words:
        name, sign, value = word.partition("=")
        if not name.startswith("--") or name == "--" or name in known:
            yield word, ""
            continue
        meant = [option for option in EXPANDED if option.startswith(name)]
        if len(meant) > 1:
            raise UsageError(f"{name} is the beginning of {' and '.join(meant)}: write out which one is meant")
        if meant:
            yield meant[0] + sign + value, f"{name} is taken for {meant[0]}: write it out"
        else:
            yield word, ""
