"""What we write, byte for byte.

To change it on purpose, run the tests with ICAT_TUI_REWRITE_GOLDEN=1 and read the diff.
"""

import os
from pathlib import Path

DIRECTORY = Path(__file__).parents[1] / "report" / "golden"
REWRITE = os.environ.get("ICAT_TUI_REWRITE_GOLDEN") == "1"


def matches(name: str, content: bytes) -> bool:
    """Return whether `content` is what the golden file of this name holds; when rewriting it is made so."""
    path = DIRECTORY / name
    if REWRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path.read_bytes() == content
