"""Locks across processes, which the system frees when their holder dies. No torch."""

import contextlib
import datetime
import errno
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from saccade.files import need_writable, write_atomic
from saccade.records import SaccadeError

LOCK_FILE, HOLDER_FILE = ".acquire.lock", ".acquire.holder"
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP)  # filelock has its own way where the system lacks the call


@contextlib.contextmanager
def lock(raw: Path) -> Iterator[None]:
    """Inside, this process is the only one that acquires files below `raw`. Raises SaccadeError at once where another
    one does, here or on a machine that shares the file system, and says which it may be."""
    need_writable(raw)
    holder = raw / HOLDER_FILE
    with held(raw / LOCK_FILE, 0, lambda: _busy(raw, holder)) as is_held:
        if not is_held:
            print(f"note: the file system of {raw} has no locks: let no second process acquire files into it")
        since = f"{datetime.datetime.now():%Y-%m-%d %H:%M}"
        write_atomic(holder, lambda file: file.write_text(f"process {os.getpid()} on {platform.node()}, since {since}"))
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)


def _busy(raw: Path, holder: Path) -> str:
    known = ""
    with contextlib.suppress(OSError):  # it may have just begun, or be ending
        known = f" ({holder.read_text()})"
    return f"another process is acquiring files into {raw}{known}; wait until it has ended, or end it"


@contextlib.contextmanager
def held(file: Path, seconds: float, busy: Callable[[], str]) -> Iterator[bool]:
    """Inside, no other process holds the lock of that file. Gives whether it is really held: some file systems have no
    locks. Raises SaccadeError where the file can't be opened, and what `busy` says where another process holds it for
    so many seconds more."""
    owned, is_held = FileLock(file, timeout=seconds), True
    try:
        owned.acquire()
    except Timeout:
        raise SaccadeError(busy()) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise SaccadeError(f"cannot lock {file}: {error.strerror or error}; is it yours to write?") from None
        is_held = False
    try:
        yield is_held
    finally:
        owned.release()
