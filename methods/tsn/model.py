"""Temporal Segment Networks on frames (Wang et al., ECCV 2016): an image network scores each frame, the scores are averaged."""

import torch
from torch import Tensor, nn

from saccade import cost
from saccade.nn.backbones import backbone
from saccade.records import Head, Prediction

from .settings import Settings


class TSN(nn.Module):
    """Gives {head: (B, K)} logits for clips of shape (B, T, 3, H, W).

    The consensus is the mean of the frames' logits, before the softmax (Sec. 3.1, average pooling for G).
    """

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.backbone, features = backbone(settings.backbone, width=settings.width, weights=settings.weights)
        self.dropout = nn.Dropout(settings.dropout)
        self.classifiers = nn.ModuleDict({head.name: nn.Linear(features, head.num_classes) for head in heads})
        self.kinds = {head.name: head.kind for head in heads}

    def forward(self, rgb: Tensor) -> dict[str, Tensor]:
        videos, frames = rgb.shape[:2]
        features = self.dropout(self.backbone(rgb.flatten(0, 1)))  # (B*T, D)
        return {head: classify(features).unflatten(0, (videos, frames)).mean(1) for head, classify in self.classifiers.items()}

    def probabilities(self, logits: dict[str, Tensor]) -> dict[str, Tensor]:
        return {head: value.softmax(1) if self.kinds[head] == "single" else value.sigmoid() for head, value in logits.items()}


def build(settings: Settings, heads: tuple[Head, ...]) -> TSN:
    return TSN(settings, heads)


def predict(model: TSN, clip: dict, settings: Settings) -> Prediction:
    """Every frame of the clip is computed, so a video costs T times a frame, whatever its content."""
    rgb = clip["rgb"]
    videos, frames = rgb.shape[:2]
    macs = cost.forward_macs(model, rgb.shape[1:])
    return Prediction(
        probabilities=model.probabilities(model(rgb)),
        macs=torch.full((videos,), macs, dtype=torch.int64),
        frames=torch.full((videos,), frames, dtype=torch.int64),
        decisions=[{"frames": row} for row in clip["indices"].tolist()],
    )
