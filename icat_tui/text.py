"""Words that people are shown: names made visible, and numbers with their nouns.

Names on disk are other people's. Whatever a person reads passes through `visible` once, and what comes out can be
printed on any terminal: no control character, nothing that turns the direction of text, no undecodable byte
(promises.md 9).
"""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNDECODABLE = range(0xDC80, 0xDD00)
"""Where surrogateescape keeps the bytes 0x80 to 0xff that are not UTF-8."""


def visible(text: str) -> str:
    r"""Return `text` with everything that does not print written as an escape.

    `\n`, `\x1b`, `\u202e`; a byte that is not UTF-8 is `\xff`, the character of that number is `\u00ff`, and lone
    surrogates are `\ud800`. What does not print is what `str.isprintable` says: controls, formats such as the bidi
    marks, separators other than the space, private and unassigned. Backslashes stay as they are, so this is for
    reading, not for reading back.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code in _UNDECODABLE:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:  # noqa: PLR2004 - ASCII ends here
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the digits of \u


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 dataset`, `2 datasets`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def and_more(number: int) -> str:
    """Return what is said behind the first of `number` things of a kind: ` (and 2 more)`; nothing where it is alone."""
    return f" (and {number - 1:,} more)" if number > 1 else ""
