"""Words of bash: any text as one word of one line, which is never run.

What must stay true: bash reads back what was given, byte for byte, in every locale (promises.md 9).
"""

import shlex
from collections.abc import Iterable


def bash_words(words: Iterable[str]) -> str:
    """Return words as a command."""
    return " ".join(bash_word(word) for word in words)


def bash_word(text: str) -> str:
    r"""Return `text` as one word of bash, on one line and printable.

    Bytes that are no text, and characters that are not printable, are written as octal in `$'…'`, which means the same
    in every locale (`\u202e` does not). NUL, which no argument can hold, becomes the four characters `\x00`.
    """
    text = text.replace("\0", "\\x00")
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(_escape(character) for character in text) + "'"


def _escape(character: str) -> str:
    if character in "\\'":
        return "\\" + character
    if character.isprintable():
        return character
    errors = "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", errors))
