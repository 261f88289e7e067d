"""Which frames are seen in full where no look at the video decides it: what stands beside a temporal sampler."""

from typing import Any

import numpy as np
import torch

from saccade.records import SaccadeError
from saccade.video.loader import generator

from ..settings import Settings
from .times import FULL, SKIPPED, Way

Clip = dict[str, Any]


def way_ahead(clip: Clip, frames: int, settings: Settings, drawn: torch.Generator | None = None) -> Way:
    """The way through (B, T) frames by what `settings.decide` says; all others are skipped, the first one is always
    full. clip: `video_id`, and the truth where that is asked for.

    periodic: `full_share` of the frames, evenly spread. random: as many, drawn by the video's name, or by `drawn` in
    training. oracle: where a moment begins that isn't that of the frame seen last. informative: where the digit shows.
    Raises SaccadeError where the clip lacks the truth.
    """
    videos = len(clip["video_id"])
    count = max(1, round(settings.full_share * frames))
    if settings.decide == "periodic":
        full = np.zeros((videos, frames), dtype=bool)
        full[:, np.arange(count) * frames // count] = True
    elif settings.decide == "random":
        full = _ranks(clip, frames, settings, drawn) < count - 1
    elif settings.decide == "oracle":
        moments = _truth(clip, "moment")
        full = np.diff(moments, axis=1, prepend=moments[:, :1]) != 0
    else:
        full = _truth(clip, "informative") > 0
    full[:, 0] = True
    fates = torch.from_numpy(np.where(full, FULL, SKIPPED))
    return Way(fates, torch.full_like(fates, -1), torch.full(fates.shape, torch.nan))


def _ranks(clip: Clip, frames: int, settings: Settings, drawn: torch.Generator | None) -> np.ndarray:
    """(B, T): in which order frames are taken; the first frame comes behind all others, for it is taken anyway."""
    shape = (len(clip["video_id"]), frames - 1)
    if drawn is None:
        found = [generator(settings.draw, 0, video, "times").random(frames - 1) for video in clip["video_id"]]
        values = np.stack(found)
    else:
        values = torch.rand(shape, generator=drawn).numpy()
    return np.pad(values.argsort(1).argsort(1), ((0, 0), (1, 0)), constant_values=frames)


def _truth(clip: Clip, column: str) -> np.ndarray:
    """(B, T)"""
    if f"truth.{column}" not in clip:
        raise SaccadeError(f"the true times are asked for; set truth: [..., {column}], on data that has it")
    found: np.ndarray = clip[f"truth.{column}"].cpu().numpy()
    return found
