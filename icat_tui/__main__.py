"""Entry point of `python -m icat_tui`, which is `icat-tui`."""

import sys

from icat_tui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
