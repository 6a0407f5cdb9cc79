"""`--help` and `--version` come at once: they import nothing that is heavy (how long it takes, benchmarks say)."""

import subprocess
import sys

import pytest

HEAVY = (
    "requests",
    "urllib3",
    "h5py",
    "numpy",
    "textual",
    "msgspec",
    "rich",
    "platformdirs",
    "yaml",
    "multiprocessing",
)


@pytest.mark.parametrize(
    "word", ["--version", "--help", "sync --help", "check --help", "--beemline", "doctor", "store-raw --help"]
)
def test_nothing_heavy_is_imported_to_say_what_there_is(word: str) -> None:
    program = (
        "import sys\n"
        "from icat_tui.cli.main import main\n"
        "try:\n"
        f"    main({word.split()!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print(sorted(set({HEAVY!r}) & sys.modules.keys()), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_run_without_hdf5_imports_no_hdf5(tmp_path: object) -> None:
    program = (
        "import sys\n"
        "from icat_tui.cli.main import main\n"
        f"main(['sync', '-q', '--data-root', {str(tmp_path)!r}, '--icatplus', 'http://127.0.0.1:9'])\n"
        "print(sorted({'h5py', 'numpy', 'requests', 'rich'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
