"""A network with all that the five papers' networks have, as small as can be: shared features, a policy, a calibrated
threshold, a head."""

import torch
from torch import Tensor, nn

from saccade.cost.forward import forward_macs
from saccade.nn.seeding import seeded
from saccade.records import Head, Prediction

from .settings import Settings


class Base(nn.Module):
    """(N, 3, 32, 32) frames to (N, D, 4, 4) features; `classify` is only for training them."""

    def __init__(self, width: int, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(3, width, kernel_size=8, stride=8)
        self.classify = nn.ModuleDict({head.name: nn.Linear(width, head.num_classes) for head in heads})

    def forward(self, frames: Tensor) -> Tensor:
        return self.convolve(frames).relu()


class Toy(nn.Module):
    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.patches = settings.patches
        with seeded("base"):
            self.base = Base(settings.width, heads)
        with seeded("policy"):
            self.policy = nn.Linear(settings.width, 1)
        with seeded("head"):
            self.head = nn.ModuleDict(
                {head.name: nn.Linear(settings.width * settings.patches, head.num_classes) for head in heads}
            )
        # of the training frames, ascending; the phase `calibrate` sets it
        self.register_buffer("scores", torch.empty(0))

    def features(self, rgb: Tensor) -> Tensor:
        return self.base(rgb.flatten(0, 1)).unflatten(0, rgb.shape[:2])  # (B, T, D, 4, 4)

    def frame_scores(self, features: Tensor) -> Tensor:
        return self.policy(features.mean((-1, -2))).squeeze(-1)  # (B, T)

    def columns(self, features: Tensor) -> Tensor:
        return features.mean(-2).unflatten(-1, (self.patches, -1)).mean(-1).flatten(-2)  # (..., D * patches)

    def kept(self, scores: Tensor, keep: float) -> Tensor:
        """(B, T) bool: the frames that reach the threshold, and always a video's best one."""
        threshold = self.scores[min(round((1 - keep) * len(self.scores)), len(self.scores) - 1)]
        return (scores >= threshold) | (scores == scores.amax(1, keepdim=True))

    def logits(self, features: Tensor) -> dict[str, Tensor]:
        """The head's mean over the frames (T, D, 4, 4) of one video: {head: (K,)}."""
        columns = self.columns(features)
        return {head: classify(columns).mean(0) for head, classify in self.head.items()}


def build(settings: Settings, heads: tuple[Head, ...]) -> Toy:
    return Toy(settings, heads)


def predict(model: Toy, clip: dict, settings: Settings) -> Prediction:
    """Features and scores of all frames, the head on the kept ones alone."""
    rgb = clip["rgb"]
    features = model.features(rgb)
    kept = model.kept(model.frame_scores(features), settings.keep)
    logits = [model.logits(features[video, kept[video]]) for video in range(len(rgb))]
    looked = forward_macs(model.base, rgb.shape[2:]) + forward_macs(model.policy, (settings.width,))
    seen = sum(forward_macs(classify, (classify.in_features,)) for classify in model.head.values())
    return Prediction(
        probabilities={head: torch.stack([one[head] for one in logits]).softmax(1) for head in model.head},
        macs=rgb.shape[1] * looked + kept.sum(1) * seen,
        frames=torch.full((len(rgb),), rgb.shape[1], dtype=torch.int64),
        decisions=[{"kept": row} for row in kept.int().tolist()],
    )
