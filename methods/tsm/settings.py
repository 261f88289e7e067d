"""The settings of TSM: what a card may say beside the shared ones."""

from dataclasses import dataclass
from typing import Literal

from saccade.settings import Shared


@dataclass(frozen=True, kw_only=True)
class Settings(Shared):
    backbone: Literal["resnet10", "resnet18", "resnet50", "mobilenet_v2"]
    width: float = 1.0  # scales the backbone's channels; 1 is the published network
    weights: str = "none"  # where training starts: `none`, `imagenet` (torchvision's), or a file
    dropout: float = 0.5  # before the classifiers
