"""Run ours once and say how long it took: the counterpart of `tests/peers/sync_raw.py`.

    python -m tests.bench.run_ours RESULT ARGUMENT...

Only `import icat_tui` comes before the clock starts: whatever else a scan imports, it imports on its own time.
"""

import json
import sys
import time
from pathlib import Path

import icat_tui


def run_ours(arguments: list[str]) -> tuple[float, str | int | None]:
    """Run a command of ours; return the seconds it took, and what it gave to `sys.exit`."""
    assert icat_tui.__version__
    begun = time.perf_counter()
    from icat_tui.cli.main import main  # noqa: PLC0415  the import is part of what is measured

    code: str | int | None
    try:
        code = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    return time.perf_counter() - begun, code


if __name__ == "__main__":
    seconds, exit_code = run_ours(sys.argv[2:])
    Path(sys.argv[1]).write_text(json.dumps({"seconds": seconds}))
    sys.exit(exit_code)
