"""Which frames the authors' codes choose, where they part from ours: re-derived from what those codes do. Settings name
them by the code: `segments`, `clips`.

Pure functions as in `sampling`, which is where they are reached from: sorted (n,) int64 frame numbers, every one in
[0, frames).
"""

import math
from fractions import Fraction
from typing import TypeVar

import numpy as np

Room = TypeVar("Room", float, Fraction)
_TARGET_FPS = 30  # PySlowFast counts strides in frames of a video at this rate
# In frames. PySlowFast rounds a start down to a tick of the file's clock before it looks for the next frame; frames of
# usual files last 512 or 1001 ticks. It also covers what floats are off.
_TICK = 1e-3


def tsn_segments(frames: int, n: int, generator: np.random.Generator | None = None) -> np.ndarray:
    """One frame from each of n parts as in the codes of TSN, TSM and AdaFocus: frames / n apart, half of that from the
    start, rounded down.

    With a generator parts have frames // n frames, and one is drawn from each; the frames that are left over at the end
    are never seen. With fewer frames than parts nothing is drawn: parts share frames.
    """
    if generator is not None and (length := frames // n):
        return length * np.arange(n, dtype=np.int64) + generator.integers(length, size=n)
    tick = frames / n
    return (tick / 2 + tick * np.arange(n)).astype(np.int64)


def pyslowfast_segments(frames: int, n: int, generator: np.random.Generator | None = None) -> np.ndarray:
    """One frame from each of n parts as in PySlowFast's (and ATFR's) loader of Something-Something: halfway between the
    part's edges, which lie (frames - 1) / n apart and are rounded, halves to even. With a generator it is drawn between
    the edges, both included, so that neighbours may share one."""
    edges = np.round((frames - 1) / n * np.arange(n + 1)).astype(np.int64)
    low, high = edges[:-1], edges[1:]
    return (low + high) // 2 if generator is None else generator.integers(low, high + 1)


def pyslowfast_clip(
    frames: int,
    length: int,
    stride: int,
    fps: float,
    generator: np.random.Generator | None = None,
    clip: int = 0,
    num_clips: int = 1,
) -> np.ndarray:
    """A clip as PySlowFast's PyAV decoder takes it. It lasts as long as length * stride frames at 30 a second; its
    frames stand evenly from its first to its last, rounded down; the video's last frame repeats.

    It starts at `clip` / num_clips of the room that it leaves, at the next whole frame; a single clip in the middle,
    which is ours (the code would start with the video). With a generator it starts anywhere.
    """
    size = length * stride * _rate(fps) / _TARGET_FPS
    room = max(frames - size, 0.0)
    start = generator.uniform(0, room) if generator is not None else _start(room, clip, num_clips)
    steps = np.maximum(_evenly(size - 1, length), 0).astype(np.int64)
    return np.minimum(math.ceil(start - _TICK) + steps, frames - 1)


def pytorchvideo_clip(
    frames: int,
    length: int,
    stride: int,
    fps: float,
    generator: np.random.Generator | None = None,
    clip: int = 0,
    num_clips: int = 1,
) -> np.ndarray:
    """A clip as release 0.1.5 of pytorchvideo takes it: all frames shown within length * stride / 30 seconds, and of
    these `length` that stand evenly, rounded down; those of a short video are spread.

    Where it starts: as in `pyslowfast_clip`. Times are exact there, but for the clip's length, which is a float.
    """
    size = Fraction(length * stride / _TARGET_FPS) * Fraction(_rate(fps)).limit_denominator(10**4)
    room = max(frames - size, Fraction(0))
    start = Fraction(generator.uniform(0, float(room))) if generator is not None else _start(room, clip, num_clips)
    first, stop = math.ceil(start), min(math.ceil(start + size), frames)
    return np.minimum(first + _evenly(max(stop - first - 1, 0), length).astype(np.int64), frames - 1)


def sgs_clip(
    frames: int,
    length: int,
    stride: int,
    generator: np.random.Generator | None = None,
    clip: int = 0,
    num_clips: int = 1,
    num_crops: int = 1,
) -> np.ndarray:
    """A clip as ATFR's loader of frames takes it, from every `stride`-th frame of the video; the last of these repeats.

    It starts at `clip` / (num_clips * num_crops) of the room that it leaves: that code divides by the number of all
    views, so that with three crops clips stay in the first third. A single clip starts in the middle, which is ours.
    With a generator it starts anywhere but at the last place, and the frames of a short video are looped.
    """
    shown = np.arange(0, frames, stride, dtype=np.int64)
    room = max(len(shown) - length, 0)
    steps = np.arange(length, dtype=np.int64)
    if generator is not None:
        taken: np.ndarray = shown[(int(generator.integers(max(room - 1, 0) + 1)) + steps) % len(shown)]
        return taken
    start = room // 2 if num_clips == 1 else room * clip // (num_clips * num_crops)
    return shown[np.minimum(start + steps, len(shown) - 1)]


def _start(room: Room, clip: int, num_clips: int) -> Room:
    """Where clip number `clip` of so many begins in the room that it leaves; one alone in the middle."""
    return room / 2 if num_clips == 1 else room * clip / num_clips


def _rate(fps: float) -> float:
    if not fps > 0:
        raise ValueError(f"fps is {fps}, must be the video's frame rate")
    return fps


def _evenly(last: float, count: int) -> np.ndarray:
    """`count` numbers from 0 to `last`, in float32 from both ends as torch's linspace counts them."""
    if count == 1:
        return np.zeros(1, dtype=np.float32)
    end, numbers = np.float32(last), np.arange(count, dtype=np.float32)
    step = end / np.float32(count - 1)
    return np.where(numbers < count // 2, step * numbers, end - step * (np.float32(count - 1) - numbers))
