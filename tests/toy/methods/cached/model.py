"""A convolution that is trained first, and a head on its features of some timesteps."""

import torch
from torch import Tensor, nn

from saccade.cost.forward import forward_macs
from saccade.nn.seeding import seeded
from saccade.records import Head, Prediction

from .settings import Settings


class Cached(nn.Module):
    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.pool, width = settings.pool, settings.width
        with seeded("base"):
            self.base = nn.ModuleDict({"convolve": nn.Conv2d(3, width, kernel_size=8, stride=8)})
            self.base["classify"] = nn.ModuleDict({head.name: nn.Linear(width, head.num_classes) for head in heads})
        with seeded("head"):
            self.head = nn.ModuleDict({head.name: nn.Linear(width, head.num_classes) for head in heads})

    def features(self, frames: Tensor) -> Tensor:
        """(N, 3, H, W) frames to (N, D)."""
        return self.base["convolve"](frames).relu().amax((-1, -2))

    def logits(self, timesteps: Tensor) -> dict[str, Tensor]:
        """Of (B, T, D) features: {head: (B, K)}."""
        seen = timesteps.mean(1) if self.pool == "mean" else timesteps.amax(1)
        return {head: classify(seen) for head, classify in self.head.items()}


def build(settings: Settings, heads: tuple[Head, ...]) -> Cached:
    return Cached(settings, heads)


def predict(model: Cached, clip: dict, settings: Settings) -> Prediction:
    rgb = clip["rgb"]
    logits = model.logits(model.features(rgb.flatten(0, 1)).unflatten(0, rgb.shape[:2]))
    each = rgb.shape[1] * forward_macs(model.base["convolve"], rgb.shape[2:])
    each += sum(forward_macs(classify, (classify.in_features,)) for classify in model.head.values())
    return Prediction(
        probabilities={head: values.softmax(1) for head, values in logits.items()},
        macs=torch.full((len(rgb),), each, dtype=torch.int64),
        frames=torch.full((len(rgb),), rgb.shape[1], dtype=torch.int64),
    )
