"""The settings of VideoEpitoma: what a card may say beside the shared ones. No code was published, so most are choices
that the paper leaves open; the card says where its value comes from."""

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
    Weights,
    Width,
    need_pictures,
)

# What becomes of a timestep's gating value in training. clipped: its sigmoid where that is a half or more, else 0
# (Sec. 3); binary: 1 there, with the sigmoid's gradient (Bejnordi et al.); sigmoid: never 0; relu: the value
# itself where it is above 0, without an upper bound
Activation = Literal["clipped", "binary", "sigmoid", "relu"]
# Which timesteps the HeavyNet sees. selector: the best of a pool; threshold: those of the pool whose gate is open;
# first: the first of equal parts of the video (the authors' uniform rule); centre: the middle of each; equal: as many
# by the rule `centre` as cost what the selector and its choice would; random: any; truth: those that hold evidence
Choice = Literal["selector", "threshold", "first", "centre", "equal", "random", "truth"]
SELECTING = ("selector", "threshold")  # which run the LightNet


@dataclass(frozen=True, kw_only=True)
class Light(Section):
    """The LightNet, which sees one frame of each timestep."""

    light: Literal["mobilenet_v3_small", "mobilenet_v3_large", "conv4"] = "mobilenet_v3_small"  # conv4: for small data
    light_width: Width = 1.0
    light_weights: Weights = "none"  # where its fine-tuning starts
    light_resize: CountOrNone = 0  # short side of the frames that it sees; 0: as the settings' resize and crop
    light_crop: CountOrNone = 0


@dataclass(frozen=True, kw_only=True)
class Heavy(Section):
    """The HeavyNet, which sees the snippets of the timesteps chosen."""

    heavy: Literal["i3d", "shufflenet3d", "resnet"] = "i3d"
    heavy_size: Literal["published", "tiny"] = "published"  # tiny: a few blocks of few channels, for embedded data
    heavy_width: Width = 1.0  # of ShuffleNet3D the paper doesn't say it
    shuffle_groups: Annotated[int, Field(ge=1, le=8)] = 3  # 1, 2, 3, 4 or 8
    heavy_weights: Weights = "none"  # of `resnet` alone: where its fine-tuning starts


@dataclass(frozen=True, kw_only=True)
class Timesteps(Section):
    """The places of a video that may be chosen."""

    timesteps: Count = 256  # in the grid, spread evenly over the video
    timestep_frames: Count = 8  # m, of each: 3D networks see all of them, 2D networks the one in the middle
    cached_timesteps: Count = 128  # of them, spread evenly: those that training knows


@dataclass(frozen=True, kw_only=True)
class Selector(Section):
    """The timestep selector (Sec. 3, Fig. 2)."""

    context: bool = True  # a layer of self-attention before the gate; false: conditioned on the frame alone (Sec. 4.4)
    concepts: Count = 128  # N
    gate_hidden: Count = 64
    gate_bias: float = 1.0  # where the gating value starts: open, as a closed gate has no gradient
    activation: Activation = "clipped"
    temperature: Positive = 1.0  # that the gating value and its noise are divided by
    noise: bool = True


@dataclass(frozen=True, kw_only=True)
class Sparsity(Section):
    """The expected L0 of the gates, beside the classification loss."""

    l0_weight: NotNegative = 0.2
    l0_warmup_epochs: NotNegative = 10.0  # without the term, as in Bejnordi et al.
    l0_target: Share = 0.0  # the share of open timesteps at which it stops pressing; 0: never


@dataclass(frozen=True, kw_only=True)
class Classifier(Section):
    """Self-attention over timesteps and a perceptron of two layers."""

    hidden: Count = 512
    pooling: Literal["max", "mean"] = "max"  # over the timesteps, after self-attention


@dataclass(frozen=True, kw_only=True)
class Dropped(Section):
    """What training leaves out before every classifier, those of fine-tuning included."""

    dropout: Dropout = 0.5


@dataclass(frozen=True, kw_only=True)
class Drawn(Section):
    """How many timesteps training draws from those it knows, per video."""

    train_timesteps: Count = 32
    # `train_classifier` takes from this many to `train_timesteps`, evenly by logarithm; 0: always the latter
    train_fewest: CountOrNone = 0
    train_rule: Literal["random", "centre"] = "random"  # centre: the same ones every time


@dataclass(frozen=True, kw_only=True)
class Answer(Section):
    """What a finished model is asked; no training asks."""

    choose: Choice = "selector"
    selected: Count = 8  # T'
    pool: CountOrNone = 0  # timesteps that the selector looks at; 0: twice `selected`
    wide: bool = False  # the selector looks at the whole grid
    draw: CountOrNone = 0  # which drawing of `random`


@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Light, Heavy, Timesteps, Selector, Sparsity, Classifier, Dropped, Drawn, Answer):
    def __post_init__(self) -> None:
        super().__post_init__()
        need_pictures(self)
        for name in ("cached_timesteps", "selected", "pool"):
            if getattr(self, name) > self.timesteps:
                raise ValueError(f"{name} is {getattr(self, name)}, more than the grid's timesteps, {self.timesteps}")
        if self.train_timesteps > self.cached_timesteps:
            raise ValueError(
                f"train_timesteps is {self.train_timesteps}, but training knows {self.cached_timesteps} "
                "(cached_timesteps)"
            )
        if self.train_fewest > self.train_timesteps:
            raise ValueError(f"train_fewest is {self.train_fewest}, above train_timesteps, {self.train_timesteps}")
        if self.shuffle_groups not in (1, 2, 3, 4, 8):
            raise ValueError(f"shuffle_groups is {self.shuffle_groups}; ShuffleNet has 1, 2, 3, 4 or 8")
        if self.train_fewest and self.train_rule != "random":
            raise ValueError(f"train_fewest is {self.train_fewest}, but train_rule {self.train_rule} draws nothing")
        if self.heavy_weights != "none" and self.heavy != "resnet":
            raise ValueError(f"heavy_weights is {self.heavy_weights}, which {self.heavy} has none of; set it to none")
        if self.l0_weight and self.activation == "sigmoid":
            raise ValueError("activation is sigmoid, whose gates never close: set l0_weight to 0")
        if self.choose == "selector" and 0 < self.pool < self.selected:
            raise ValueError(f"pool is {self.pool}: {self.selected} timesteps can't be selected of it")
        if self.choose == "threshold" and not self.pool:
            raise ValueError("choose is threshold and pool 0: say of how many timesteps it chooses")
        if self.choose == "truth" and "informative" not in self.truth:
            raise ValueError("choose is truth: name `informative` in the setting truth")

    @property
    def heavy_frames(self) -> int:
        """How many frames of a timestep the HeavyNet sees."""
        return 1 if self.heavy == "resnet" else self.timestep_frames

    @property
    def looked_at(self) -> int:
        """P: timesteps that the LightNet sees, where it runs."""
        return self.timesteps if self.wide else min(self.pool or 2 * self.selected, self.timesteps)
