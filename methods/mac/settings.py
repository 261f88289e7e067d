"""The settings of Mac et al.: what a card may say beside the shared ones, by what the phases read of them."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from saccade.settings import (
    Count,
    CountOrNone,
    Dropout,
    NotNegative,
    Section,
    Share,
    Shared,
    Weights,
    Width,
    need_pictures,
)

Backbone = Literal["san10", "san15", "san19", "san-tiny", "bninception"]
Layer = Literal[
    "layer0.0", "layer0.1", "layer0.2", "layer1.0", "layer1.1", "layer1.2", "layer2.0", "layer2.1", "layer2.2",
    "layer2.3", "layer3.0", "layer3.1", "layer3.2", "layer3.3", "layer3.4", "layer3.5", "layer4.0", "layer4.1",
    "layer4.2",
]  # fmt: skip
# trajectories: a slot follows one path through all frames (the official pipelines); pairs: it is as near as can be to
# the frame before (an option of the official code); activation: the most active region first (Fig. 8)
Slots = Literal["trajectories", "pairs", "activation"]
KNOWN_AHEAD = ("periodic", "random", "oracle", "informative")  # ways through a video that no look at it decides
# The features that each head reads, in order (Sec. IV-A; official code).
READS = {"global": ("low", "sound"), "local": ("sound", "regions"), "all": ("low", "sound", "regions")}


@dataclass(frozen=True, kw_only=True)
class Networks(Section):
    """The networks of pictures and sound, and how they learn by a head of their own (phase 1)."""

    backbone: Backbone
    width: Width = 1.0
    weights: Weights = "none"  # where they start; the sound's from the mean of its three colours
    dropout: Dropout = 0.5  # before every classifier (official code)
    fc_features: CountOrNone = 512  # of the layer before phase 1's classifier (official code); 0: none
    partial_bn: bool = True  # phase 1 keeps all normalisations of a network but its first as they are (official code)
    shuffle_sound: bool = False  # in phase 1 a video's windows of sound come in any order (official code)


@dataclass(frozen=True, kw_only=True)
class Low(Section):
    """The network that sees the whole frame at low resolution."""

    low_size: Count = 112  # side in pixels that it is brought to (Sec. III-B)


@dataclass(frozen=True, kw_only=True)
class Attention(Section):
    """The attention that chooses crops and times."""

    attention_layer: Layer = "layer3.0"  # whose it is (Sec. IV-A)


@dataclass(frozen=True, kw_only=True)
class Regions(Section):
    """The spatial sampler S_k. The paper says connected regions, the k of highest sum, projected; the rest is the
    official code's."""

    regions: Annotated[int, Field(ge=0, le=100)] = 0  # k
    region_size: Count = 64  # side of a crop in pixels of the frame (Sec. III-B)
    look: Literal["learned", "uniform", "random", "central", "oracle"] = "learned"
    thresholds: Annotated[int, Field(ge=1, le=1000)] = 7  # from the map's mean - deviation to its mean + deviation
    largest_share: Share = 0.25  # of the map: a connected region as large or larger is none
    overlap: Share = 0.3  # of two boxes (intersection over union) above which the lesser is dropped
    slots: Slots = "trajectories"  # in which order a frame's crops are read


@dataclass(frozen=True, kw_only=True)
class Foresight(Section):
    """The hallucinator, which foresees the attention of the next frame seen, and how it learns."""

    memory_channels: Count = 32  # Sec. IV-A
    known_frames: Count = 5  # t_warm, Sec. IV-A: so many are fed as they were seen before the first that is foreseen
    forcing_decay: Share = 0.95  # of the share of later frames that are fed as they were seen, per epoch (Sec. IV-A)


@dataclass(frozen=True, kw_only=True)
class Times(Section):
    """The temporal sampler T_M, and what it learns from beside the classes."""

    skips: Annotated[int, Field(ge=0, le=100)] = 0  # M; 0: there is none, and every frame is seen in full
    # learned, sampled: the likeliest decision, or one drawn as likely as it is. What stands beside the learned sampler:
    # threshold: a frame is full where it's unlike enough to what was expected; the others: networks/known_ahead.py
    decide: Literal["learned", "sampled", "threshold", "periodic", "random", "oracle", "informative"] = "learned"
    full_share: Share = 0.5  # of the frames that are full: periodic, random, threshold
    draw: Annotated[int, Field(ge=0)] = 0  # which of the ways that may be drawn
    # what attention is compared with: what the hallucinator expected, attention of the frame looked at before, zeros
    expects: Literal["hallucinated", "copied", "nothing"] = "hallucinated"
    reads: Literal["all", "similarity"] = "all"  # the sampler: attention and what was expected, too, or how alike alone
    times_hidden: Count = 1024  # Sec. IV-A
    times_layers: Annotated[int, Field(ge=1, le=100)] = 2  # Sec. IV-A
    temperature: Annotated[float, Field(gt=0)] = 5.0  # of the Gumbel-softmax in the first epoch (official code)
    temperature_decay: NotNegative = 0.045  # it falls by exp(-this) with every epoch (official code)
    # code: pushed to equal use, beside an efficiency loss without a gradient (official code); paper: eq. 7
    efficiency: Literal["code", "paper"] = "code"
    efficiency_weight: NotNegative = 0.1  # theta_e (official code)
    usage_weight: NotNegative = 3.0  # of equal use (official code)


@dataclass(frozen=True, kw_only=True)
class Heads(Section):
    """The recurrent heads, and how they learn."""

    hidden_size: Count = 1024  # Sec. IV-A
    num_layers: Annotated[int, Field(ge=1, le=100)] = 2  # Sec. IV-A
    # of the heads' losses when they learn together: theta_h (official code)
    loss_weights: dict[str, NotNegative] = field(default_factory=lambda: {"global": 0.3, "local": 0.3, "all": 0.4})


@dataclass(frozen=True, kw_only=True)
class Clips(Section):
    """What is learned from on frozen networks."""

    # each video as it is seen at test time, whose features are computed once (small data)
    fixed_clips: bool = False


@dataclass(frozen=True, kw_only=True)
class Fusion(Section):
    """Which head answers: one of phase 1's, at full or at low resolution (`high`: SAN19-base, TBN; `low`), one
    recurrent head, or all three. `none`: the networks alone, as published weights have them; `foreseen`: the network at
    low resolution and the hallucinator, which answer nothing by themselves."""

    fusion: Literal["none", "foreseen", "high", "low", "global", "local", "all", "three"] = "three"


@dataclass(frozen=True, kw_only=True)
class Answer(Section):
    """What a finished model is asked beside its answer; no training asks."""

    shows: Literal["none", "every"] = "none"  # of some videos attention: of every block, and foreseen
    online: bool = False  # a temporal sampler watches frame by frame, as a camera does; the same answer


@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Networks, Low, Attention, Regions, Foresight, Times, Heads, Clips, Fusion, Answer):
    def __post_init__(self) -> None:
        super().__post_init__()
        need_pictures(self)
        if self.num_crops > 1 or self.num_clips > 1:
            raise ValueError("this method looks at one view: set num_crops and num_clips to 1")
        if "audio" in self.modalities and self.sound != "windows":
            raise ValueError(f"sound is {self.sound}: this method hears a window around each frame; set sound: windows")
        if self.crop and self.low_size > self.crop and self.fusion != "high":
            raise ValueError(f"low_size is {self.low_size}, larger than the crop of {self.crop} that it is made from")
        if self.crop and self.regions and self.region_size > self.crop:
            raise ValueError(f"region_size is {self.region_size}, larger than the crop of {self.crop} it is cut from")
        if self.look == "oracle" and (self.crop or self.resize):
            raise ValueError("the look `oracle` knows boxes in pixels of the whole frame; set resize and crop to 0")
        self._check_times()
        self._check_heads()
        self._check_online()

    def _check_times(self) -> None:
        if self.scans and self.num_frames == 1:
            raise ValueError(f"skips is {self.skips}, and num_frames 1: nothing is left to decide; set num_frames to 2")
        if self.decide == "threshold" and self.skips != 1:
            raise ValueError(f"decide is threshold, which skips no frame, but skips is {self.skips}: set it to 1")

    def _check_heads(self) -> None:
        if any("regions" in READS[head] for head in self.recurrent_heads) and not self.regions:
            raise ValueError(f"fusion is {self.fusion}, whose heads read crops, but regions is 0: give their number")
        if self.recurrent_heads and self.backbone == "bninception":
            raise ValueError("bninception has no attention: it goes with fusion: high")
        if self.recurrent_heads and "flow" in self.modalities:
            raise ValueError("flow goes with fusion: high; the recurrent heads read pictures and sound")

    def _check_online(self) -> None:
        if self.online and self.regions and self.look != "learned":
            raise ValueError(f"the look is {self.look}: online the crops are where attention is; set look: learned")

    @property
    def decides(self) -> bool:
        """Whether frames are chosen, by a temporal sampler or by what stands in its place."""
        return (self.skips > 0 or self.decide in KNOWN_AHEAD) and bool(self.recurrent_heads)

    @property
    def scans(self) -> bool:
        """Whether its decisions come from what was pre-scanned."""
        return self.decides and self.decide not in KNOWN_AHEAD

    @property
    def waits(self) -> bool:
        """Whether it takes the temporal sampler's way to know in which slots crops are."""
        along = self.slots != "activation" and self.look in ("learned", "uniform")
        return self.decides and self.regions > 1 and along

    @property
    def foresees(self) -> bool:
        return self.fusion == "foreseen" or (self.scans and self.expects == "hallucinated")

    @property
    def map_side(self) -> int:
        """Of the attention map that is read, in cells."""
        stage = int(self.attention_layer.removeprefix("layer").partition(".")[0])
        return self.low_size >> (stage + 1)  # each stage halves it

    @property
    def recurrent_heads(self) -> tuple[str, ...]:
        if self.fusion == "three":
            return tuple(READS)
        return (self.fusion,) if self.fusion in READS else ()
