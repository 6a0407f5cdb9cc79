"""Browsers that have a window of their own.

What must stay true: no program is started that could take the terminal, so only browsers that are known to be
graphical are, and without a terminal to take.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from icat_tui.tui.terminal import over_ssh

GRAPHICAL = (
    "firefox",
    "firefox-esr",
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "microsoft-edge",
    "microsoft-edge-stable",
    "brave-browser",
    "vivaldi",
    "vivaldi-stable",
    "opera",
    "konqueror",
    "falkon",
    "epiphany",
    "epiphany-browser",
)
"""Names of programs that never show a page in a terminal; `xdg-open` and the like may, and are not among them."""
SYSTEM_WIDE = "x-www-browser"
"""Link to the browser of a Debian system; it counts where it leads to a graphical one."""
DETACHED = '"$@" </dev/null >/dev/null 2>&1 &'


def graphical_browser(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Sequence[str]:
    """Return the words that start a browser with a window, before the address; empty where that is not sure.

    `BROWSER` decides where it is set: where the first program it names that is there is not known to be graphical,
    none is started.
    """
    if over_ssh(environ):
        return ()
    if platform == "darwin":
        return ("/usr/bin/open",)
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return ()
    path = environ.get("PATH")
    if chosen := environ.get("BROWSER", "").strip():
        there = (
            words
            for entry in chosen.split(os.pathsep)
            if (words := _words(entry)) and shutil.which(words[0], path=path)
        )
        words = next(there, [])
        return words if words and _is_graphical(words[0], path) else ()
    names = (SYSTEM_WIDE, *GRAPHICAL)
    return next(([name] for name in names if shutil.which(name, path=path) and _is_graphical(name, path)), ())


def open_in_window(address: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Start a browser with a window for an address; return whether there is one."""
    command = graphical_browser(environ)
    if not command or not address.startswith(("https://", "http://")):
        return False
    words = [word.replace("%s", address) for word in command]
    if words == list(command):
        words.append(address)
    try:
        started = subprocess.run(  # noqa: S603 - a browser that we know, or the person chose
            ["/bin/sh", "-c", DETACHED, "sh", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=dict(environ),
            timeout=2,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return started.returncode == 0


def _words(entry: str) -> list[str]:
    try:
        return [word for word in shlex.split(entry) if word != "&"]
    except ValueError:
        return []


def _is_graphical(program: str, path: str | None) -> bool:
    """Return whether a program is one of those that we know, by its own name or, for a link, by what it leads to."""
    if Path(program).name in GRAPHICAL:
        return True
    found = shutil.which(program, path=path)
    return Path(program).name == SYSTEM_WIDE and found is not None and Path(found).resolve().name in GRAPHICAL
