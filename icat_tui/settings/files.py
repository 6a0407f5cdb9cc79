"""Files of settings: `config.toml`, and the file that holds the API key (interface.md, "Settings").

What must stay true: a file that exists but can't be read is an error and never ignored, an existing file is never
overwritten, and no error quotes a key file.
"""

import contextlib
import os
import secrets
import stat
import tomllib
from pathlib import Path

from icat_tui.domain.errors import SaveError, UsageError
from icat_tui.regular_file import open_regular, read_regular
from icat_tui.settings.values import api_key
from icat_tui.text import visible


def read_config(path: Path, *, required: bool) -> dict[str, object]:
    """Return the content of a `config.toml`; that of a missing one is empty, unless it is `required`.

    Raises `UsageError`, with the line where the file is not TOML.
    """
    shown = visible(str(path))
    try:
        content = read_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        if not required:
            return {}
        raise UsageError(f"{shown} is not there; `icat-tui config --init` writes a config file") from None
    except OSError as error:
        raise UsageError(f"{shown} can't be read: {error.strerror}; give its reader permission or remove it") from error
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{shown} is not UTF-8 (at line {line}); save it as UTF-8") from error
    except (ValueError, RecursionError) as error:  # not TOML, a number of thousands of digits, nested without end
        raise UsageError(f"{shown} is not TOML: {visible(str(error))}") from error


def read_key_file(path: Path) -> str:
    """Return the API key in a file that its owner and its group can read at most; raises `UsageError`."""
    shown = visible(str(path))
    try:
        with open_regular(path) as file:
            details = os.fstat(file.fileno())
            content = file.read()
    except FileNotFoundError:
        raise UsageError(f"api_key_file {shown} is not there; write the key of ICAT+ to it, mode 0600") from None
    except OSError as error:
        raise UsageError(f"api_key_file {shown} can't be read: {error.strerror}") from error
    if details.st_mode & (stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO):
        raise UsageError(
            f"api_key_file {shown} is open to others (mode {stat.S_IMODE(details.st_mode):04o}): run chmod 600 {shown}"
            ", or chmod 640 where its group may know it"
        )
    try:
        key = api_key(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(f"api_key_file {shown} is not text; it must hold the key and nothing else") from None
    except ValueError as error:
        raise UsageError(f"api_key_file {shown}: {error}; it must hold the key and nothing else") from None
    if key is None:
        raise UsageError(f"api_key_file {shown} is empty; write the key of ICAT+ to it")
    return key


def write_new(path: Path, content: str) -> None:
    """Write a new file, completely or not at all, and make its directories.

    Raises `UsageError` when the file exists, which stays as it is, and `SaveError` when it can't be written.
    """
    temporary = path.with_name(f".icat-tui-{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("x", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _link(temporary, path)
    except OSError as error:
        raise SaveError(
            f"{visible(str(path))} was not written: {error.strerror}; choose a place where it can"
        ) from error
    finally:
        with contextlib.suppress(OSError):  # never made, or not to be removed: the error above has the reason
            temporary.unlink()


def _link(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)  # unlike a rename it never replaces a file
    except FileExistsError as error:
        raise UsageError(f"{visible(str(path))} is there already and stays as it is; move it away first") from error
