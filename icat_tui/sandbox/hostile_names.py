"""Names with characters that programs may misinterpret (promises.md 9): each must be shown, stored and sent as it is.

They are names only: nothing here runs them.
"""

import sys

HOSTILE_NAMES = (
    "[x]",
    "a[b]c",
    "$(reboot)",
    "`reboot`",
    "a;b",
    "a & b",
    "~root",
    "--help",
    "=cmd()",
    "échantillon β 試料",
    "bidi\u202egnp",
)
"""Names of collections that BLISS allows and that shells, markup, patterns, spreadsheets or terminals misinterpret."""
HOSTILE_SAMPLES = ("[/x]", "<b>&amp;</b>", 'O\'Brien "the" sample', "$(reboot)", "@SUM(A1)")
FORBIDDEN_NAMES = (
    "hostile_\x1b[31mred",
    "hostile_new\nline",
    "hostile_tab\t",
    "hostile_50%",
    "hostile_it's",
    "hostile_*",
    *(() if sys.platform == "darwin" else ("hostile_latin1_\udce9",)),  # that file system knows UTF-8 only
)
"""Dataset directories that can't be registered under these names; the last holds a byte that is not UTF-8."""
