"""Other users of the machine, for tests that run as root."""

import os

GROUP = 4711
"""The group that they share."""


def become(user: int) -> None:
    """Make this process one of a user of the group."""
    os.setgroups([])
    os.setgid(GROUP)
    os.setuid(user)
