"""The settings of this method: what its card may say beside the shared ones."""

from dataclasses import dataclass
from typing import Literal

from saccade.settings import Section, Shared


@dataclass(frozen=True, kw_only=True)
class Network(Section):
    backbone: Literal["resnet10", "resnet18", "resnet50", "mobilenet_v2"]
    width: float = 1.0  # scales the backbone's channels; 1 is the published network
    weights: str = "none"  # where training starts: `none`, `imagenet` (torchvision's), or a file
    dropout: float = 0.5  # before the classifiers


@dataclass(frozen=True, kw_only=True)
class Stopping(Section):
    """When a video has been looked at enough; no training asks."""

    confidence: float = 1.0  # of the answer so far, above which no more frames are looked at; 1: all are


@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Network, Stopping):
    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence is {self.confidence}; it is a probability, in [0, 1]")
