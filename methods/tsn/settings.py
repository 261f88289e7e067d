"""The settings of TSN: what a card may say beside the shared ones."""

from dataclasses import dataclass
from typing import Literal

from saccade.settings import Count, CountOrNone, Dropout, Section, Shared, Weights, Width, need_pictures


@dataclass(frozen=True, kw_only=True)
class Networks(Section):
    backbone: Literal["resnet10", "resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"]
    width: Width = 1.0
    weights: Weights = "none"  # where training starts
    dropout: Dropout = 0.5  # before the classifiers


@dataclass(frozen=True, kw_only=True)
class Consensus(Section):
    # of the frames: the mean of their scores, or a GRU that reads their features
    consensus: Literal["mean", "gru"] = "mean"
    hidden_size: Count = 1024  # of the GRU


@dataclass(frozen=True, kw_only=True)
class Answer(Section):
    """When the answer is given; no training asks."""

    first: CountOrNone = 0  # of the `num_frames` frames chosen, only the first so many are looked at; 0: all


@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Networks, Consensus, Answer):
    def __post_init__(self) -> None:
        super().__post_init__()
        need_pictures(self)
        if self.first > self.num_frames:
            raise ValueError(f"first is {self.first}, but num_frames only {self.num_frames}")
