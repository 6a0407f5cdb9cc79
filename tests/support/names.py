"""Names that do harm where they are printed, quoted, parsed or run (promises.md 9): one list for every output.

Every one of HOSTILE_NAMES can be a directory on Linux, alone and as part of `<name>_0001.h5`. HOSTILE_TEXTS are for
what is text only, such as the name of a sample.
"""

HOSTILE_NAMES: tuple[str, ...] = (
    # markup of a terminal UI
    "[x]",
    "a[b]c",
    "[red]red[",
    "\\[x]",
    # bash
    "$(reboot)",
    "${HOME}",
    "`reboot`",
    "a;b",
    "a&b|c",
    "a>b",
    "'single'",
    '"double"',
    'it\'s "both"',
    "back\\slash",
    "!!",
    "#x",
    "*",
    "?",
    "{a,b}",
    "~",
    "-rf",
    "--register",
    # line ends and control characters
    "new\nline",
    "\nfirst",
    "last\n",
    "carriage\rreturn",
    "\rfirst",
    "a\tb",
    "\tfirst",
    "bell\x07",
    "back\x08space",
    "del\x7fete",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b[2J",
    "c1\x9b31m",
    "next\x85line",
    "line\u2028separator",
    # what is not what it looks like
    "abc\u202egnp.exe",
    "a\u2066b\u2069c",
    "\u200fright",
    "zero\u200bwidth",
    "\ufeffmark",
    "e\u0301",
    "\u00e9",
    "Z\u0351\u036b\u0343\u0346",
    "\u540d\u524d",
    "\U0001f9ea",
    # what UTF-8 or XML can't carry
    "caf\udce9",
    "\udcff\udcfe",
    "not\ufffecharacter",
    # cells of a spreadsheet
    "=cmd()",
    "=cmd|' -C calc'!A0",
    "+1",
    "-1",
    "@x",
    "a,b",
    "a;b,c\td",
    # XML
    "&<>",
    "&amp;",
    "]]>",
    "<!--",
    # space
    " leading",
    "trailing ",
    " ",
    "a  b",
    # templates
    "%s",
    "%(x)s",
    "{0}",
    "{x!r}",
    # length
    "l" * 200,
    "\u00e9" * 100,
)
"""Names of directories: no slash, no NUL, at most 200 bytes; undecodable bytes stand in them by surrogateescape."""

HOSTILE_TEXTS: tuple[str, ...] = (
    *HOSTILE_NAMES,
    "[/x]",
    "[/]",
    "a/b",
    "../../etc/passwd",
    "</tns:name>",
    "nul\x00nul",
    "l" * 5000,
)
"""Texts: all of these, and what no directory can be called."""
