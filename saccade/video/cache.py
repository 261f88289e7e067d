"""Keeps decoded videos in memory, for data so small that a training would spend its time on decoding the same files in
every epoch."""

from pathlib import Path

import numpy as np

from saccade.video import decode


class KeptVideos:
    """Gives what `decode.read_frames` gives. A video that fits into what is left of `megabytes` (of 10**6 bytes) is
    decoded whole, and only once.

    `decoded_frames` of a kept video is its length, whether it was just decoded or not.
    """

    def __init__(self, megabytes: int, colours: str = "exact") -> None:
        self._colours = colours
        self._room = megabytes * 10**6
        self._kept: dict[Path, decode.Frames] = {}

    def read_frames(self, path: Path, indices: np.ndarray, frames: int, size: tuple[int, int]) -> decode.Frames:
        """`size`: height and width of the video's frames, in any order."""
        if path not in self._kept:
            needed = 3 * frames * size[0] * size[1]
            if needed > self._room:
                return decode.read_frames(path, indices, frames, self._colours)
            self._kept[path] = decode.read_frames(path, np.arange(frames), None, self._colours)
            self._room -= needed
        video = self._kept[path]
        return decode.Frames(video.rgb[indices], video.decoded_frames)
