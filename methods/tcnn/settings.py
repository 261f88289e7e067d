"""The settings of T-CNN with spatial attention: what a card may say beside the shared ones. No code was published, so
each is a choice that the paper leaves open; the card says where its value comes from."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from saccade.settings import (
    CountOrNone,
    Dropout,
    NotNegative,
    Positive,
    Section,
    Share,
    Shared,
    need_pictures,
)

# What a stage's convolutions are, odd ones and even ones in turn; dilation (Table 1) is in time, of even ones only.
# factorised: 1x3x3, then 3x1x1. dilated: all 1x3x3, but 3x1x1 where Table 1 dilates. depthwise: 1x3x3, then 3x1x1 of
# each channel alone. shift: all 1x3x3, before even ones some channels come from frames `dilation` away. full: all
# 1x3x3, but 3x3x3 where Table 1 dilates
Kernels = Literal["factorised", "dilated", "depthwise", "shift", "full"]
STAGES = 7
Strides = Annotated[list[Annotated[int, Field(ge=1, le=4)]], Field(min_length=STAGES, max_length=STAGES)]
# By which classifier a clip is answered, or trained
Answers = Literal["total", "original", "discriminative", "complementary"]
# peaks: as the paper. random: peaks as strong as these at places by lot. centre: one peak in the middle, and box: one
# on the target. uniform: attention that is the same everywhere, so that nothing is magnified. crops: no attention,
# each of the two videos is a crop by lot of the clip, flipped by lot where the clips of training are
Places = Literal["peaks", "random", "centre", "box", "uniform", "crops"]
MAPPED = ("peaks", "random")  # which need the network's class response maps
BY_LOT = ("random", "crops")


@dataclass(frozen=True, kw_only=True)
class Network(Section):
    """T-CNN (Table 1)."""

    network: Literal["published", "tiny"] = "published"  # tiny: a pair of few channels a stage, for embedded data
    kernels: Kernels = "factorised"
    stem: Literal["1x3x3", "3x3x3"] = "1x3x3"  # of the first convolution
    strides: Strides = field(default_factory=lambda: [2, 2, 2, 1, 2, 1, 1])  # in space, of each stage's first one
    stem_pool: bool = True  # the largest of 3 x 3, every second, behind stage 1
    frame_strides: Strides = field(default_factory=lambda: [1] * STAGES)  # in time, likewise
    shortcut: Literal["projection", "none"] = "projection"  # none: 36 convolutions in a row
    dilate: bool = True  # false: every dilation is 1
    dropout: Dropout = 0.5  # before every classifier (Sec. 3.1)


@dataclass(frozen=True, kw_only=True)
class Branches(Section):
    """Which videos the network reads beside the original, and what it learns from them."""

    discriminative: bool = True
    complementary: bool = True
    original: bool = True  # has a classifier and a loss; false: Table 4's C + D, where it only gives the maps
    augments: bool = False  # the others share its classifier, are never combined with it, and aren't read at test time


@dataclass(frozen=True, kw_only=True)
class Attention(Section):
    """Where the two videos are magnified (Sec. 2.1, 2.2)."""

    places: Places = "peaks"
    delta: NotNegative = 0.2  # entropy from which the five likeliest classes' maps are summed (S3N; not in the paper)
    renormalised: bool = False  # that entropy is of the five alone, brought to a sum of 1
    attention_size: Annotated[int, Field(ge=3, le=255)] = 31  # cells along a side of the attention map (S3N)
    floor: Positive = 0.09  # added to the attention everywhere (S3N)
    smoothing: Positive = 13.0  # cells, full width at half maximum, of the resampler's Gaussian (Recasens et al.)
    weakest: Share = 0.05  # a peak counts at least as this strong, as 1 / R grows without end
    beta_dis: Positive = 0.09  # where beta_1 and beta_2 start, in shares of the grid's side (S3N)
    beta_com: Positive = 0.3
    # which peaks go to the discriminative video, at test time. threshold: from 0.5 on. sampled: from a number by lot
    # on, as in training. strongest: the strongest alone, and the weakest alone to the complementary one (S3N)
    split: Literal["threshold", "sampled", "strongest"] = "threshold"
    draw: CountOrNone = 0  # which drawing of what is by lot
    crop_share: Annotated[float, Field(gt=0, le=1)] = 0.875  # of `crops`: its side's share of the frame's
    crop_flip: bool = False  # half of them are mirrored


@dataclass(frozen=True, kw_only=True)
class Answer(Section):
    """What a finished model is asked; no training asks."""

    answer: Answers = "total"
    magnified: bool = False  # decisions tell how far the target is magnified, which must be known
    shows: Literal["choice", "every"] = "choice"  # every: of a few videos, decisions hold the maps that figures draw


@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Network, Branches, Attention, Answer):
    def __post_init__(self) -> None:
        super().__post_init__()
        need_pictures(self)
        if not self.original and not (self.discriminative or self.complementary):
            raise ValueError("no branch is left: set original, discriminative or complementary to true")
        if self.augments and not (self.original and self.resamples):
            raise ValueError(
                "augments: the original learns from the other videos: set original to true, and discriminative or "
                "complementary"
            )
        if self.answer not in ("total", *self.branches):
            raise ValueError(
                f"answer is {self.answer}, which this model doesn't learn; there are total, {', '.join(self.branches)}"
            )
        if (self.places == "box" or self.magnified) and (self.crop or self.resize):
            raise ValueError(
                "the target's place is known in pixels of the whole frame: for places: box and for magnified set "
                "resize and crop to 0"
            )
        if self.split == "strongest" and self.places not in MAPPED:
            raise ValueError(f"split is strongest, but places {self.places}: it chooses among peaks")
        if (self.magnified or self.shows == "every") and self.places == "crops":
            raise ValueError("places is crops: there is no attention to be shown or measured")

    @property
    def resampled(self) -> tuple[Answers, ...]:
        """The videos that are made of the original, in order."""
        wanted = {"discriminative": self.discriminative, "complementary": self.complementary}
        return tuple(name for name, there in wanted.items() if there)  # type: ignore[misc]

    @property
    def resamples(self) -> bool:
        return bool(self.resampled)

    @property
    def branches(self) -> tuple[Answers, ...]:
        """The videos that have a classifier of their own."""
        return ("original",) * self.original + (() if self.augments else self.resampled)

    @property
    def combines(self) -> bool:
        """Whether a classifier reads the features of several videos."""
        return len(self.branches) > 1

    def answered_by(self, answer: Answers) -> Answers:
        """Whose classifier answers: `total` of a single video is that video's."""
        return self.branches[0] if answer == "total" and not self.combines else answer
