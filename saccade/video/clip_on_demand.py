"""The test-time clip of one video whose frames are decoded, and whose windows of sound are made, when a method asks for
them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from saccade.records import SaccadeError
from saccade.settings import Input
from saccade.video import audio, sampling, transforms
from saccade.video.on_demand import FramesOnDemand, frames_on_demand
from saccade.video.probe import VideoInfo
from saccade.video.sound import read_audio

Clip = dict[str, Any]


def why_not_on_demand(settings: Input) -> str | None:
    """Why the settings' clip can't be given on demand; None where it can."""
    if settings.on_demand:
        return "the method asks for frames by their numbers"
    if "rgb" not in settings.modalities:
        return "it has no pictures"
    if settings.snippet_frames > 1:
        return "its snippets may overlap"
    if sampling.num_views(settings) > 1 or settings.glance_frames:
        return "its frames are seen more than once"
    if settings.sampler in ("random", "oracle"):
        return f"the sampler '{settings.sampler}' needs more than the video"
    if "flow" in settings.modalities or ("audio" in settings.modalities and settings.sound != "windows"):
        return "it holds more than pictures and windows of sound"
    return None


@contextmanager
def clip_on_demand(
    path: Path,
    info: VideoInfo,
    settings: Input,
    device: torch.device,
    video_id: str = "",
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[tuple[Clip, "Reading"]]:
    """(a batch of this one video, what was read for it so far). The batch is the loader's, but for `rgb` and `audio`,
    which are `Pieces`, and without labels.

    Sound is decoded whole, when its first window is asked for. Raises SaccadeError where `why_not_on_demand` says why,
    VideoError where the file can't be decoded.
    """
    if why := why_not_on_demand(settings):
        raise SaccadeError(f"{path}: this clip can't be read on demand: {why}")
    started = clock()
    numbers = _numbers(info, settings)
    with frames_on_demand(path, info.frames, settings, numbers.tolist()) as frames:
        reading = Reading(frames, clock)
        reading.seconds = clock() - started
        tall, wide = transforms.resized_size(info.height, info.width, settings.resize, settings.resampling)
        size = (settings.crop, settings.crop) if settings.crop else (tall, wide)
        clip: Clip = {
            "rgb": Pieces((1, len(numbers), 3, *size), lambda at: frames.get(int(numbers[at])), reading, device),
            "indices": torch.from_numpy(numbers)[None].to(device),
            "frame_size": torch.tensor([[info.height, info.width]]).to(device),
            "video_frames": torch.tensor([info.frames]),
            "video_id": [video_id or str(path)],
        }
        if "audio" in settings.modalities:
            shape = (1, len(numbers), 1, *audio.window_shape(settings))
            clip["audio"] = Pieces(shape, _hearing(path, info, numbers, settings), reading, device)
        yield clip, reading


class Reading:
    """How much of a video was read so far. seconds: for opening the file, decoding, resizing, and making windows."""

    def __init__(self, frames: FramesOnDemand, clock: Callable[[], float]) -> None:
        self._frames, self.clock, self.seconds = frames, clock, 0.0

    @property
    def wanted_frames(self) -> int:
        """How many frames of the file were asked for."""
        return self._frames.wanted_frames

    @property
    def decoded_frames(self) -> int:
        """How many were decoded for them."""
        return self._frames.decoded_frames


class Pieces:
    """In place of a tensor (1, T, ...) of one video: `pieces[0, t]` is made when it is asked for, in rising order of t.
    Known before: its length, `shape`, `dtype` and `device`."""

    dtype = torch.float32

    def __init__(
        self, shape: tuple[int, ...], make: Callable[[int], torch.Tensor], reading: Reading, device: torch.device
    ) -> None:
        self.shape, self.device, self._make, self._reading = torch.Size(shape), device, make, reading

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, place: tuple[int, int]) -> torch.Tensor:
        """What stands at (0, t). Raises IndexError for another video or a t outside."""
        row, at = place
        if row or not 0 <= at < self.shape[1]:
            raise IndexError(f"({row}, {at}) isn't one of a single video's (0, 0) to (0, {self.shape[1] - 1})")
        started = self._reading.clock()
        made = self._make(at)
        self._reading.seconds += self._reading.clock() - started
        return made.to(self.device)


def _numbers(info: VideoInfo, settings: Input) -> np.ndarray:
    """(T,) numbers of the frames that the loader takes at test time."""
    times_s = info.columns()["times_s"] if settings.sample_by == "time" else ()
    shown = sampling.clock(info.frames, info.fps, info.duration_s, times_s)
    return sampling.choose_on_clock(settings, shown, fps=info.fps)


def _hearing(path: Path, info: VideoInfo, numbers: np.ndarray, settings: Input) -> Callable[[int], torch.Tensor]:
    """What gives the window (1, frequencies, steps) around a frame of the clip, as the loader cuts it."""
    times_s, samples = np.asarray(info.columns()["times_s"]), round(info.duration_s * settings.sample_rate_hz)
    moments_s = times_s[numbers] if len(times_s) else numbers / info.fps
    track: list[np.ndarray] = []  # once it was decoded

    def window(at: int) -> torch.Tensor:
        if not track:
            waveform = read_audio(path, settings.sample_rate_hz)[:samples]
            track.append(np.pad(waveform, (0, samples - len(waveform))))
        return audio.windows(track[0], moments_s[[at]], settings)[0]

    return window
