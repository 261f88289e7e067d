"""The settings every method shares: what a clip is (`Input`) and how a supervised phase is trained (`Recipe`).

A method's own `settings.py` extends both with its own fields; the fields are the keys its card may set, and a
field without a default must be set there. No torch here: a dry run reads these classes.
"""

from dataclasses import dataclass, field
from typing import Literal

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]
# they change no result, so changing them re-runs nothing
FREE = ("workers", "checkpoint_minutes", "timing_batch_size", "cache_mb")


@dataclass(frozen=True, kw_only=True)
class Input:
    """What one clip holds. Frame indices are pure functions of a video's frame count and, in training, of a seeded
    draw."""

    # the label spaces learned, by the dataset card's names; none named: all it has
    heads: list[str] = field(default_factory=list)
    modalities: list[Literal["rgb", "audio"]] = field(default_factory=lambda: ["rgb"])
    sampler: Literal["segments", "consecutive", "first", "random", "oracle"] = "segments"
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
    cache_mb: int = 0  # of decoded videos that a training keeps in memory, for small data; not together with `workers`

    def __post_init__(self) -> None:
        at_least(self, 1, "num_frames", "stride", "num_clips", "num_crops")
        at_least(self, 0, "glance_frames", "resize", "crop", "cache_mb")
        if self.resize_to and not 0 < self.resize <= self.resize_to:
            raise ValueError(
                f"resize_to is {self.resize_to}, but resize {self.resize}: give the smallest short side in `resize`"
            )
        if self.cache_mb and getattr(self, "workers", 0):
            raise ValueError(
                "cache_mb and workers don't go together: workers start anew each epoch and would keep nothing"
            )
        parent = super()
        if hasattr(parent, "__post_init__"):  # a method's Settings is both an Input and a Recipe
            parent.__post_init__()


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a supervised phase is trained, and how a run uses the machine."""

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
    clip_norm: float = 0.0  # largest gradient norm; 0 means no clipping
    amp: Literal["off", "bf16", "fp16"] = "off"
    selection: Literal["last", "best"] = "last"  # which epoch's weights are kept; `best` by mean top-1 on val
    eval_batch_size: int = 16
    device: Literal["auto", "cpu"] = "auto"  # auto: a GPU where there is one
    threads: int = 1  # of the process, so that results don't depend on the machine
    workers: int = 0  # extra processes that decode
    timing_batch_size: int = 16  # the large batch of `measure`; 1 is always timed too
    checkpoint_minutes: float = 10.0  # how often a training saves its state within an epoch; it does at the end of each

    def __post_init__(self) -> None:
        at_least(self, 1, "epochs", "batch_size", "eval_batch_size", "threads", "timing_batch_size")
        at_least(
            self, 0, "lr", "momentum", "weight_decay", "warmup_epochs", "clip_norm", "workers", "checkpoint_minutes"
        )


def at_least(settings: object, least: int, *keys: str) -> None:
    """Raises ValueError, which the plan turns into a message, where one of the settings is smaller."""
    for key in keys:
        if getattr(settings, key) < least:
            raise ValueError(f"{key} is {getattr(settings, key)}, but must be at least {least}")
