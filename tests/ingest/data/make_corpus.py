"""Write corpus.json: what pyicat-plus 3.1 makes of the cases. Run it where pyicat-plus 3.1.0 is installed.

python tests/ingest/data/make_corpus.py >tests/ingest/data/corpus.json
"""

import importlib
import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

CASES: dict[str, dict[str, Any]] = importlib.import_module("cases").CASES
SERIALIZERS = importlib.import_module("pyicat_plus._icat_messaging.serializers.dataset")


def expected(case: dict[str, Any]) -> dict[str, object]:
    """Return the body, and whether there were warnings; or the kind of error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            body = SERIALIZERS.serialize_dataset_message(**case)
        except (AssertionError, TypeError, ValueError) as error:
            return {"error": type(error).__name__}
    return {"body": body.decode(), "warned": bool(caught)}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    json.dump({name: expected(case) for name, case in CASES.items()}, sys.stdout, indent=1)
    sys.stdout.write("\n")
