"""Temporal Segment Networks on frames (Wang et al., ECCV 2016): an image network scores each frame, the scores are
averaged.

Beside it the recurrent baseline of AdaFocus's Figure 6: the same network, whose features a GRU reads in order.
"""

import torch
from torch import Tensor, nn

from saccade.cost.forward import forward_macs
from saccade.nn.backbones import backbone
from saccade.nn.heads import FrameAverage, RecurrentClassifier, probabilities
from saccade.nn.seeding import seeded
from saccade.records import Head, Prediction

from .settings import Settings


class TSN(nn.Module):
    """Gives {head: (B, K)} logits for clips of shape (B, T, 3, H, W)."""

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.heads = heads
        with seeded("backbone"):
            network = backbone(settings.backbone, width=settings.width, weights=settings.weights)
        self.backbone, self.num_features = network
        with seeded("average"):
            self.average = FrameAverage(self.num_features, heads, settings.dropout)

    def features(self, rgb: Tensor) -> Tensor:
        return self.backbone(rgb.flatten(0, 1)).unflatten(0, rgb.shape[:2])  # (B, T, D)

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        return self.average(self.features(rgb))


class RecurrentTSN(TSN):
    """The same for frames read in order. `average` is what the phase `train` taught the backbone with; it isn't used
    after that."""

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__(settings, heads)
        with seeded("recurrent"):
            self.recurrent = RecurrentClassifier(self.num_features, heads, settings.dropout, settings.hidden_size)

    def steps(self, rgb: Tensor) -> dict[str, Tensor]:
        """{head: (B, T, K)} logits after each frame."""
        return self.recurrent(self.features(rgb))

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        return {head: logits[:, -1] for head, logits in self.steps(rgb).items()}


def build(settings: Settings, heads: tuple[Head, ...]) -> TSN:
    return {"mean": TSN, "gru": RecurrentTSN}[settings.consensus](settings, heads)


def predict(model: TSN, clip: dict, settings: Settings) -> Prediction:
    """Every frame of the clip (with `first`, of its beginning) is computed, so a video costs T times a frame, whatever
    its content."""
    rgb, indices = clip["rgb"], clip["indices"]
    if settings.first:
        rgb, indices = rgb[:, : settings.first], indices[:, : settings.first]
    videos, frames = rgb.shape[:2]
    macs = forward_macs(model, rgb.shape[1:])
    return Prediction(
        probabilities=probabilities(model(rgb), model.heads),
        macs=torch.full((videos,), macs, dtype=torch.int64),
        frames=torch.full((videos,), frames, dtype=torch.int64),
        decisions=[{"frames": row} for row in indices.tolist()],
    )
