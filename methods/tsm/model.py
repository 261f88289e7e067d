"""TSM (Lin et al., ICCV 2019): an image network whose frames exchange channels with their neighbours; the frames'
scores are averaged."""

import torch
from torch import Tensor, nn

from saccade.cost.forward import forward_macs
from saccade.nn.backbones import backbone
from saccade.nn.heads import FrameAverage, probabilities
from saccade.nn.seeding import seeded
from saccade.nn.shift import TemporalShift
from saccade.records import Head, Prediction

from .settings import Settings


class TSM(nn.Module):
    """Gives {head: (B, K)} logits for clips of shape (B, T, 3, H, W)."""

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.heads = heads
        with seeded("shifted"):
            network, num_features = backbone(settings.backbone, width=settings.width, weights=settings.weights)
        self.shifted = TemporalShift(network)
        with seeded("average"):
            self.average = FrameAverage(num_features, heads, settings.dropout)

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        return self.average(self.shifted(rgb))


def build(settings: Settings, heads: tuple[Head, ...]) -> TSM:
    return TSM(settings, heads)


def predict(model: TSM, clip: dict, settings: Settings) -> Prediction:
    """Every frame of the clip is computed, and shifting multiplies nothing: a video costs T times a frame, whatever its
    content."""
    rgb = clip["rgb"]
    videos, frames = rgb.shape[:2]
    macs = forward_macs(model, rgb.shape[1:])
    return Prediction(
        probabilities=probabilities(model(rgb), model.heads),
        macs=torch.full((videos,), macs, dtype=torch.int64),
        frames=torch.full((videos,), frames, dtype=torch.int64),
        decisions=[{"frames": row} for row in clip["indices"].tolist()],
    )
