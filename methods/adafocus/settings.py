"""The settings of AdaFocus: what a card may say beside the shared ones, by what the phases read of them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from saccade.settings import (
    Count,
    CountOrNone,
    Dropout,
    NotNegative,
    Positive,
    Section,
    Share,
    Shared,
    Width,
    need_pictures,
)

Backbone = Literal["none", "conv4", "resnet10", "resnet18", "resnet50", "mobilenet_v2"]
Candidates = Annotated[int, Field(ge=1, le=1000)]  # along a side: they are counted by its square
WHOLE = ("resized", "whole", "none")  # looks that crop nothing


@dataclass(frozen=True, kw_only=True)
class GlobalNetwork(Section):
    """f_G, which sees the whole frame."""

    global_backbone: Backbone  # none: the expensive network alone
    global_width: Width = 1.0


@dataclass(frozen=True, kw_only=True)
class LocalNetwork(Section):
    """f_L, which sees the patch."""

    local_backbone: Backbone  # none: the cheap network alone
    local_width: Width = 1.0
    pretrained_local: bool = True  # it has a stage 0, with a head of its own that nothing uses after it


@dataclass(frozen=True, kw_only=True)
class Networks(Section):
    """What both networks have in common."""

    weights: Literal["none", "imagenet"] = "none"  # where stage 0 of both networks starts
    # f_C reads frames in order; or both networks are TSMs and their mean scores are summed
    temporal: Literal["gru", "shift"] = "gru"
    dropout: Dropout = 0.0  # before every classifier


@dataclass(frozen=True, kw_only=True)
class Classifier(Section):
    """f_C, which reads the features."""

    reuse: bool = True  # the global features beside the local ones
    hidden_size: Count = 1024  # of its GRU (Sec. 4.1)


@dataclass(frozen=True, kw_only=True)
class Look(Section):
    """Where to look."""

    look: Literal["learned", "random", "central", "gaussian", "oracle", "resized", "whole", "none"] = "learned"
    patch_size: Count  # P, in pixels of the clip
    per_clip: bool = False  # one place for all frames of a video, chosen once all have been seen
    # of the look `gaussian`: standard deviation in half ranges, from the middle; our choice, as Sec. 4.3 gives no unit
    sigma: NotNegative = 0.5


@dataclass(frozen=True, kw_only=True)
class Policy(Section):
    """The network that learns where to look, and what it chooses from."""

    places: Literal["grid", "anywhere"] = "grid"  # one of candidates x candidates places, or a continuous one
    candidates: Candidates = 7  # along each side (Sec. 4.1)
    place_sigma: NotNegative = 0.25  # of `places: anywhere` while learning, in whole ranges (the code's scripts)
    policy_channels: Count = 32  # the policy squeezes the global map to so many channels (code)
    policy_size: Count = 1024  # of its embedding (code) and of its GRU (Sec. 4.1)
    policy_norm: bool = False  # batch normalisation in its encoder
    # cells along each side of the global map that it reads; a map of another size is pooled to it
    map_size: Candidates = 7


@dataclass(frozen=True, kw_only=True)
class Reinforcement(Section):
    """How it learns: numbers of the official code, but where said."""

    reward: Literal["advantage", "confidence", "increments"] = "advantage"  # eq. 7, or Table 5's two others
    discount: Share = 0.7  # gamma of eq. 6 (Sec. 3.2)
    updates: Count = 1  # of PPO per batch (K); with 1 the probability ratio is exactly 1 and its clipping idle
    clip_ratio: Positive = 0.2
    value_weight: NotNegative = 0.5
    entropy_weight: NotNegative = 0.01
    # of AdaFocus+, for a patch that is looked at: lambda of eq. 10 (Sec. 4.1), times P squared
    penalty: NotNegative = 1.0e-6


@dataclass(frozen=True, kw_only=True)
class Skipping(Section):
    """Whether to look (AdaFocus+)."""

    skip: Literal["none", "learned", "random", "uniform"] = "none"


@dataclass(frozen=True, kw_only=True)
class Answer(Section):
    """What a finished model is asked; no training asks."""

    keep: Share = 1.0  # share of the frames whose patch is looked at
    threshold_from: Literal["train", "val"] = "train"  # the split whose kept share the threshold was solved on
    first: CountOrNone = 0  # of the `num_frames` frames chosen, only the first so many are looked at; 0: all
    online: bool = False  # frame by frame, each part keeping its state; the same scores


@dataclass(frozen=True, kw_only=True)
class Settings(
    Shared, GlobalNetwork, LocalNetwork, Networks, Classifier, Look, Policy, Reinforcement, Skipping, Answer
):
    def __post_init__(self) -> None:
        super().__post_init__()
        need_pictures(self)
        if self.first > self.num_frames:
            raise ValueError(f"first is {self.first}, but num_frames only {self.num_frames}")
        if self.crop and self.patch_size > self.crop:
            raise ValueError(f"patch_size is {self.patch_size}, larger than the crop of {self.crop} it is cut from")
        if self.num_crops > 1 or self.num_clips > 1:
            raise ValueError("AdaFocus looks at one view: set num_crops and num_clips to 1")
        if self.look == "oracle" and (self.crop or self.resize):
            raise ValueError("the look `oracle` knows boxes in pixels of the whole frame; set resize and crop to 0")
        if self.temporal == "shift" and (self.skip != "none" or self.online or self.first):
            raise ValueError(
                "with `temporal: shift` every frame's features need its neighbours': skip, online and first don't go "
                "with it"
            )
        if self.per_clip and (self.skip != "none" or self.online or self.first):
            raise ValueError(
                "one place for the whole clip needs all its frames: skip, online and first don't go with per_clip"
            )
        if (self.local_backbone == "none") != (self.look == "none"):
            raise ValueError(
                f"local_backbone is {self.local_backbone} and look {self.look}: without a local network look is none, "
                "too"
            )
        if self.global_backbone == "none" and (
            self.reuse or "learned" in (self.look, self.skip) or self.temporal == "shift"
        ):
            raise ValueError(
                "without a global network set reuse: false, a look that isn't learned, skip: none and temporal: gru"
            )
        if self.online and (self.look != "learned" or self.places != "grid" or self.skip in ("random", "uniform")):
            raise ValueError(
                "online inference is there for learned candidates: look: learned, places: grid, skip: none or learned"
            )
        if self.look in WHOLE and self.skip != "none":
            raise ValueError(f"skip goes with patches; the look '{self.look}' has none")
        if self.glance_frames and self.temporal != "shift":
            raise ValueError(
                "glance_frames goes with `temporal: shift`; f_C of `gru` reads both networks' features of the same "
                "frames"
            )
        if self.glance_frames and self.look != "whole" and not self.per_clip:
            raise ValueError(
                "glance_frames and patches go together only with per_clip: the frames of both networks differ"
            )
