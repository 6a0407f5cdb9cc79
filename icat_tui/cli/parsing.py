"""How words are read, and what is said of those that can't be: one line, what is wrong and what would be right."""

import argparse
import re
from collections.abc import Sequence
from datetime import date
from typing import NoReturn

from icat_tui.domain.errors import UsageError


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are UsageErrors of one line: what is wrong and what would be right."""

    def error(self, message: str) -> NoReturn:
        """Raise a UsageError; for a flag that there is not, name the closest one."""
        unknown = re.match(r"unrecognized arguments: (--?[^-\s]\S*)", message)
        if unknown:
            flag = unknown[1].partition("=")[0]
            close = closest(flag, [option for action in self._actions for option in action.option_strings])
            message = f"there is no option {flag}: " + (
                f"did you mean {close}?" if close else f"see {self.prog} --help"
            )
        raise UsageError(message)


def closest(word: str, known: Sequence[str]) -> str | None:
    """Return the known word that was probably meant; None where none is near."""
    import difflib  # noqa: PLC0415 - late: only mistakes need it

    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.7)), None)


# -- values ----------------------------------------------------------------------------------------------------------


def not_empty(text: str) -> str:
    """Return a PATH or a name; an empty one is a variable that was never set, and must not mean "everything"."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; leave it out, or say what is meant")
    return text


def day(text: str) -> date:
    """Return a date given as YYYYMMDD or YYYY-MM-DD."""
    try:
        if re.fullmatch(r"[0-9]{4}(-?)[0-9]{2}\1[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!a} is no date: give YYYYMMDD or YYYY-MM-DD")


def session(text: str) -> str:
    """Return the date of a session, or a glob of such dates."""
    if re.search(r"[*?\[]", text):
        return text
    try:
        return f"{day(text):%Y%m%d}"
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or a glob such as 202310*") from None


def investigation(text: str) -> int:
    """Return the id of an investigation."""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text!a} is no id: give the number of an investigation")
    return int(text)
