"""Speed of decoders on the same clips in one run, as ratios to the fastest that gives the same frames as ours: they may
differ by less than 3 levels on average, since most decoders convert colours faster than we do, and less exactly.

    python -m benchmarks.decoders [--repeats 15] [--statistic best|median] [--threads 1 2] [--folder VIDEOS]

Makes its own clips. Decoders take turns; opening the file is part of it. A cell is the ratio of processor times, which
is what counts where every core has its own decoder, and in brackets that of elapsed times. torchcodec (with FFmpeg's
libraries), decord and OpenCV are timed where they are installed; nothing here needs them.
"""

import argparse
import importlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import torch

from benchmarks.clips import make_clips
from saccade.video import decode, sampling
from saccade.video.container import video_stream
from saccade.video.probe import probe

Read = Callable[[Path, np.ndarray], np.ndarray]  # (path, sorted frame numbers) -> (N, H, W, 3) uint8
TASKS = {
    "16 of all": lambda frames: sampling.segments(frames, 16),
    "32, stride 2": lambda frames: sampling.consecutive(frames, 32, 2),
}
OURS = "Saccade"


def bare_pyav(threads: int) -> Read:
    """Everything from the beginning, only what is wanted converted."""

    def read(path: Path, numbers: np.ndarray) -> np.ndarray:
        wanted, pictures = set(numbers.tolist()), {}
        with av.open(str(path)) as container:
            stream = video_stream(path, container)
            stream.thread_count, stream.thread_type = threads, "AUTO" if threads > 1 else "SLICE"
            for number, frame in enumerate(container.decode(stream)):
                if number in wanted:
                    pictures[number] = decode.rgb_of(frame)
                if number == numbers[-1]:
                    break
        return np.stack([pictures[number] for number in numbers.tolist()])

    return read


def torchcodec(seek_mode: str, threads: int) -> Read:
    decoders = importlib.import_module("torchcodec.decoders")

    def read(path: Path, numbers: np.ndarray) -> np.ndarray:
        video = decoders.VideoDecoder(
            str(path), dimension_order="NHWC", seek_mode=seek_mode, num_ffmpeg_threads=threads
        )
        return video.get_frames_at(numbers.tolist()).data.numpy()

    return read


def decord(threads: int) -> Read:
    package = importlib.import_module("decord")
    return lambda path, numbers: package.VideoReader(str(path), num_threads=threads).get_batch(numbers).asnumpy()


def opencv(threads: int) -> Read:
    """`grab` to the last one wanted, `retrieve` what is wanted."""
    cv2 = importlib.import_module("cv2")
    cv2.setNumThreads(threads)

    def read(path: Path, numbers: np.ndarray) -> np.ndarray:
        video, wanted, pictures = (
            cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads]),
            set(numbers.tolist()),
            {},
        )
        for number in range(int(numbers[-1]) + 1):
            if not video.grab():
                raise ValueError(f"only {number} frames")
            if number in wanted:
                pictures[number] = cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)
        return np.stack([pictures[number] for number in numbers.tolist()])

    return read


PEERS: dict[str, Callable[[int], Read]] = {
    "PyAV": bare_pyav,
    "torchcodec": lambda threads: torchcodec("exact", threads),
    "torchcodec approximate": lambda threads: torchcodec("approximate", threads),
    "decord": decord,
    "OpenCV": opencv,
}


def installed(threads: int) -> dict[str, Read | str]:
    """The peers, or why one isn't there."""
    found: dict[str, Read | str] = {}
    for name, make in PEERS.items():
        try:
            found[name] = make(threads)
        except Exception as error:  # a library that lacks its system libraries fails in its own way
            found[name] = "not installed" if isinstance(error, ModuleNotFoundError) else "can't be loaded"
    return found


class Spent(NamedTuple):
    cpu_s: float
    wall_s: float


def compare(
    path: Path, numbers: np.ndarray, frames: int, peers: dict[str, Read | str], repeats: int
) -> dict[str, list[Spent] | str]:
    """{decoder: what each repeat took, or why it can't be compared}."""
    readers: dict[str, Read] = {OURS: lambda path, numbers: decode.read_frames(path, numbers, frames).rgb}
    expected, refused = readers[OURS](path, numbers), {}
    for name, peer in peers.items():
        try:
            wrong = peer if isinstance(peer, str) else difference(peer(path, numbers), expected)
        except Exception as error:
            wrong = f"fails: {type(error).__name__}"
        if wrong:
            refused[name] = wrong
        else:
            readers[name] = peer
    spent: dict[str, list[Spent]] = {name: [] for name in readers}
    for _ in range(repeats):
        for name, reader in readers.items():
            cpu, wall = time.process_time(), time.perf_counter()
            reader(path, numbers)
            spent[name].append(Spent(time.process_time() - cpu, time.perf_counter() - wall))
    return refused | spent


def difference(got: np.ndarray, expected: np.ndarray) -> str:
    """'' where the frames are the same, colours aside."""
    if got.shape != expected.shape:
        return "other size"
    mean = float(np.abs(got.astype(np.int16) - expected).mean())
    return f"differs by {mean:.0f}" if mean >= 3 else ""


def row(name: str, task: str, found: dict[str, list[Spent] | str], statistic: str) -> str:
    take = {"best": min, "median": statistics.median}[statistic]
    timed = {
        decoder: Spent(*(take(times) for times in zip(*spent, strict=True)))
        for decoder, spent in found.items()
        if not isinstance(spent, str)
    }
    fastest = Spent(*(min(times) for times in zip(*timed.values(), strict=True)))
    ratios = {
        decoder: f"{spent.cpu_s / fastest.cpu_s:.2f} ({spent.wall_s / fastest.wall_s:.2f})"
        for decoder, spent in timed.items()
    }
    cells = [f"{1000 * timed[OURS].cpu_s:.1f}", *(ratios.get(decoder, found[decoder]) for decoder in [OURS, *PEERS])]
    return f"| {name} | {task} | {' | '.join(map(str, cells))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--statistic", choices=["best", "median"], default="best")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="of each peer; ours always uses 1")
    parser.add_argument("--folder", type=Path, help="videos to time as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        more = (
            [path for path in sorted(given.folder.iterdir()) if path.suffix in (".mp4", ".avi", ".mkv", ".webm")]
            if given.folder
            else []
        )
        paths = [*make_clips(Path(folder)), *more]
        for threads in given.threads:
            torch.set_num_threads(threads)  # torchcodec converts colours with torch's threads
            print(
                f"\nPeers on {threads} thread{'s' * (threads > 1)}: ratio to the fastest with identical frames, "
                "processor (elapsed) time\n"
            )
            print("| clip | frames | ours, ms | " + " | ".join([OURS, *PEERS]) + " |\n|" + " --- |" * (len(PEERS) + 4))
            peers = installed(threads)
            for path in paths:
                frames = probe(path).frames
                for task, choose in TASKS.items():
                    print(
                        row(
                            path.name,
                            task,
                            compare(path, choose(frames), frames, peers, given.repeats),
                            given.statistic,
                        ),
                        flush=True,
                    )


if __name__ == "__main__":
    main()
