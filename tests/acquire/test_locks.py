"""Only one process acquires into a folder; a dead one is in nobody's way."""

import errno
import os
import subprocess
import sys

import pytest
from conftest import ROOT
from filelock import FileLock

from saccade.acquire.locks import lock
from saccade.records import SaccadeError

HOLD = """
import sys
from pathlib import Path
from saccade.acquire.locks import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """A process that holds the lock."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, **pipes) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_refused_at_once_and_told_who_is_first(tmp_path, other):
    with (
        pytest.raises(SaccadeError, match=f"acquiring files into {tmp_path} .process {other.pid} on .*, since 2"),
        lock(tmp_path),
    ):
        pytest.fail("two hold it")


def test_a_killed_holder_holds_it_no_more(tmp_path, other):
    other.kill()
    other.wait()
    with lock(tmp_path):
        assert f"process {os.getpid()} " in (tmp_path / ".acquire.holder").read_text()


def test_it_is_free_afterwards_whatever_happened(tmp_path):
    with pytest.raises(ZeroDivisionError), lock(tmp_path):
        raise ZeroDivisionError
    assert not (tmp_path / ".acquire.holder").exists()
    with lock(tmp_path):
        pass


def test_the_folder_is_made(tmp_path):
    with lock(tmp_path / "data/raw"):
        assert (tmp_path / "data/raw").is_dir()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "raw").touch()
    with pytest.raises(SaccadeError, match=f"cannot write into {tmp_path}/raw"), lock(tmp_path / "raw"):
        pytest.fail("held")


def fails(code: int):
    def acquire(self):
        raise OSError(code, os.strerror(code))

    return acquire


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_noted(tmp_path, monkeypatch, capsys, code):
    monkeypatch.setattr(FileLock, "acquire", fails(code))
    with lock(tmp_path):
        assert "has no locks: let no second process" in capsys.readouterr().out


def test_a_lock_file_of_another_user_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(FileLock, "acquire", fails(errno.EACCES))
    with pytest.raises(SaccadeError, match="cannot lock .*acquire.lock: Permission denied"), lock(tmp_path):
        pytest.fail("held")
