"""The settings of TSM: what a card may say beside the shared ones."""

from dataclasses import dataclass
from typing import Literal

from saccade.settings import Dropout, Shared, Weights, Width, need_pictures


@dataclass(frozen=True, kw_only=True)
class Settings(Shared):
    backbone: Literal["resnet10", "resnet18", "resnet50", "mobilenet_v2"]
    width: Width = 1.0
    weights: Weights = "none"  # where training starts
    dropout: Dropout = 0.5  # before the classifiers

    def __post_init__(self) -> None:
        super().__post_init__()
        need_pictures(self)
