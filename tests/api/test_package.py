"""What `import icat_tui` gives, and what it does not import."""

import subprocess
import sys

import pytest

import icat_tui


def test_importing_the_package_imports_its_version_and_nothing_else() -> None:
    program = (
        "import sys, icat_tui\n"
        "print([name for name in sys.modules if name.startswith('icat_tui.') or name in ('msgspec', 'requests')])\n"
        "icat_tui.IcatClient, icat_tui.scan\n"
        "print(sorted({'h5py', 'requests', 'stomp', 'rich', 'textual'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['icat_tui._version']\n[]\n"


def test_what_the_package_says_it_has_is_there() -> None:
    assert all(getattr(icat_tui, name) for name in icat_tui.__all__)
    with pytest.raises(AttributeError):
        icat_tui.nothing  # noqa: B018
