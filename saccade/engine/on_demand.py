"""A finished model on one video of which only what it asks for is decoded."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from saccade.records import Prediction, SaccadeError
from saccade.video.clip_on_demand import clip_on_demand, why_not_on_demand
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
        found = method_predict(model, clip, settings)
        row: dict[str, Any] = {"macs": int(found.macs[0]), "frames": int(found.frames[0])}
        row |= {"decoded_frames": reading.decoded_frames, "wanted_frames": reading.wanted_frames}
    row["decisions"] = [found.decisions[0] if found.decisions else {}]
    for head, probabilities in found.probabilities.items():
        row[f"{head}.scores"] = probabilities[0].double().cpu().numpy().astype(np.float32)
        if not np.isfinite(row[f"{head}.scores"]).all():
            raise SaccadeError(f"video {path}: the scores of head '{head}' are not finite")
    return row


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
    read, computed = zip(*taken[1:], strict=True)
    return statistics.median(read), statistics.median(computed)
