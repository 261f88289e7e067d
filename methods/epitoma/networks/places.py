"""The places of a video that may become timesteps, and which of them are chosen without looking: pure functions of
numbers.

A grid has `timesteps` places, spread evenly. Those of every choice are some of them, so that what one choice computed
serves another.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from saccade.video.loader import generator

from ..settings import Settings

Places = NDArray[np.int64]


def starts(at: Places, frames: int, settings: Settings) -> Places:
    """(N,): the first frame of each place's snippet in a video of so many frames. Place j begins at j / timesteps of
    the video, or as late as its snippet still fits; a video shorter than a snippet begins at 0."""
    begin = at * frames // settings.timesteps
    return np.minimum(begin, max(frames - settings.timestep_frames, 0))


def snippets(at: Places, frames: int, settings: Settings) -> Places:
    """(N, m): the frames of each snippet; where the video ends before, its last frame repeats."""
    found = starts(at, frames, settings)[:, None] + np.arange(settings.timestep_frames)
    return np.minimum(found, frames - 1)


def middles(at: Places, frames: int, settings: Settings) -> Places:
    """(N,): the frame of each snippet that the LightNet sees, f_{j + m / 2} (Sec. 4.3)."""
    return np.minimum(starts(at, frames, settings) + settings.timestep_frames // 2, frames - 1)


def seen(at: Places, frames: int, settings: Settings) -> Places:
    """(N, m) or (N, 1): the frames that the HeavyNet sees of each place: its snippet, or the frame in the middle."""
    if settings.heavy_frames == 1:
        return middles(at, frames, settings)[:, None]
    return snippets(at, frames, settings)


def first(timesteps: int, number: int) -> Places:
    """Of so many equal parts of the video the place that each begins with. A single one is the video's beginning: the
    rule of the first author's published data scripts."""
    return np.arange(number, dtype=np.int64) * timesteps // number


def centre(timesteps: int, number: int) -> Places:
    """The place in the middle of each of so many equal parts."""
    return (2 * np.arange(number, dtype=np.int64) + 1) * timesteps // (2 * number)


def random(timesteps: int, number: int, draw: int, video_id: str) -> Places:
    """So many places, none twice, by lot: which lot depends on `draw` and the video's name alone."""
    lot = generator(draw, 0, video_id, "timesteps")
    return np.sort(lot.choice(timesteps, size=number, replace=False)).astype(np.int64)


def truth(number: int, informative: torch.Tensor, settings: Settings) -> Places:
    """At most so many places, spread evenly over those of which the HeavyNet sees an informative frame; by the rule
    `centre` where there are none. informative: (F,) of the video's frames."""
    every = np.arange(settings.timesteps, dtype=np.int64)
    shown = informative.cpu().numpy() > 0
    holds = every[shown[seen(every, len(informative), settings)].any(1)]
    if not len(holds):
        return centre(settings.timesteps, number)
    return np.unique(holds[centre(len(holds), number)])
