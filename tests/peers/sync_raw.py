"""Run a peer's `sync_raw` once, without Beacon, and say how long it took: for the peer's own interpreter.

    python sync_raw.py --icatplus URL --cache-dir DIR [--save-dir DIR] [--result FILE]

Nothing is sent: it is a dry run, and the only broker it could know is a closed port on loopback. The time is that of
the call alone, without imports and without making the client.
"""

import argparse
import importlib
import importlib.util
import json
import logging
import time
from pathlib import Path

PLACES = ("icat_fs_sync.sync_raw", "pyicat_plus.apps.sync_raw")
"""Where `sync_raw` lies, the newest program first."""
NO_BROKER = ["127.0.0.1:1"]
WAIT = 600.0
"""Seconds to wait for ICAT+, as `icat-sync-raw` itself does; without it every call is given up after 0.1 s."""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--icatplus", required=True)
    parser.add_argument("--cache-dir", required=True)
    parser.add_argument("--save-dir")
    parser.add_argument("--result", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # as with --no-print
    begun = time.perf_counter()
    place = next(place for place in PLACES if importlib.util.find_spec(place.partition(".")[0]))
    program = importlib.import_module(place)
    imported = time.perf_counter()
    client = program.IcatClient(
        metadata_urls=NO_BROKER,
        add_files_urls=NO_BROKER,
        elogbook_url=arguments.icatplus,
        elogbook_token="00000000-0000-0000-0000-000000000000",
        feedback_timeout=WAIT,
    )
    called = time.perf_counter()
    program.sync_raw(client, dry_run=True, save_dir=arguments.save_dir, cache_dir=arguments.cache_dir)
    ended = time.perf_counter()
    if arguments.result:
        arguments.result.write_text(json.dumps({"seconds": ended - called, "import_seconds": imported - begun}))


if __name__ == "__main__":
    main()
