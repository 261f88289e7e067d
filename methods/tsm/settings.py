"""The settings of TSM: what a card may say beside the shared `Input` and `Recipe`."""

from dataclasses import dataclass, field
from typing import Literal

from saccade.settings import Input, Recipe


@dataclass(frozen=True, kw_only=True)
class Settings(Input, Recipe):
    backbone: Literal["resnet10", "resnet18", "resnet50", "mobilenet_v2"]
    width: float = 1.0  # scales the backbone's channels; 1 is the published network
    weights: str = "none"  # where training starts: `none`, `imagenet` (torchvision's), or a file
    dropout: float = 0.5  # before the classifiers
    head_weights: dict[str, float] = field(default_factory=dict)  # of the heads' losses, where not 1
