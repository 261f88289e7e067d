"""The settings of TSN: what a card may say beside the shared `Input` and `Recipe`."""

from dataclasses import dataclass, field
from typing import Literal

from saccade.settings import Input, Recipe, at_least


@dataclass(frozen=True, kw_only=True)
class Settings(Input, Recipe):
    backbone: Literal["resnet10", "resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]
    width: float = 1.0  # scales the backbone's channels; 1 is the published network
    weights: str = "none"  # where training starts: `none`, `imagenet` (torchvision's), or a file
    dropout: float = 0.5  # before the classifiers
    head_weights: dict[str, float] = field(default_factory=dict)  # of the heads' losses, where not 1
    # of the frames: the mean of their scores, or a GRU that reads their features
    consensus: Literal["mean", "gru"] = "mean"
    hidden_size: int = 1024  # of the GRU
    first: int = 0  # of the `num_frames` frames chosen, only the first so many are looked at; 0: all

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "hidden_size")
        at_least(self, 0, "first")
        if self.first > self.num_frames:
            raise ValueError(f"first is {self.first}, but num_frames only {self.num_frames}")
