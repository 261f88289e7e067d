"""Folders for what isn't done yet. Each goes when its work is done; what killed processes left, the next that works at
the same place removes. No torch.

In each such folder lies a lock, held by the process that works there. A lock of this machine that nobody holds is a
dead process's, whatever its age. Locks of other machines can't always be seen from here (network file systems); such a
folder goes when nobody has touched it for a week. Who is killed before the lock is held leaves an empty folder, or a
lock without a name; that goes after a minute.
"""

import contextlib
import fcntl
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PREFIX = ".saccade-"
FOLDER = re.compile(re.escape(PREFIX) + "[a-z0-9_]{8}")  # as `tempfile` names them
LOCK = ".lock"
WEEK_S = 7 * 24 * 3600
MINUTE_S = 60
# a socket's path has at most 107 bytes; multiprocessing's, which waits for ever where it has more, lie in our folder
LONGEST = 107 - len(f"/{PREFIX}12345678/pymp-12345678/listener-12345678")
# how we named what wasn't whole before it had a folder of its own, and how safetensors does; they bear no lock
PLAIN_FILE = re.compile(
    r"\..+\.(safetensors|json|jsonl|parquet|csv|mp4|ipynb|html|tex|svg|png|pdf)\.[a-z0-9_]{8}(\.\1)?"
    r"|\.tmp[A-Za-z0-9]{6}"
)
PLACES = ("results", "reports", "data")  # of a checkout, where they lie; elsewhere such files are somebody's own
PLAIN_FILE_S = 3600


@contextlib.contextmanager
def work_folder(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, removed at the end with what is still in it. Raises OSError where it can't be made."""
    _clear_once(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    lock = None
    try:
        lock = _claim(folder)
        yield folder
    finally:
        with contextlib.suppress(OSError):
            _remove(folder)
        if lock is not None:
            os.close(lock)


@contextlib.contextmanager
def own_tempdir() -> Iterator[None]:
    """Inside, the temporary files of this process, of its children and of libraries lie in a folder of their own; in
    /tmp where TMPDIR is too long. Where there is no room for one it changes nothing: what needs it will say so."""
    before = os.environ.get("TMPDIR")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            parent = Path(tempfile.gettempdir())
            if not parent.name.startswith(PREFIX):  # a child shares its parent's; a socket's path must stay short
                fits = len(os.fsencode(parent)) <= LONGEST
                folder = stack.enter_context(work_folder(parent if fits else Path("/tmp")))
                os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = None  # read again from the environment
            if before is None:
                os.environ.pop("TMPDIR", None)
            else:
                os.environ["TMPDIR"] = before


def adopt(folder: Path) -> None:
    """Marks the temporary folder that another library made for this process, and removes those of its kind beside it
    that killed processes left. `tempfile` names a kind by its prefix: a name without its last eight characters."""
    with contextlib.suppress(OSError):
        _claim(folder)  # until the process ends
    kind = re.compile(re.escape(folder.name[:-8]) + "[a-z0-9_]{8}")
    with contextlib.suppress(OSError), os.scandir(folder.parent) as entries:
        for entry in [each for each in entries if kind.fullmatch(each.name) and each.is_dir(follow_symlinks=False)]:
            _remove_orphan(Path(entry.path))


def clear_leftovers(parent: Path) -> None:
    """Removes from the folder what killed processes left there. A folder that doesn't exist holds nothing."""
    ours = _in_a_checkout(parent)
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _remove_orphan(Path(entry.path))
            elif ours and PLAIN_FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_plain_file(Path(entry.path))


def _in_a_checkout(folder: Path) -> bool:
    """Whether the folder is one of those that a checkout's workflow writes into, or in one."""
    folder = Path(os.path.abspath(folder))  # links stay: results may be one
    return any(each.name in PLACES and (each.parent / "Snakefile").is_file() for each in (folder, *folder.parents))


# Once per folder and verb (`main` forgets it): a look at a folder of thousands of videos takes longer than to write one
_clear_once = cache(clear_leftovers)
look_again = _clear_once.cache_clear


def _claim(folder: Path) -> int:
    """The open lock of the folder, which is this process's until it is closed. It names the machine once it is held, so
    a lock without a name tells nothing."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    with contextlib.suppress(OSError):  # a file system without locks, or held already; without a name age decides
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(lock, _machine().encode())
    return lock


def _remove_orphan(folder: Path) -> None:
    with contextlib.suppress(OSError):  # another user's, or gone meanwhile
        try:
            lock = os.open(folder / LOCK, os.O_RDWR)
        except FileNotFoundError:
            if _untouched_s(folder) > MINUTE_S:
                folder.rmdir()  # only if empty: what holds something and bears no lock may be anybody's
            return
        try:
            name, untouched_s = os.read(lock, 100), _untouched_s(folder)
            ours = name == _machine().encode()
            if not ours and untouched_s <= MINUTE_S:
                return  # it may just be being made: who looked at it now would hold it
            free = _is_free(lock)
            if free is not False and (ours or untouched_s > WEEK_S or (free and not name)):
                _remove(folder)
        finally:
            os.close(lock)


def _remove(folder: Path) -> None:
    """The lock goes last: whoever is killed meanwhile leaves a folder that is known for ours."""
    for path in folder.iterdir():
        if path.name != LOCK:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.rmtree(folder)


def _is_free(lock: int) -> bool | None:
    """Whether nobody holds the lock; None on a file system without locks, where a lock bears no name either."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _remove_plain_file(file: Path) -> None:
    with contextlib.suppress(OSError):
        if time.time() - file.stat().st_mtime > PLAIN_FILE_S:
            file.unlink()


def _untouched_s(folder: Path) -> float:
    return time.time() - max(path.lstat().st_mtime for path in [folder, *folder.rglob("*")])


@cache
def _machine() -> str:
    """This machine since its last start; the same in all of its containers."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return platform.node()
