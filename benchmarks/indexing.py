"""How soon files are probed and a large index is read.

    python -m benchmarks.indexing [--repeats 15] [--workers 2] [--rows 250000] [--quick]

First each of a few clips by its packets and whole, in turns: processor time, and videos a second on one core. The clips
are made: 300 frames of 340x256 in H.264, of a noisy texture, which has more bytes a frame than most published videos,
with and without sound. Then one of them many times over, shared by so many threads and by so many processes, which are
started before and take turns: elapsed time.

Then an index of so many rows, 400 classes, is read and checked as a run does it, and its training videos are made ready
to be drawn from: one label a video, then three. The rows name 2,500 small files, each of them many times; the system
knows where these are, as it does once a dataset has been read.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd

from benchmarks.clips import make_clips
from benchmarks.inside import clock
from saccade import products
from saccade.processes import processes
from saccade.records import INDEX_FILE, Head
from saccade.settings import Input
from saccade.video.index import read_index
from saccade.video.loader import VideoDataset
from saccade.video.probe import probe
from saccade.video.probe_packets import probe_packets

CLASSES, FILES = 400, 2500


def with_sound(clip: Path) -> Path:
    """The clip beside a tone in AAC."""
    target, samples = clip.with_stem(f"{clip.stem}-sound"), np.arange(441_000)
    with av.open(str(clip)) as source, av.open(str(target), "w") as out:
        pictures = out.add_stream_from_template(source.streams.video[0])
        track = out.add_stream("aac", rate=44_100, layout="mono")
        for packet in source.demux():
            if packet.size:
                packet.stream = pictures
                out.mux(packet)
        wave = (0.5 * np.sin(2 * np.pi * 440 * samples / 44_100)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
        frame.sample_rate, frame.time_base = 44_100, Fraction(1, 44_100)
        out.mux([*track.encode(frame), *track.encode(None)])
    return target


def line_of_clip(clip: Path, repeats: int) -> str:
    taken: dict[Callable[[Path], Any], list[float]] = {probe_packets: [], probe: []}
    for number in range(1 + repeats):
        for read, seconds in taken.items():
            if read is probe and number > 3:  # it takes long, and varies less
                continue
            started = clock()
            found = read(clip)
            seconds.append(clock() - started)
    assert found == probe_packets(clip) == probe(clip)
    packets, whole = (statistics.median(seconds[1:]) for seconds in taken.values())
    least = min(taken[probe_packets])
    cells = f"{1000 * packets:.1f} ({1000 * least:.1f}) | {1 / packets:.0f} ({1 / least:.0f}) | {1000 * whole:.0f}"
    return f"| {clip.name} | {clip.stat().st_size / 1e6:.2f} | {cells} | {whole / packets:.0f} |"


def line_of_workers(clip: Path, workers: int, turns: int) -> str:
    """Videos a second, elapsed, by their packets: the most of so many turns."""
    with (
        ThreadPoolExecutor(1) as thread,
        processes(1) as process,
        ThreadPoolExecutor(workers) as threads,
        processes(workers) as several,
    ):
        pools = [thread, process, threads, several]
        most = [0.0] * len(pools)
        for _ in range(1 + turns):  # libraries are loaded in the first
            most = [max(known, rate(pool, clip)) for known, pool in zip(most, pools, strict=True)]
    return "| " + " | ".join(f"{one:.0f}" for one in most) + " |"


def rate(pool: Executor, clip: Path) -> float:
    """Of one file over and over, in parts of four, as `prepare` hands them out."""
    started = time.perf_counter()
    list(pool.map(_probe_four, [clip] * 16))
    return 64 / (time.perf_counter() - started)


def _probe_four(clip: Path) -> None:
    for _ in range(4):
        probe_packets(clip)


def write_index(root: Path, rows: int, labels: int) -> tuple[Path, Head]:
    """(the folder of a prepared dataset, its head)."""
    head = Head("action", "single" if labels == 1 else "multi", tuple(f"class {number}" for number in range(CLASSES)))
    draw, numbers = np.random.default_rng(0), np.arange(rows)
    drawn = draw.integers(0, CLASSES, (rows, labels))
    files = [f"raw/{number:04d}.mp4" for number in range(FILES)]
    for number, file in enumerate(files):
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).write_bytes(bytes(number))
    index = pd.DataFrame({"video_id": [f"{number:011d}_000000_000010" for number in numbers]})
    index["split"] = np.where(numbers % 10 < 8, "train", np.where(numbers % 10 == 8, "val", "test"))
    index["cluster"] = index["video_id"].str[:11]
    index["path"] = [files[number % FILES] for number in numbers]
    index = index.assign(first_frame=0, bytes=numbers % FILES, frames=300, fps=30.0, duration_s=10.0, width=340)
    index = index.assign(height=256, audio=True, times_s=[[] for _ in numbers])
    index[head.name] = drawn[:, 0] if labels == 1 else drawn.tolist()
    index.attrs["classes"] = {head.name: list(head.classes)}
    folder = root / f"prepared/{labels}"
    products.write_file(
        folder / INDEX_FILE,
        lambda temporary: index.to_parquet(temporary, index=False),
        value={"problems": [], "settings": {}},
    )
    return folder, head


def line_of_index(root: Path, rows: int, labels: int, repeats: int) -> str:
    folder, head = write_index(root, rows, labels)
    settings, taken = Input(num_frames=8, resize=256, crop=224), []
    for _ in range(repeats):
        steps = [clock()]
        index, _ = read_index(folder, root, [head])
        steps.append(clock())
        VideoDataset(index, root, [head], settings, "train", train=True, seed=0)
        steps.append(clock())
        taken.append([*np.diff(steps).tolist(), steps[-1] - steps[0]])
    cells = " | ".join(f"{statistics.median(each):.2f}" for each in zip(*taken, strict=True))
    return f"| {len(index)} | {labels} | {cells} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    repeats, rows = (3, 10_000) if given.quick else (given.repeats, given.rows)
    with tempfile.TemporaryDirectory() as folder:
        clips = [clip for clip in make_clips(Path(folder)) if clip.suffix == ".mp4"]
        clips.append(with_sound(clips[0]))
        print("| clip | MB | packets, ms (least) | videos a second and core (most) | whole, ms | ratio |")
        print("| --- | --- | --- | --- | --- | --- |")
        for clip in clips:
            print(line_of_clip(clip, repeats), flush=True)
        many = f"{given.workers} threads | {given.workers} processes"
        print(f"\nVideos a second, by\n\n| 1 thread | 1 process | {many} |\n| --- | --- | --- | --- |")
        print(line_of_workers(clips[1], given.workers, repeats), flush=True)
        print("\n| rows | labels a video | read and check, s | training videos, s | together |")
        print("| --- | --- | --- | --- | --- |")
        for labels in (1, 3):
            print(line_of_index(Path(folder), rows, labels, max(repeats // 3, 1)), flush=True)


if __name__ == "__main__":
    main()
