"""The settings of this method: what its card may say beside the shared ones."""

from dataclasses import dataclass
from typing import Literal

from saccade.settings import Dropout, Section, Share, Shared, Weights, Width, need_pictures


@dataclass(frozen=True, kw_only=True)
class Network(Section):
    backbone: Literal["resnet10", "resnet18", "resnet50", "mobilenet_v2"]
    width: Width = 1.0
    weights: Weights = "none"  # where training starts
    dropout: Dropout = 0.5  # before the classifiers


@dataclass(frozen=True, kw_only=True)
class Stopping(Section):
    """When a video has been looked at enough; no training asks."""

    confidence: Share = 1.0  # of the answer so far, above which no more frames are looked at; 1: all are


@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Network, Stopping):
    def __post_init__(self) -> None:
        super().__post_init__()
        need_pictures(self)
