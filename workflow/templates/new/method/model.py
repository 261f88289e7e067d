"""An image network looks at one frame after the other, until the mean of their scores is sure enough of its answer."""

from typing import Any

import torch
from torch import Tensor, nn

from saccade.cost.forward import forward_macs
from saccade.nn.backbones import backbone
from saccade.nn.heads import FrameAverage, probabilities
from saccade.nn.seeding import seeded
from saccade.records import Head, Prediction

from .settings import Settings


class EarlyStop(nn.Module):
    """Gives {head: (B, K)} logits for clips of shape (B, T, 3, H, W): the mean of the frames' scores."""

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.heads = heads
        with seeded("backbone"):
            self.backbone, num_features = backbone(settings.backbone, width=settings.width, weights=settings.weights)
        with seeded("average"):
            self.average = FrameAverage(num_features, heads, settings.dropout)

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        features = self.backbone(rgb.flatten(0, 1)).unflatten(0, rgb.shape[:2])  # (B, T, D)
        return self.average(features)


def build(settings: Settings, heads: tuple[Head, ...]) -> EarlyStop:
    return EarlyStop(settings, heads)


def predict(model: EarlyStop, clip: dict[str, Any], settings: Settings) -> Prediction:
    """A frame is computed only for the videos that still need it, so a video costs as many frames as it was looked
    at."""
    rgb, frames = clip["rgb"], clip["rgb"].shape[1]
    sums = {head.name: rgb.new_zeros(len(rgb), head.num_classes) for head in model.heads}
    looked = torch.zeros(len(rgb), dtype=torch.int64, device=rgb.device)
    waiting = torch.arange(len(rgb), device=rgb.device)
    for number in range(frames):
        for head, logits in model(rgb[waiting, number : number + 1]).items():
            sums[head][waiting] += logits
        looked[waiting] += 1
        waiting = waiting[~sure(model, sums, looked, settings)[waiting]]
        if not len(waiting):
            break
    means = {head: value / looked.to(value)[:, None] for head, value in sums.items()}
    looked = looked.cpu()
    return Prediction(
        probabilities=probabilities(means, model.heads),
        macs=looked * forward_macs(model, (1, *rgb.shape[2:])),
        frames=looked,
        decisions=[
            {"frames": row[:count]} for row, count in zip(clip["indices"].tolist(), looked.tolist(), strict=True)
        ],
    )


def sure(model: EarlyStop, sums: dict[str, Tensor], looked: Tensor, settings: Settings) -> Tensor:
    """(B,) bool: whether every head's most probable class is more probable than `confidence`."""
    means = {head: value / looked.to(value)[:, None].clamp(min=1) for head, value in sums.items()}
    largest = [value.amax(1) for value in probabilities(means, model.heads).values()]
    return torch.stack(largest).amin(0) > settings.confidence
