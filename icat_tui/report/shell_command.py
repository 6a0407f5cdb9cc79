"""Commands for a shell that do what was done on the screen: register one dataset, and no other.

Source: interface.md, "Screen". What must stay true: a command registers exactly the dataset it was made for, with what
was in force, and holds no secret.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from icat_tui.report.shell_words import bash_word, bash_words

Options = tuple[tuple[str, str], ...]
"""Options with their values, several for one that is repeated."""


class CommandCall(Struct, frozen=True, kw_only=True):
    """Program and options that all these commands have in common: settings that no file in force holds."""

    program: tuple[str, ...]
    """The words that call `icat-tui`."""
    common: Options = ()
    """Options of every command that sends."""
    roots: tuple[str, ...] = ()
    """Data roots, where no settings file has them."""
    variables: Options = ()
    """Variables of the environment, for settings that have no option."""
    by_hand: Options = ()
    """Further variables, for what `store-raw` has no option for."""


def register_command(
    call: CommandCall, dataset: str, raw_format: str | None = None, investigation: int | None = None
) -> str:
    """Return the command that registers what ICAT lacks of a dataset; `investigation` is one that a person chose."""
    words = [*call.program, "sync", "--register", "--dataset", dataset]
    words += ["--format", raw_format or "auto"]
    if investigation is not None:
        words += ["--investigation", str(investigation)]
    words += [word for root in call.roots for word in ("--data-root", root)]
    return _command(call.variables, [*words, *_option_words(call.common)])


def store_command(call: CommandCall, given: Mapping[str, str], parameters: Mapping[str, object]) -> str:
    """Return the command that registers a dataset by hand, with options of `store-raw` and ICAT's parameters."""
    words = [*call.program, "store-raw", *store_words(given, parameters), *_option_words(call.common)]
    return _command((*call.variables, *call.by_hand), words)


def store_words(given: Mapping[str, str], parameters: Mapping[str, object]) -> Iterator[str]:
    """Yield options of `store-raw` and ICAT's parameters; names may begin with a dash, so words have a value too."""
    yield from (f"--{option}={value}" for option, value in given.items())
    for name, value in parameters.items():
        yield from ("-p", f"{name}={_parameter(value)}")


def _parameter(value: object) -> str:
    """Return a value as `-p` reads it back: a text that would be read as JSON, such as `1`, as a JSON text."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return value
    return json.dumps(value)


def _option_words(options: Options) -> Iterator[str]:
    return (word for option in options for word in option)


def _command(variables: Options, words: Iterable[str]) -> str:
    assigned = [f"{name}={bash_word(value)}" for name, value in variables]
    return " ".join([*assigned, bash_words(words)])
