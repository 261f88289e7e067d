"""Videos encoded anew: what a closer GOP costs in room and saves in decoding, and whether all cores are busy.

    python -m benchmarks.reencoding [--folder VIDEOS] [--short-side 256] [--gops 1 4 8 12 25 250] [--workers N]
                                    [--videos 24] [--repeats 5]

Makes a clip of 300 frames of its own; --folder has others. Of each, how long it takes to decode eight frames spread
over it (processor time, one thread, the mean of four placements, the best of the repeats), how many frames are decoded
for them, and how large the file is, beside those of the clip itself. Then so many copies of the first clip are encoded
by one process and by N: how busy that keeps the cores, beside as many processes that only count, which is all that the
machine gives just then.
"""

import argparse
import contextlib
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.clips import make_clips
from saccade.processes import processes
from saccade.reencoding import GOP, Reencoding
from saccade.video.decode import read_frames
from saccade.video.probe import probe
from saccade.video.reencode import reencode
from saccade.video.reencode_each import reencode_each

WANTED, PLACEMENTS = 8, 4
GOPS = (1, 4, 8, 12, 25, 250)
COUNT_S = 4.0


class Sparse(NamedTuple):
    """What eight frames take: processor time, frames decoded, and the file's size."""

    cpu_ms: float
    decoded: float
    kilobytes: float


def sparse(path: Path, repeats: int) -> Sparse:
    frames = probe(path).frames
    spread = np.arange(WANTED)[None] / WANTED + (np.arange(PLACEMENTS)[:, None] + 0.5) / (WANTED * PLACEMENTS)
    spent, decoded = [], 0.0
    for _ in range(repeats):
        started = time.process_time()
        decoded = float(
            np.mean([read_frames(path, row, frames).decoded_frames for row in (spread * frames).astype(int)])
        )
        spent.append((time.process_time() - started) / PLACEMENTS)
    return Sparse(1000 * min(spent), decoded, path.stat().st_size / 1000)


def row(name: str, found: Sparse, source: Sparse) -> str:
    cells = [f"{found.cpu_ms:.1f}", f"{found.cpu_ms / source.cpu_ms:.2f}", f"{found.decoded:.1f}"]
    return " | ".join([f"| {name}", *cells, f"{found.kilobytes:.0f}", f"{found.kilobytes / source.kilobytes:.2f} |"])


def gops(path: Path, short_side: int, wanted: list[int], repeats: int, folder: Path) -> None:
    source, info = sparse(path, repeats), probe(path)
    print(f"\n{path.name}: {info.frames} frames, {info.width} x {info.height}, to a short side of {short_side}\n")
    print("| key frame every | 8 frames, ms | to source | decoded | kB | to source |\n|" + " --- |" * 6)
    print(row("source", source, source), flush=True)
    for gop in wanted:
        reencode(path, folder / "anew.mp4", Reencoding(short_side, gop))
        print(row(f"{gop}{' (default)' * (gop == GOP)}", sparse(folder / "anew.mp4", repeats), source), flush=True)


def busy(path: Path, short_side: int, videos: int, workers: int, folder: Path) -> None:
    names = []
    for number in range(videos):
        names.append(f"{number}{path.suffix}")
        shutil.copy(path, folder / names[-1])
    print(f"\n{videos} copies of {path.name}, a process ready in about half a second\n")
    print("| processes | s | processor, s | cores busy | when counting |\n|" + " --- |" * 5)
    walls = []
    for count in (1, workers):
        given = counting(count)
        before, started = cpu_s(), time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):  # what it tells would stand in the table
            reencode_each(folder, folder / f"by{count}", names, Reencoding(short_side), count)
        walls.append(time.perf_counter() - started)
        spent = cpu_s() - before
        share, given = spent / (walls[-1] * count), (given + counting(count)) / 2
        print(f"| {count} | {walls[-1]:.1f} | {spent:.1f} | {share:.0%} | {given:.0%} |", flush=True)
    print(f"\n{workers} processes are {walls[0] / walls[1]:.2f} times as fast as one")


def cpu_s() -> float:
    """Of this process and of those that it has waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def counting(count: int) -> float:
    """The share of the time for which so many processes, that do nothing else, are let compute."""
    with processes(count) as pool:
        return float(np.mean(list(pool.map(_count, [COUNT_S] * count))))


def _count(seconds: float) -> float:
    started, before = time.perf_counter(), time.process_time()
    while (passed := time.perf_counter() - started) < seconds:
        pass
    return (time.process_time() - before) / passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="videos to take in place of our own")
    parser.add_argument("--short-side", type=int, default=256)
    parser.add_argument("--gops", type=int, nargs="+", default=GOPS)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.folder:
            paths = [
                path for path in sorted(given.folder.iterdir()) if path.suffix in (".mp4", ".avi", ".mkv", ".webm")
            ]
        else:
            paths = make_clips(folder)[:1]
        for path in paths:
            gops(path, given.short_side, given.gops, given.repeats, folder)
        busy(paths[0], given.short_side, given.videos, given.workers, folder)


if __name__ == "__main__":
    main()
