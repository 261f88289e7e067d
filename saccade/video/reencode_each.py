"""Many videos encoded anew: by processes, each kept as soon as it is whole, none made twice. No torch.

The new file of `<source>` lies in `<folder>/<2 digits>/<18 digits>.mp4`, by a digest of the source's path, which stands
whatever names a dataset has. Beside it `.json` says of what it was made and how, and vouches for it as long as that is
so.
"""

import hashlib
import multiprocessing
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from saccade.files import need_writable, read_json, write_json
from saccade.processes import as_done, processes
from saccade.records import SaccadeError, size_words
from saccade.reencoding import Reencoding
from saccade.video.container import VideoError, fingerprint, need_file
from saccade.video.dataset_tables import paths_below
from saccade.video.probed_before import Found
from saccade.video.reencode import reencode

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "reencoded"  # of data/<d>/prepared
DIED = (
    "a process died while it encoded a video anew: memory ran out, or somebody ended it; those that are done stay, so "
    "run it again, with fewer --workers where memory is short"
)
_FIRST = 12  # videos, of all sizes, whose new sizes tell how much room the others will need
_SPARE_BYTES = 64 * 2**20  # that should stay free


@dataclass(frozen=True)
class _Job:
    """A source, where its new file goes, and what that is made of and how."""

    source: Path
    target: Path
    way: Reencoding
    identity: dict[str, Any]

    @property
    def bytes(self) -> int:
        return int(self.identity["bytes"])

    @property
    def record(self) -> Path:
        return self.target.with_suffix(".json")


def encoded_anew(
    root: Path, dataset: Path, videos: "pd.DataFrame", way: Reencoding, workers: int
) -> "tuple[pd.DataFrame, dict[str, Found]]":
    """(the videos, each with the `path` of its new file in `prepared/reencoded/<way>` of the dataset, for all its
    budgets, folds and subsets; {video_id: why not} of those that have none and keep the path of their source)."""
    paths = paths_below(root, videos)
    made, reasons = reencode_each(
        root, dataset / "prepared" / FOLDER / str(way), list(dict.fromkeys(paths)), way, workers
    )
    refused = {
        str(video): Found(kind="corrupt" if (root / path).exists() else "missing", reason=reasons[path])
        for video, path in zip(videos["video_id"], paths, strict=True)
        if path in reasons
    }
    return videos.assign(path=[made.get(path, path) for path in paths]), refused


def reencode_each(
    root: Path, folder: Path, sources: Sequence[str], way: Reencoding, workers: int
) -> tuple[dict[str, str], dict[str, str]]:
    """({source: its new file}, {source: why there is none}), all as paths below `root`.

    Raises SaccadeError where the disk is full, or will be before all are made; what is made by then stays.
    """
    need_writable(folder)
    made, reasons, jobs = dict[str, str](), dict[str, str](), list[_Job]()
    for source in sources:
        try:
            job = _job(root, folder, source, way)
        except VideoError as error:
            reasons[source] = str(error)
            _forget(_target(folder, source))
            continue
        made[source] = os.path.relpath(job.target, root)
        if not _is_made(job):
            jobs.append(job)
    if not jobs:
        return made, reasons
    size, kept = size_words(sum(job.bytes for job in jobs)), len(made) - len(jobs)
    print(f"to encode anew as {way}: {len(jobs)} videos, {size}; {kept} are there already", flush=True)
    for job, reason in _work(folder, jobs, workers):
        if reason:
            source = job.identity["source"]
            reasons[source] = reason
            del made[source]
    return made, reasons


def _job(root: Path, folder: Path, source: str, way: Reencoding) -> _Job:
    """Raises VideoError where there is no file with something in it."""
    path = root / source
    if path.is_dir():
        raise VideoError(f"{path}: a folder of pictures isn't encoded anew; take the edition that reads it as it is")
    need_file(path)
    now = path.stat()
    stamp = {"source": source, "bytes": now.st_size, "mtime_ns": now.st_mtime_ns}
    return _Job(path, _target(folder, source), way, {**stamp, "way": way.settings, "encoder": fingerprint()})


def _target(folder: Path, source: str) -> Path:
    digest = hashlib.sha256(source.encode()).hexdigest()
    return folder / digest[:2] / f"{digest[2:20]}.mp4"


def _is_made(job: _Job) -> bool:
    """Whether the new file is there, of this source and made so, and has the size that it had."""
    try:
        known = read_json(job.record)
        return bool(known == {**job.identity, "encoded_bytes": job.target.stat().st_size})
    except (SaccadeError, OSError, UnicodeDecodeError):
        return False


def _forget(target: Path) -> None:
    for path in (target.with_suffix(".json"), target):
        path.unlink(missing_ok=True)


def _work(folder: Path, jobs: Sequence[_Job], workers: int) -> Iterator[tuple[_Job, str]]:
    """(job, '' or why its source can't be encoded), as they are done; told meanwhile by the bytes of the sources."""
    read = written = done = 0
    total = sum(job.bytes for job in jobs)
    with tqdm(total=total, desc="encode anew", unit="B", unit_scale=True, mininterval=1.0) as bar:
        for job, reason in _make_each(_in_order(jobs), min(workers, len(jobs))):
            bar.update(job.bytes)
            done += 1
            if not reason:
                read, written = read + job.bytes, written + job.target.stat().st_size
            if done == _FIRST and read:
                _need_room(folder, (total - bar.n) * written / read, f"{done} of {len(jobs)}")
            yield job, reason


def _in_order(jobs: Sequence[_Job]) -> list[_Job]:
    """A few of all sizes first, then large ones before small ones: so that no long video is left for the end, when all
    cores but one have nothing to do."""
    by_size = sorted(jobs, key=lambda job: -job.bytes)
    step = -(-len(jobs) // _FIRST)
    return [*by_size[::step], *(job for number, job in enumerate(by_size) if number % step)]


def _need_room(folder: Path, needed: float, done: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        raise SaccadeError(
            f"{folder}: the videos that are left will need about {size_words(round(needed))}, and {size_words(free)} "
            f"are free; make room and run again ({done} are done, and stay), or take a smaller short side or a subset"
        )


def _make_each(jobs: Sequence[_Job], workers: int) -> Iterator[tuple[_Job, str]]:
    if workers < 2:
        yield from ((job, _make(job)) for job in jobs)
        return
    stop = multiprocessing.get_context("spawn").Event()
    with processes(workers, _stop_at, stop) as pool:
        try:
            yield from as_done(pool, _make, jobs, DIED)
        except KeyboardInterrupt:
            stop.set()  # else what has begun, an hour of film perhaps, would be waited for
            raise


def _stop_at(stop: Any) -> None:
    def wait() -> None:
        stop.wait()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _make(job: _Job) -> str:
    """'' where the new file is there; else why its source can't be encoded. Raises SaccadeError where it can't be
    written."""
    if _is_made(job):  # by another run, meanwhile
        return ""
    job.record.unlink(missing_ok=True)  # first, so that it never stands beside another file
    try:
        reencode(job.source, job.target, job.way)
    except VideoError as error:
        reason = str(error)
    except SaccadeError as error:
        raise SaccadeError(f"{error}; the videos that are done stay, and aren't made again") from None
    except Exception as error:
        reason = f"{job.source}: {type(error).__name__}: {error}"
    else:
        write_json(job.record, {**job.identity, "encoded_bytes": job.target.stat().st_size})
        return ""
    _forget(job.target)
    return reason
