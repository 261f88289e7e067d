"""What frames by number of a long video take: memory, processor time, and how many are decoded.

    python -m benchmarks.long_video [--seconds 600] [--frames 256] [--quick]

The videos are made: 320x240 at 15 frames a second, as Breakfast's, in MPEG-4 (a key frame in every 12) and H.264 (in
every 12, in every 250). So many frames, evenly spread, are asked for at 224 pixels (the short side brought to 256, its
centre cropped), each time in a fresh process of one thread: by number, and, beside it, all decoded first and then
resized together, as an ordinary clip is made. Memory is the most that the process held (Linux counts it), and how much
of it came after the file was opened. `--quick`: a video of 30 s, 32 frames.

Last, what FFmpeg's decoding at a half or a quarter of the size (`lowres`) would save where all frames are decoded, and
how far it is from what resizing to as many pixels gives, in levels of 255.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from benchmarks.clips import pictures
from benchmarks.inside import clock
from saccade.settings import Input
from saccade.video import transforms
from saccade.video.by_number import FramesByNumber
from saccade.video.decode import read_frames
from saccade.video.upright import rgb_of

FPS, WIDTH, HEIGHT = 15, 320, 240
SETTINGS = Input(num_frames=1, resize=256, crop=224, on_demand=True)
FILES = {
    "mpeg4.avi": ("mpeg4", {"g": "12", "b": "400k"}),
    "h264-gop12.mp4": ("libx264", {"g": "12", "preset": "veryfast"}),
    "h264-gop250.mp4": ("libx264", {"g": "250", "preset": "veryfast"}),
}
WAYS = ("by number", "all first")
SMALLER = {1: "half", 2: "quarter"}


def encode(path: Path, frames: int) -> Path:
    codec, options = FILES[path.name]
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=FPS, options=options)
        video.width, video.height, video.pix_fmt, video.codec_context.thread_count = WIDTH, HEIGHT, "yuv420p", 1
        for number, picture in zip(range(frames), over_and_over(), strict=False):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def over_and_over() -> Iterator[np.ndarray]:
    return itertools.chain.from_iterable(pictures(WIDTH, HEIGHT) for _ in itertools.count())


def read(path: Path, way: str, frames: int, wanted: int) -> dict[str, Any]:
    """What one reading takes in this process."""
    torch.set_num_threads(1)
    numbers = (np.arange(wanted) * frames // wanted).tolist()
    FramesByNumber(path, frames, SETTINGS).get([0])  # libraries are loaded, then
    before, started = memory()[0], clock()
    if way == WAYS[0]:
        by_number = FramesByNumber(path, frames, SETTINGS)
        shown, decoded = by_number.get(numbers), by_number.decoded_frames
    else:
        whole = read_frames(path, numbers, frames)
        shown, decoded = transforms.test_clip(whole.rgb, SETTINGS), whole.decoded_frames
    seconds = clock() - started
    return {"decoded": decoded, "seconds": seconds, "before": before, "most": memory()[1], "answer": shown.nbytes}


def memory() -> tuple[int, int]:
    """(now, the most so far) in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return 1024 * int(values["VmRSS"]), 1024 * int(values["VmHWM"])


def decoded_small(path: Path, lowres: int) -> tuple[float, list[np.ndarray]]:
    """(seconds for decoding all, every 30th picture)."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"lowres": str(lowres)} if lowres else {}
        started, kept = clock(), []
        for number, frame in enumerate(container.decode(stream)):
            if number % 30 == 0:
                kept.append(frame)
        seconds = clock() - started
        return seconds, [rgb_of(frame) for frame in kept]


def lines_of_small(path: Path) -> list[str]:
    """Time as share of whole decoding; distance on average, and at most of a picture's average."""
    seconds, whole = decoded_small(path, 0)
    lines = []
    for lowres, name in SMALLER.items():
        less, small = decoded_small(path, lowres)
        settings = Input(num_frames=1, resize=HEIGHT >> lowres, crop=0, mean=[0.0] * 3, std=[1.0] * 3)
        resized = 255 * transforms.test_clip(np.stack(whole), settings).permute(0, 2, 3, 1).numpy()
        if small[0].shape != resized[0].shape:
            lines.append(f"| {path.name} | {name} | {less / seconds:.2f} | stays {small[0].shape[1]} wide | |")
            continue
        apart = [abs(one.astype(np.float32) - other).mean() for one, other in zip(small, resized, strict=True)]
        lines.append(f"| {path.name} | {name} | {less / seconds:.2f} | {np.mean(apart):.1f} | {max(apart):.1f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--frames", type=int, default=256)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)  # file, way, frames, wanted
    given = parser.parse_args()
    if given.one:
        file, way, frames, wanted = given.one
        print(json.dumps(read(Path(file), way, int(frames), int(wanted))))
        return
    seconds, wanted = (30, 32) if given.quick else (given.seconds, given.frames)
    with tempfile.TemporaryDirectory() as folder:
        files = [encode(Path(folder, name), seconds * FPS) for name in FILES]
        print(f"{wanted} of {seconds * FPS} frames")
        print("| file | MB | way | decoded | processor s | most MB | of these after opening | answer MB |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for file in files:
            for way in WAYS:
                asked = [str(file), way, str(seconds * FPS), str(wanted)]
                command = [sys.executable, "-m", "benchmarks.long_video", "--one", *asked]
                found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                most, more = found["most"] / 1e6, (found["most"] - found["before"]) / 1e6
                size, answer = file.stat().st_size / 1e6, found["answer"] / 1e6
                cells = f"{found['decoded']} | {found['seconds']:.2f} | {most:.0f} | {more:.0f} | {answer:.0f}"
                print(f"| {file.name} | {size:.1f} | {way} | {cells} |", flush=True)
        print("\n| file | size | time, to whole decoding | levels apart | at most |\n| --- | --- | --- | --- | --- |")
        for file in files:
            print("\n".join(lines_of_small(file)), flush=True)


if __name__ == "__main__":
    main()
