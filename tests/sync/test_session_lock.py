"""Locks of sessions: one holder, named to the others, gone with its process (promises.md 8)."""

import json
import multiprocessing
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from icat_tui.domain.errors import ExitCode, SaveError
from icat_tui.sync.session_lock import SessionLockedError, lock_path, locked
from tests.support.samples import a_directory
from tests.support.time_slot import FACILITY
from tests.support.users import become

SESSION = a_directory()
OTHER = a_directory("hg444")
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.sync.test_session_lock"])


def hold(user: int | None, umask: int, state_dir: Path, held: Any, over: Any) -> None:
    """Hold the lock until it is over."""
    if user is not None:
        become(user)
    os.umask(umask)
    with locked(state_dir, SESSION.path, FACILITY):
        held.set()
        assert over.wait(60)


class Holder:
    """Another process that holds the lock."""

    def __init__(self, state_dir: Path, user: int | None = None, umask: int = 0o022) -> None:
        held, self.over = FORKS.Event(), FORKS.Event()
        self.process = FORKS.Process(target=hold, args=(user, umask, state_dir, held, self.over))
        self.process.start()
        assert held.wait(30)

    def end(self) -> None:
        self.over.set()
        self.process.join(30)
        assert self.process.exitcode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.join(30)


def holder_of(state_dir: Path) -> str:
    with pytest.raises(SessionLockedError) as refused, locked(state_dir, SESSION.path, FACILITY):
        pytest.fail("two hold it")
    assert refused.value.code == ExitCode.LOCKED
    assert str(refused.value) == f"{SESSION.path} is being registered by {refused.value.holder}: try again later"
    return refused.value.holder


def test_the_other_is_told_who_holds_it_and_gets_it_afterwards(tmp_path: Path) -> None:
    holder = Holder(tmp_path)
    assert holder_of(tmp_path) == f"root on {socket.gethostname()} (process {holder.process.pid})" or os.geteuid()
    with locked(tmp_path, OTHER.path, FACILITY):
        holder.end()
    with locked(tmp_path, SESSION.path, FACILITY):
        assert f"process {os.getpid()})" in holder_of(tmp_path)


def test_a_holder_that_was_killed_does_not_block(tmp_path: Path) -> None:
    Holder(tmp_path).kill()
    with locked(tmp_path, SESSION.path, FACILITY):
        assert f"process {os.getpid()})" in holder_of(tmp_path)


def test_whoever_has_let_go_is_not_named_any_more(tmp_path: Path) -> None:
    with locked(tmp_path, SESSION.path, FACILITY):
        pass
    assert lock_path(tmp_path, SESSION.path, FACILITY).read_text() == ""


@pytest.mark.parametrize("content", ["", "{", "null", '{"pid": "x", "user": 1, "host": 2}', "[" * 5000])
def test_what_can_not_be_read_is_somebody(tmp_path: Path, content: str) -> None:
    with locked(tmp_path, SESSION.path, FACILITY):
        lock_path(tmp_path, SESSION.path, FACILITY).write_text(content)
        assert holder_of(tmp_path) == "somebody else"


def test_a_name_that_was_left_by_a_process_that_is_gone_is_not_told(tmp_path: Path) -> None:
    gone = Holder(tmp_path)
    gone.kill()
    with locked(tmp_path, SESSION.path, FACILITY):
        signature = {"pid": gone.process.pid, "user": "me", "host": socket.gethostname()}
        lock_path(tmp_path, SESSION.path, FACILITY).write_text(json.dumps(signature))
        assert holder_of(tmp_path) == "somebody else"
        lock_path(tmp_path, SESSION.path, FACILITY).write_text(json.dumps(signature | {"host": "elsewhere"}))
        assert holder_of(tmp_path) == f"me on elsewhere (process {gone.process.pid})"


def test_where_no_lock_can_be_made_it_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("a file")
    with pytest.raises(SaveError, match="Nothing is sent without it"), locked(tmp_path, SESSION.path, FACILITY):
        pytest.fail("there is no lock")


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming other users takes root")
@pytest.mark.parametrize("umask", [0o002, 0o022])
def test_a_lock_file_of_another_user_is_no_obstacle(group_directory: Path, umask: int) -> None:
    Holder(group_directory, 12001, umask).end()
    assert lock_path(group_directory, SESSION.path, FACILITY).stat().st_uid == 12001
    holder = Holder(group_directory, 12002, umask)
    assert holder_of(group_directory) == f"12002 on {socket.gethostname()} (process {holder.process.pid})"
    assert "12002" in holder_of(group_directory)
    holder.kill()
    Holder(group_directory, 12001, umask).end()


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming other users takes root")
def test_one_that_was_killed_is_not_named_for_one_who_can_not_sign(group_directory: Path) -> None:
    Holder(group_directory, 12001).kill()
    lock_path(group_directory, SESSION.path, FACILITY).chmod(0o640)
    holder = Holder(group_directory, 12002)
    assert holder_of(group_directory) == "somebody else"
    holder.end()
