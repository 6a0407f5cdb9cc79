"""Texts for people: names with unprintable characters escaped, and numbers with their nouns.

Names on disk are untrusted. What must stay true: every name that a person reads passes through `visible` once, and its
result can be printed on any terminal: no control character, nothing that changes the direction of text, no undecodable
byte (promises.md 9).
"""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNDECODABLE = range(0xDC80, 0xDD00)
"""Surrogates by which surrogateescape represents the bytes 0x80 to 0xff that are not UTF-8."""


def visible(text: str) -> str:
    r"""Return `text` with every character that is not printable written as an escape.

    For example `\n`, `\x1b`, `\u202e`; a byte that is not UTF-8 is `\xff`, the character of that number is `\u00ff`,
    and lone surrogates are `\ud800`. `str.isprintable` decides: controls, formats such as the bidi marks, separators
    other than the space, private and unassigned characters are not printable. Backslashes stay as they are, so the
    result can't be converted back.
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
    """Return the text after the first of `number` things of a kind: ` (and 2 more)`; empty for a single one."""
    return f" (and {number - 1:,} more)" if number > 1 else ""
