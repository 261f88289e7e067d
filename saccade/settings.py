"""The settings that every method shares, by sections: what a clip is (`Input`), how a supervised phase is trained
(`Recipe`), how numbers are computed (`Compute`), how a run uses the machine (`Machine`).

A method's `Settings` inherits `Shared` and sections of its own; the fields are the keys that its card may set, and a
field without a default must be set there. A phase's `reads` names sections, `Recipe` as `recipe`. No torch here: a dry
run reads these classes.

A setting at its published default decides nothing: what re-runs a job is made of the other settings only, so that a new
one costs no training. Therefore **a published default never changes**, here or in a method's or a dataset's settings:
runs would pass for what they aren't. Say the new value in the cards. `tests/published_defaults.yml` holds the defaults.
"""

import dataclasses
import inspect
import re
from dataclasses import dataclass, field
from typing import Literal

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]


class Section:
    """What all sections have in common: each checks its own values, then asks the next (`super().__post_init__()`)."""

    def __post_init__(self) -> None:
        """The last one asked."""


@dataclass(frozen=True, kw_only=True)
class Input(Section):
    """What one clip holds. Frame indices are pure functions of a video's frame count (by time also of when its frames
    are shown) and, in training, of a seeded draw."""

    # the label spaces learned, by the dataset card's names; none named: all it has
    heads: list[str] = field(default_factory=list)
    modalities: list[Literal["rgb", "audio"]] = field(default_factory=lambda: ["rgb"])
    sampler: Literal["segments", "consecutive", "first", "random", "oracle"] = "segments"
    # what the sampler counts: frames, or the ticks of a clock that ticks as evenly as the video's frames do on average
    sample_by: Literal["frame", "time"] = "frame"
    num_frames: int  # T
    # a second choice of so many frames, cropped alike, for a network that glances: `glance.rgb`; 0: none
    glance_frames: int = 0
    stride: int = 1  # frames between neighbours of a `consecutive` or `first` clip
    num_clips: int = 1  # temporal views of a `consecutive` clip at test time
    num_crops: int = 1  # spatial views at test time: 1 centre, 3 along the longer side
    resize: int  # short side in pixels after resizing; 0 keeps the native size
    resize_to: int = 0  # in training the short side is drawn from `resize` to this, both included; 0 draws nothing
    crop: int  # side of the square crop in pixels; 0 keeps the whole frame
    train_crop: Literal["centre", "random", "multiscale", "random-resized"] = "random"
    flip: bool = False  # horizontal flips in training; never where left and right are classes
    mean: list[float] = field(default_factory=lambda: list(IMAGENET_MEAN))
    std: list[float] = field(default_factory=lambda: list(IMAGENET_STD))
    sample_rate_hz: int = 16000  # of the sound, where `audio` is a modality
    n_fft: int = 512
    hop_length: int = 160
    num_mels: int = 64
    # columns of the ground truth per frame that a clip brings along, for oracles
    truth: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        at_least(self, 1, "num_frames", "stride", "num_clips", "num_crops")
        at_least(self, 0, "glance_frames", "resize", "crop")
        if self.resize_to and not 0 < self.resize <= self.resize_to:
            raise ValueError(
                f"resize_to is {self.resize_to}, but resize {self.resize}: give the smallest short side in `resize`"
            )
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Recipe(Section):
    """How a supervised phase is trained."""

    epochs: int
    batch_size: int
    optimizer: Literal["sgd", "adam"] = "sgd"
    lr: float
    # of parameters by name (globs, the first that fits), where not 1
    lr_factors: dict[str, float] = field(default_factory=dict)
    momentum: float = 0.9
    nesterov: bool = False  # of `sgd`
    weight_decay: float = 0.0
    undecayed: list[str] = field(default_factory=list)  # parameters by name (globs) that weight decay spares
    schedule: Literal["constant", "step", "cosine"] = "cosine"
    milestones: list[int] = field(default_factory=list)  # epochs after which `step` multiplies the rate by gamma
    gamma: float = 0.1
    warmup_epochs: float = 0.0  # linear, from 0
    head_weights: dict[str, float] = field(default_factory=dict)  # of the heads' losses, where not 1
    clip_norm: float = 0.0  # largest gradient norm; 0 means no clipping
    amp: Literal["off", "bf16", "fp16"] = "off"
    selection: Literal["last", "best"] = "last"  # which epoch's weights are kept; `best` by mean top-1 on val

    def __post_init__(self) -> None:
        at_least(self, 1, "epochs", "batch_size")
        at_least(self, 0, "lr", "momentum", "weight_decay", "warmup_epochs", "clip_norm")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Compute(Section):
    """Where numbers are computed and how many at once: sums are rounded otherwise elsewhere."""

    eval_batch_size: int = 16  # of whatever isn't training: val, calibration, prediction
    device: Literal["auto", "cpu"] = "auto"  # auto: a GPU where there is one
    threads: int = 1  # of the process, so that results don't depend on the machine

    def __post_init__(self) -> None:
        at_least(self, 1, "eval_batch_size", "threads")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Machine(Section):
    """How a run uses the machine: settings that change no result. Changing them re-runs nothing; any phase may read
    them."""

    workers: int = 0  # extra processes that decode
    cache_mb: int = 0  # of decoded videos that a training keeps in memory, for small data; not together with `workers`
    timing_batch_size: int = 16  # the large batch of `measure`; 1 is always timed too
    checkpoint_minutes: float = 10.0  # how often a training saves its state within an epoch; it does at the end of each

    def __post_init__(self) -> None:
        at_least(self, 1, "timing_batch_size")
        at_least(self, 0, "workers", "cache_mb", "checkpoint_minutes")
        if self.cache_mb and self.workers:
            raise ValueError(
                "cache_mb and workers don't go together: workers start anew each epoch and would keep nothing"
            )
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Shared(Input, Recipe, Compute, Machine):
    """What a method's `Settings` starts from."""


def sections(settings: type) -> dict[str, tuple[str, ...]]:
    """{section: its settings} of a `Settings`, without `machine`, which decides no result.

    A section is a class that `settings` is made of, in snake case: `local_network` for `LocalNetwork`. Fields that
    `Settings` has by itself are the section `settings`.
    """
    names = [item.name for item in dataclasses.fields(settings)]
    found: dict[str, tuple[str, ...]] = {}
    placed: set[str] = set()
    for part in reversed(settings.__mro__):
        own = tuple(name for name in names if name in inspect.get_annotations(part) and name not in placed)
        placed.update(own)
        if own and part is not Machine:
            label = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", part.__name__).lower()
            found[label] = (*found.get(label, ()), *own)
    return found


def at_least(settings: object, least: int, *keys: str) -> None:
    """Raises ValueError, which the plan turns into a message, where one of the settings is smaller."""
    for key in keys:
        if getattr(settings, key) < least:
            raise ValueError(f"{key} is {getattr(settings, key)}, but must be at least {least}")
