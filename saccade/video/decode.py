"""Frames of one file, by PyAV, as an ordinary player shows them: upright, what edit lists hide left out.

The number of a frame is its place in the order in which the file decodes; its time changes nothing here (`probe` tells
it). Of several tracks it is the default one (`container.video_stream`). Pixels that aren't square and interlaced lines
stay as stored. Colours follow what the file says of its matrix and range (BT.601 where it doesn't), and become
full-range RGB, exactly to within rounding where nothing else is asked for; transparency is left out. Every decoder uses
one thread.

What a file holds and its sound are read by `probe` and `read_audio`, which this door offers too. A folder of pictures
(`frame_folder`) is read through it as a file is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from saccade.video.container import VideoError
from saccade.video.frame_folder import FrameFolder, place_of, state_of
from saccade.video.packets import opened_frames
from saccade.video.probe import probe
from saccade.video.sound import read_audio
from saccade.video.upright import rgb_of

__all__ = ["Frames", "place_of", "probe", "read_audio", "read_frames", "rgb_of", "state_of"]


class Frames(NamedTuple):
    """rgb: (N, H, W, 3) uint8, in the order asked for; decoded_frames: how many frames were decoded to get them."""

    rgb: np.ndarray
    decoded_frames: int


def read_frames(
    path: Path | FrameFolder,
    indices: Sequence[int] | np.ndarray,
    frames: int | None = None,
    colours: str = "exact",
) -> Frames:
    """The frames of these numbers, in this order (any order, repeats allowed), and how many were decoded for them.
    `colours`: see `rgb_of`.

    Decodes from the beginning to the last one wanted. With `frames`, the number that `probe` found, pictures that no
    wanted frame depends on are passed over, if that provably gives the same frames (`gops`). The packets, as large as
    the file, are in memory meanwhile. Raises VideoError where the file can't be decoded, and where a number is outside
    the frames that decode.
    """
    wanted = np.asarray(indices, dtype=np.int64)
    if wanted.ndim != 1 or not len(wanted):
        raise ValueError("indices must be a list of at least one frame number")
    if wanted.min() < 0:
        raise VideoError(f"{path}: frame {wanted.min()} doesn't exist; frames are numbered from 0")
    last, taken = int(wanted.max()), _take(path, wanted, frames, colours)
    if frames and not taken.numbers >= set(wanted.tolist()):  # the decoder contradicted the plan
        taken = replace(again := _take(path, wanted, None, colours), decoded=taken.decoded + again.decoded)
    if last not in taken.numbers:
        raise VideoError(f"{path}: frame {last} was asked for, but only {taken.reached + 1} frames decode")
    return Frames(taken.rgb, taken.decoded)


@dataclass
class _Taken:
    """The frames collected so far. numbers: which frames are in rgb; decoded: how many were decoded; reached: the
    number of the last."""

    rgb: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0, 3), np.uint8))
    numbers: set[int] = field(default_factory=set)
    decoded: int = 0
    reached: int = -1


def _take(path: Path | FrameFolder, wanted: np.ndarray, frames: int | None, colours: str) -> _Taken:
    taken, asked = _Taken(), set(wanted.tolist())
    with opened_frames(path, frames) as video:
        for taken.reached, frame in video.decode(asked):
            taken.decoded += 1
            if taken.reached in asked:
                _put(path, taken, frame, wanted, colours)
            if taken.reached == max(asked):
                break
    return taken


def _put(path: Path | FrameFolder, taken: _Taken, frame: Any, wanted: np.ndarray, colours: str) -> None:
    """Writes the frame wherever its number is wanted. There is no list of pictures in between, as copying them takes a
    tenth of the time."""
    if frame.is_corrupt:
        raise VideoError(f"{path}: frame {taken.reached} decodes with errors")
    picture = rgb_of(frame, colours)
    shape = (len(wanted), *picture.shape)
    if not taken.numbers:
        taken.rgb = np.empty(shape, np.uint8)
    if shape != taken.rgb.shape:
        raise VideoError(
            f"{path}: its frames differ in size: {taken.rgb.shape[2]}x{taken.rgb.shape[1]}, {shape[2]}x{shape[1]}"
        )
    taken.rgb[wanted == taken.reached] = picture
    taken.numbers.add(taken.reached)
