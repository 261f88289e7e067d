"""Where the peaks of attention lie: where the class responses have them, or, to compare with, elsewhere."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from saccade.nn.patches import true_centres

from ..settings import MAPPED, Settings
from .attention import Peaks, attention_of, chosen, drawn, on_grid, peaks_of, response_maps


@dataclass
class Attended:
    """`attention`: {video: (B * T, G, G)} of each that is made of the original; `responses` (B * T, G, G) in [0, 1] and
    their `peaks`, where the response maps say where it lies, and `sure` (B * T,), of which frames the network was;
    `grids`: {video: where its cells look (B * T, G, G, 2)}, once they have been asked for."""

    attention: dict[str, Tensor]
    responses: Tensor | None = None
    peaks: Peaks | None = None
    sure: Tensor | None = None
    grids: dict[str, Tensor] = field(default_factory=dict)


def attend(
    maps: Tensor | None,
    classify: nn.Linear,
    betas: dict[str, Tensor],
    clip: dict[str, Any],
    settings: Settings,
    training: bool,
) -> Attended:
    """maps: (B * T, C, h, w), of frames; None where nothing reads them. Gradients reach the betas alone (S3N)."""
    number = clip["rgb"].shape[0] * clip["rgb"].shape[1]
    if settings.places == "uniform":
        side = settings.attention_size
        return Attended({name: beta.new_full((number, side, side), settings.floor) for name, beta in betas.items()})
    responses = peaks = sure = None
    if settings.places in MAPPED:
        assert maps is not None
        with torch.no_grad():
            found, sure = response_maps(maps, classify, settings)
            responses = on_grid(found, settings.attention_size)
            peaks = chosen(peaks_of(responses), clip, settings, training)
            if settings.places == "random":
                peaks = placed(peaks, clip, settings, training)
    every = {name: fixed(clip, settings, name) if peaks is None else peaks for name in betas}
    wanted = {name: attention_of(every[name], name, beta, number, settings) for name, beta in betas.items()}
    return Attended(wanted, responses, peaks, sure)


def placed(peaks: Peaks, clip: dict[str, Any], settings: Settings, training: bool) -> Peaks:
    """As strong peaks, as many in each frame, at places by lot."""
    place = drawn(
        peaks,
        clip,
        settings,
        training,
        "places",
        lambda lot, count: lot.integers(settings.attention_size, size=(count, 2)),
    )
    return Peaks(peaks.frame, place.to(peaks.place), peaks.height, peaks.discriminative)


def fixed(clip: dict[str, Any], settings: Settings, wanted: str) -> Peaks:
    """A peak of height 1 in each frame, in its middle or on the target (nowhere where that isn't seen), for whichever
    video is wanted."""
    rgb = clip["rgb"]
    frames, side = rgb.shape[0] * rgb.shape[1], settings.attention_size
    if settings.places == "centre":
        place = torch.full((frames, 2), (side - 1) / 2)
        there = torch.ones(frames, dtype=torch.bool)
    else:
        size = torch.tensor(rgb.shape[-2:], dtype=torch.float64)
        pixels = true_centres(clip).flatten(0, 1).cpu() - 0.5  # the first one's middle is 0, as corners are aligned
        there = pixels.isfinite().all(1)
        place = (pixels / (size - 1)).clamp(0, 1) * (side - 1)
    frame = there.nonzero()[:, 0]
    ones = torch.ones(len(frame))
    peaks = Peaks(frame, place[frame].float(), ones, ones.bool() & (wanted == "discriminative"))
    return Peaks(*(part.to(rgb.device) for part in vars(peaks).values()))
