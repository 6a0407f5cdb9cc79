"""What keeps tests away from the person and the machine that run them."""

import ipaddress
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

FOREIGN = ("ICAT_TUI_", "BEACON_HOST", "NO_COLOR", "TEXTUAL_")
HOMES = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_DIRS")


def foreign_variables() -> list[str]:
    """Return the variables of the environment that would change what the program does."""
    return [each for each in os.environ if each.startswith(FOREIGN)]


def heed_signals() -> None:
    """Have signals do again what they do by default where whoever began the tests ignores them.

    With `nohup` or in the background we would hand that on, and what a test starts could not be stopped.
    """
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            if signal.getsignal(each) == signal.SIG_IGN:
                signal.signal(each, signal.default_int_handler if each == signal.SIGINT else signal.SIG_DFL)


def guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    """Return a method of sockets that fails the test where it would reach beyond loopback."""

    def guarding(connection: socket.socket, address: Any) -> Any:
        if connection.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
            connection.close()  # create_connection does so after an OSError only
            pytest.fail(f"a test connects to {address}, which is not on loopback")  # no Exception: nothing swallows it
        return connect(connection, address)

    return guarding


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
