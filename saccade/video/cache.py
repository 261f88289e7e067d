"""Keeps decoded videos and their sound in memory, for data so small that a training would spend its time on decoding
the same files in every epoch."""

from pathlib import Path

import numpy as np

from saccade.video import decode
from saccade.video.frame_folder import FrameFolder


class KeptVideos:
    """Gives what `decode.read_frames` and `read_audio` give. A video, or a sound, that fits into what is left of
    `megabytes` (of 10**6 bytes) is decoded whole, and only once.

    `decoded_frames` of a kept video is its length, whether it was just decoded or not.
    """

    def __init__(self, megabytes: int, colours: str = "exact") -> None:
        self._colours = colours
        self._room = megabytes * 10**6
        self._kept: dict[Path | FrameFolder, decode.Frames] = {}
        self._sounds: dict[tuple[Path, int], np.ndarray] = {}

    def read_frames(
        self, path: Path | FrameFolder, indices: np.ndarray, frames: int, size: tuple[int, int]
    ) -> decode.Frames:
        """`size`: height and width of the video's frames, in any order."""
        if path not in self._kept:
            needed = 3 * frames * size[0] * size[1]
            if needed > self._room:
                return decode.read_frames(path, indices, frames, self._colours)
            self._kept[path] = decode.read_frames(path, np.arange(frames), None, self._colours)
            self._room -= needed
        video = self._kept[path]
        return decode.Frames(video.rgb[indices], video.decoded_frames)

    def read_audio(self, path: Path, sample_rate_hz: int) -> np.ndarray:
        """(samples,) float32, not to be written to."""
        if (kept := self._sounds.get((path, sample_rate_hz))) is not None:
            return kept
        sound = decode.read_audio(path, sample_rate_hz)
        if sound.nbytes <= self._room:
            self._sounds[path, sample_rate_hz] = sound
            self._room -= sound.nbytes
        return sound
