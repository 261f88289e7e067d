"""A finished model on one video of which only what it asks for is decoded."""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from saccade.engine.device import to_device
from saccade.engine.inference import add_view, to_row
from saccade.records import Prediction
from saccade.video.batches import collate
from saccade.video.clip_on_demand import clip_on_demand, why_not_on_demand
from saccade.video.loader import VideoDataset
from saccade.video.probe import VideoInfo


def reads_on_demand(method: Any, settings: Any) -> bool:
    """Whether the method's `predict` reads one video's frames one by one, at these settings, and they can be given so.
    `method`: its model.py, whose optional `reads_on_demand(settings)` says it: `predict` then reads of `rgb` and
    `audio` nothing but `[0, t]`, in rising order of t, beside shape, dtype and device."""
    asks = getattr(method, "reads_on_demand", None)
    return bool(asks and asks(settings)) and why_not_on_demand(settings) is None


@torch.inference_mode()
def answer_on_demand(
    model: nn.Module,
    method_predict: Callable[..., Prediction],
    path: Path,
    info: VideoInfo,
    settings: Any,
    device: torch.device,
) -> dict[str, Any]:
    """As a row of `predict_point`, without targets; beside it `wanted_frames`. Raises SaccadeError where a score isn't
    finite."""
    with clip_on_demand(path, info, settings, device) as (clip, reading):
        found, row = method_predict(model, clip, settings), dict[str, Any]()
        batch = {"video_id": [str(path)], "labels": {}, "decoded_frames": [reading.decoded_frames]}
    add_view(row, found, batch, 0, views=1)
    return to_row(str(path), row) | {"wanted_frames": reading.wanted_frames}


@torch.inference_mode()
def timed_on_demand(
    model: nn.Module,
    method_predict: Callable[..., Prediction],
    path: Path,
    info: VideoInfo,
    settings: Any,
    device: torch.device,
    repeats: int,
) -> tuple[float, float]:
    """(reading, model) in seconds, medians of so many predictions after an untimed one. Each opens the file anew, and
    what it reads in between is reading."""
    taken = []
    for _ in range(1 + repeats):
        started = time.perf_counter()
        with clip_on_demand(path, info, settings, device) as (clip, reading):
            method_predict(model, clip, settings)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            taken.append((reading.seconds, time.perf_counter() - started - reading.seconds))
    return _medians(taken[1:])


@torch.inference_mode()
def timed_by_number(
    model: nn.Module,
    method_predict: Callable[..., Prediction],
    dataset: VideoDataset,
    settings: Any,
    device: torch.device,
    repeats: int,
) -> tuple[float, float]:
    """As `timed_on_demand`, of the dataset's first video, whose clip is on demand (`settings.on_demand`)."""
    taken = []
    for _ in range(1 + repeats):
        started = time.perf_counter()
        clip = to_device(collate([dataset[0]]), device)
        method_predict(model, clip, settings)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        reading = clip["frames"][0].decoding_s + clip["frames"][0].transforms_s
        taken.append((reading, time.perf_counter() - started - reading))
    return _medians(taken[1:])


def _medians(taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    read, computed = zip(*taken, strict=True)
    return statistics.median(read), statistics.median(computed)
