"""Decoded videos kept in memory: for data so small that a training would spend its time on decoding the same files every epoch."""

from pathlib import Path

import numpy as np

from saccade.video import decode


class KeptVideos:
    """Gives what `decode.read_frames` gives, but whole videos are decoded, and kept while `megabytes` (of 10**6 bytes) has room.

    `decoded_frames` is the video's length, whether it was kept or not.
    """

    def __init__(self, megabytes: int) -> None:
        self._room = megabytes * 10**6
        self._kept: dict[Path, decode.Frames] = {}

    def read_frames(self, path: Path, indices: np.ndarray, frames: int) -> decode.Frames:
        video = self._kept.get(path)
        if video is None:
            video = decode.read_frames(path, np.arange(frames), frames)
            if video.rgb.nbytes <= self._room:
                self._room -= video.rgb.nbytes
                self._kept[path] = video
        return decode.Frames(video.rgb[indices], video.decoded_frames)
