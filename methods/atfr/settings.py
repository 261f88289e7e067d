"""The settings of ATFR: what a card may say beside the shared ones."""

from dataclasses import dataclass, field
from typing import Literal

from saccade.settings import Count, CountOrNone, Dropout, NotNegative, Section, Shared, Width, need_pictures

Assignment = Literal["similarity", "shuffled", "permuted", "noise", "uniform", "moments"]
Network = Literal[
    "3dresnet18", "3dresnet50", "3dresnet-tiny", "i3d-r50", "c2d-r50", "c2d-r18", "r2plus1d-r50",
    "x3d-s", "x3d-m", "x3d-l", "x3d-xl", "x3d-tiny",
    "slowfast-4x16-r50", "slowfast-8x8-r50", "slowfast-8x8-r18", "slowfast-tiny",
]  # fmt: skip
LOOKS = ("similarity", "shuffled", "permuted")  # assignments of a layer that has a similarity network
ASKS = ("similarity", "shuffled")  # those that also run it on the video at hand
SLOW_TO_FAST = 4  # SlowFast on Something-Something: a fast block of 8 frames spans the time of a slow one of 2 (App. A)


@dataclass(frozen=True, kw_only=True)
class Networks(Section):
    network: Network
    width: Width = 1.0
    dropout: Dropout = 0.5  # before the classifiers

    # the layer that is added, and where
    layer: Literal["none", "sgs", "attention"] = "none"
    placement: Literal["conv1", "res2", "res3"] = "res2"  # after which stage, before its last ReLU


@dataclass(frozen=True, kw_only=True)
class Sampling(Section):
    """Similarity guided sampling."""

    similarity_network: Literal["code", "paper"] = "code"
    dimensions: Count = 8  # L
    similarity: Literal["magnitude", "angular", "spherical"] = "magnitude"
    distance: Literal["dist_to_mean", "norm"] = "dist_to_mean"
    kernel: Literal["linear", "linear_normalised", "kronecker"] = "linear"
    # B per coordinate; none named: as many as there are frames (magnitude only)
    bins: list[Count] = field(default_factory=list)
    block: CountOrNone = 0  # length in (fast) frames of the stretches that are binned apart; 0: the whole clip
    learned: bool = True  # whether the similarity network gets gradients; otherwise it stays as it was initialised
    gradient_scale: NotNegative = 1.0  # of what the kernel passes back to the similarity network; 1: eq. 8 as it is
    assignment: Assignment = "similarity"  # what decides a frame's bin; all but the first are there to compare with
    # of `uniform`: B' over videos, each of which gets this rounded up or down by lot; 0: all frames
    mean_bins: NotNegative = 0.0


@dataclass(frozen=True, kw_only=True)
class Answer(Section):
    """How the answer is computed; no training asks."""

    padded: bool = False  # as the official code, fill up with empty maps to the most bins in the batch


@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Networks, Sampling, Answer):
    def __post_init__(self) -> None:
        super().__post_init__()
        need_pictures(self)
        wanted = {"magnitude": 1, "angular": 2, "spherical": 3}[self.similarity]
        if len(self.bins) not in ((0, 1) if wanted == 1 else (wanted,)):
            raise ValueError(f"bins is {self.bins}, but similarity {self.similarity} bins {wanted} coordinate(s)")
        if self.layer != "sgs" and self.assignment != "similarity":
            raise ValueError(f"assignment is {self.assignment}, but layer {self.layer}: only sgs has bins")
        if self.block % SLOW_TO_FAST and self.network.startswith("slowfast"):
            raise ValueError(f"block is {self.block}; of a SlowFast network it must be a multiple of {SLOW_TO_FAST}")

    def bins_of(self, frames: int) -> list[int]:
        """B for each coordinate, for so many frames."""
        return self.bins or [frames]

    def block_of(self, pathway: int) -> int:
        """The block's length in the frames of a pathway: 0 is the slow one where there are two, and the only one
        elsewhere."""
        return (
            self.block // SLOW_TO_FAST
            if self.block and pathway == 0 and self.network.startswith("slowfast")
            else self.block
        )
