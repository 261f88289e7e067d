"""How fast the loader gives batches, and how busy it keeps the cores: one epoch with each number of workers, in turns.

    python -m benchmarks.loader [--repeats 3] [--workers 0 1 2] [--videos 240]

A clip is 16 frames of 300, resized to 256, cropped (multiscale) to 224, flipped, normalised; batches of 8. Busy is the
processor time of the process and its workers over elapsed time and cores. Where other programs run, `wanted` says how
busy the loader would keep the cores: it adds the time in which a process was ready to run and waited for a core (Linux
counts it). Nothing consumes the batches: this is what the data path could give.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch

from benchmarks.clips import make_clips
from saccade.records import Head
from saccade.settings import Input
from saccade.video.batches import batches
from saccade.video.loader import VideoDataset
from saccade.video.probe import probe

INPUT = Input(num_frames=16, resize=256, crop=224, train_crop="multiscale", flip=True)


class Epoch(NamedTuple):
    """What an epoch took, in seconds: until its first batch, all of it, of processor time in all processes, of waiting
    for a core."""

    first_s: float
    wall_s: float
    cpu_s: float
    waited_s: float


def dataset(folder: Path, videos: int) -> VideoDataset:
    """The clips of the decoders' benchmark, over and over, each under an id of its own."""
    clips = [(path.name, probe(path)) for path in make_clips(folder)]
    rows = [
        {"video_id": f"{number:05d}", "split": "train", "path": name, "label": 0}
        | {key: getattr(info, key) for key in ("frames", "duration_s", "width", "height")}
        for number, (name, info) in ((number, clips[number % len(clips)]) for number in range(videos))
    ]
    return VideoDataset(
        pd.DataFrame(rows), folder, [Head("label", "single", ("a", "b"))], INPUT, "train", train=True, seed=0
    )


def run_epoch(data: VideoDataset, epoch: int, workers: int) -> Epoch:
    cpu, wall, first, before, waited = _cpu_s(), time.perf_counter(), 0.0, _waited_s(os.getpid()), {}
    for _ in batches(data, 8, shuffle=True, epoch=epoch, workers=workers):
        first = first or time.perf_counter() - wall
        waited |= {
            pid: _waited_s(pid) for pid in [os.getpid(), *(child.pid for child in multiprocessing.active_children())]
        }
    return Epoch(first, time.perf_counter() - wall, _cpu_s() - cpu, sum(waited.values()) - before)


def _cpu_s() -> float:
    """Of this process and of the workers that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _waited_s(pid: int) -> float:
    """How long the process was ready to run without a core, so far; 0 where the system doesn't say."""
    file = Path(f"/proc/{pid}/schedstat")
    return int(file.read_text().split()[1]) / 1e9 if file.is_file() else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--videos", type=int, default=240)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        data = dataset(Path(folder), given.videos)
        found: dict[int, list[Epoch]] = {workers: [] for workers in given.workers}
        for repeat in range(given.repeats):
            for workers, epochs in found.items():
                epochs.append(run_epoch(data, repeat, workers))
    best = {workers: min(epochs, key=lambda epoch: epoch.wall_s) for workers, epochs in found.items()}
    alone = best[given.workers[0]]
    print(f"{given.videos} videos an epoch, {cores} cores; the best of {given.repeats} epochs each\n")
    print(
        f"| workers | videos/s to {given.workers[0]} | videos/s | processor ms per video | cores busy | cores wanted | "
        "first batch, s |"
    )
    print("|" + " --- |" * 7)
    for workers, epoch in best.items():
        busy, wanted = (spent / epoch.wall_s / cores for spent in (epoch.cpu_s, epoch.cpu_s + epoch.waited_s))
        rate, cost = given.videos / epoch.wall_s, 1000 * epoch.cpu_s / given.videos
        ratio = alone.wall_s / epoch.wall_s
        print(
            f"| {workers} | {ratio:.2f} | {rate:.1f} | {cost:.1f} | {busy:.0%} | {min(wanted, 1):.0%} | "
            f"{epoch.first_s:.2f} |"
        )


if __name__ == "__main__":
    main()
