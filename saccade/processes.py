"""Processes that share a verb's work and end with it, however it ends. No torch."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from saccade.records import SaccadeError

Job = TypeVar("Job")
Result = TypeVar("Result")


@contextmanager
def processes(workers: int, start: Callable[..., object] | None = None, *given: Any) -> Iterator[ProcessPoolExecutor]:
    """A pool of so many, each of which first calls `start(*given)`. At the end what hasn't begun is left undone, and
    what has is waited for. Ctrl-C is this process's alone; where it dies suddenly they end at once."""
    context = multiprocessing.get_context("spawn")  # a forked process would inherit the locks of others' threads
    pool = ProcessPoolExecutor(workers, context, _start, (start, given))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def as_done(
    pool: ProcessPoolExecutor, work: Callable[[Job], Result], jobs: Iterable[Job], died: str
) -> Iterator[tuple[Job, Result]]:
    """(job, what `work` makes of it), as they are done. Raises SaccadeError, which says `died`, where a process ends
    before its job does."""
    waiting = {pool.submit(work, job): job for job in jobs}
    try:
        for done in as_completed(waiting):
            yield waiting.pop(done), done.result()
    except BrokenProcessPool:
        raise SaccadeError(died) from None


def _start(start: Callable[..., object] | None, given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if start:
        start(*given)


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
