"""The settings that every method shares, by sections: what a clip is (`Input`), how a supervised phase is trained
(`Recipe`), how numbers are computed (`Compute`), how a run uses the machine (`Machine`).

A method's `Settings` inherits `Shared` and sections of its own; the fields are the keys that its card may set, and a
field without a default must be set there. What a field may hold stands in its type: `Count` is a whole number from 1
up, `Share` a number between 0 and 1. Values out of bounds are refused where the card is read, those that don't go
together (`__post_init__`) where a run is planned. A phase's `reads` names sections, `Recipe` as `recipe`. No torch
here: a dry run reads these classes.

A setting at its published default decides nothing: what re-runs a job is made of the other settings only, so that a new
one costs no training. Therefore **a published default never changes**, here or in a method's or a dataset's settings:
runs would pass for what they aren't. Say the new value in the cards. `tests/published_defaults.yml` holds the defaults.
"""

import typing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

MOST_PROCESSES = 1024  # or threads
LARGEST = 10**7  # of whole numbers: whatever they count, a computer can't hold more
Count = Annotated[int, Field(ge=1, le=LARGEST)]
CountOrNone = Annotated[int, Field(ge=0, le=LARGEST)]  # 0 stands for none, or for all: the field says which
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Width = Annotated[float, Field(gt=0, le=64)]  # scales a network's channels; 1 is the published network
Share = Annotated[float, Field(ge=0, le=1)]
Deviation = Annotated[float, Field(gt=0, le=10)]  # of colours in [0, 1]; one in [0, 255] would be larger
Dropout = Annotated[float, Field(ge=0, lt=1)]  # the share of features that training leaves out; never all of them


def _of_crops(value: int) -> int:
    if value not in (1, 3):
        raise ValueError(f"{value} must be 1 (centre) or 3 (along the longer side)")
    return value


Crops = Annotated[int, AfterValidator(_of_crops)]


def _of_weights(value: str) -> str:
    if value not in ("none", "imagenet") and Path(value).suffix not in WEIGHT_FILES:
        raise ValueError(
            f"'{value}' must be none, imagenet (torchvision's), or the path of a {' or '.join(WEIGHT_FILES)} file"
        )
    return value


WEIGHT_FILES = (".safetensors", ".pth", ".pt")
Weights = Annotated[str, AfterValidator(_of_weights)]  # where a network starts

Modality = Literal["rgb", "audio", "flow"]  # pictures, sound, optical flow as it was stored before
FLOW_CHANNELS = 10  # of a clip's `flow`: across and down of five frames that follow each other (TBN)

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]


class Section:
    """What all sections have in common: each checks what its settings say together, then asks the next
    (`super().__post_init__()`)."""

    def __post_init__(self) -> None:
        """Raises ValueError, which the plan turns into a message, where a value isn't what its field's type says."""
        bounds = _bounds(type(self))  # type: ignore[arg-type]  # whose hash mypy takes for that of an object
        try:
            bounds.model_validate(vars(self))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))} is {first['input']!r}: {first['msg']}") from None


@cache
def _bounds(settings: type) -> type[BaseModel]:
    fields = {name: (kind, ...) for name, kind in typing.get_type_hints(settings, include_extras=True).items()}
    made: type[BaseModel] = create_model(  # type: ignore[call-overload]
        "Bounds", __config__=ConfigDict(strict=True, allow_inf_nan=False, protected_namespaces=()), **fields
    )
    return made


@dataclass(frozen=True, kw_only=True)
class Input(Section):
    """What one clip holds. Frame indices are pure functions of a video's frame count (by time also of when its frames
    are shown) and, in training, of a seeded draw."""

    # the label spaces learned, by the dataset card's names; none named: all it has
    heads: list[str] = field(default_factory=list)
    modalities: Annotated[list[Modality], Field(min_length=1)] = field(default_factory=lambda: ["rgb"])
    sampler: Literal["segments", "consecutive", "first", "random", "oracle"] = "segments"
    # what the sampler counts: frames, or the ticks of a clock that ticks as evenly as the video's frames do on average
    sample_by: Literal["frame", "time"] = "frame"
    num_frames: Count  # T
    # m: how many successive frames (or ticks) stand at each place that the sampler takes: places are chosen among the
    # first frames - m + 1, and a clip has T * m frames; a video shorter than m repeats its last one
    snippet_frames: Count = 1
    # the clip holds no pictures but `frames`, which a method asks for frames by their numbers; no sampler chooses then
    on_demand: bool = False
    # which frame of each part `segments` takes. equal: its middle, in whole numbers (ours); tsn: int(tick / 2 + tick *
    # i) with tick = frames / T, in training i * (frames // T) and a drawn offset below frames // T (codes of TSN, TSM,
    # AdaFocus); pyslowfast: halfway between the rounded edges of parts of (frames - 1) / T, in training drawn between
    # them, both included (its loader of Something-Something)
    segments: Literal["equal", "tsn", "pyslowfast"] = "equal"
    # what `segments` does with fewer frames than parts. spread: repeats evenly, by the rule above (ours; TSM's test
    # script); last: every frame, then the last one again (AdaFocus's code); first: only the first, at test time also
    # where there are as many frames as parts (TSM's code in training and on val; AdaFocus's on Something-Something)
    short_videos: Literal["spread", "last", "first"] = "spread"
    # a second choice of so many frames, cropped alike, for a network that glances: `glance.rgb`; 0: none
    glance_frames: CountOrNone = 0
    stride: Count = 1  # frames between neighbours of a `consecutive` or `first` clip
    num_clips: Count = 1  # temporal views of a `consecutive` clip at test time
    # where those begin, and which frames they hold. spread: from the first frame to the last, exactly `stride` apart
    # (ours); pyslowfast: number i at i / num_clips of the room, spaced as at 30 frames a second (its PyAV decoder);
    # pytorchvideo: the same by time, spread over what frames there are (its release 0.1.5); sgs: of every `stride`-th
    # frame, number i at i / (num_clips * num_crops) of the room (ATFR's loader of frames)
    clips: Literal["spread", "pyslowfast", "pytorchvideo", "sgs"] = "spread"
    num_crops: Crops = 1  # spatial views at test time: 1 centre, 3 along the longer side
    resize: CountOrNone  # short side in pixels after resizing; 0 keeps the native size
    # in training the short side is drawn from `resize` to this, both included; 0 draws nothing
    resize_to: CountOrNone = 0
    # how decoded pictures become RGB. exact: to within rounding (ours); pyav: by PyAV's own `to_rgb`, which repeats
    # colours in squares and is off by some levels nearly everywhere (PySlowFast, pytorchvideo, ATFR's loader of videos)
    colours: Literal["exact", "pyav"] = "exact"
    # torchvision: bilinear with antialiasing, on bytes; pillow: the same by Pillow, which is off by 1 of 255 at some
    # pixels (codes of TSN, TSM, AdaFocus); pyslowfast: bilinear without antialiasing, on floats (PySlowFast,
    # pytorchvideo, ATFR)
    resampling: Literal["torchvision", "pillow", "pyslowfast"] = "torchvision"
    crop: CountOrNone  # side of the square crop in pixels; 0 keeps the whole frame
    # where a crop in the middle begins if the room is odd: half_even as torchvision, ceiling as PySlowFast
    crop_rounding: Literal["floor", "half_even", "ceiling"] = "floor"
    # `tsn`: `multiscale` as in the code of TSN, to the pixel
    train_crop: Literal["centre", "random", "multiscale", "tsn", "random-resized"] = "random"
    flip: bool = False  # horizontal flips in training; never where left and right are classes
    # of the colours' order in `rgb`; bgr: as Caffe's networks were given them
    channel_order: Literal["rgb", "bgr"] = "rgb"
    # of the colours in [0, 1], in that order. Caffe's pixels (0 to 255, less a mean of M): mean M / 255, std 1 / 255
    mean: Annotated[list[Share], Field(min_length=3, max_length=3)] = field(default_factory=lambda: list(IMAGENET_MEAN))
    std: Annotated[list[Deviation], Field(min_length=3, max_length=3)] = field(
        default_factory=lambda: list(IMAGENET_STD)
    )
    # what `audio` holds. track: one log-mel spectrogram of the whole track; windows: a log-power spectrogram of
    # `window_s` seconds around each chosen frame, as TBN hears
    sound: Literal["track", "windows"] = "track"
    window_s: Positive = 1.278  # TBN
    sample_rate_hz: Count = 16000
    n_fft: Count = 512
    win_length: CountOrNone = 0  # samples of the transform's window; 0: n_fft
    hop_length: Count = 160
    num_mels: Count = 64  # of a `track`
    # columns of the ground truth per frame that a clip brings along, for oracles
    truth: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.resize_to and not 0 < self.resize <= self.resize_to:
            raise ValueError(
                f"resize_to is {self.resize_to}, but resize {self.resize}: give the smallest short side in `resize`"
            )
        if self.win_length > self.n_fft:
            raise ValueError(
                f"win_length is {self.win_length}, but n_fft {self.n_fft}: a window must fit into its transform"
            )
        if self.snippet_frames > 1 and not self.on_demand and self.sampler in ("consecutive", "first"):
            raise ValueError(
                f"snippet_frames is {self.snippet_frames}, but the frames of the sampler '{self.sampler}' follow one "
                "another as they are: set it to 1, or take the sampler segments, random or oracle"
            )
        if self.on_demand and (why := _why_not_on_demand(self)):
            raise ValueError(f"on_demand is true, but {why}")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Recipe(Section):
    """How a supervised phase is trained."""

    epochs: Count
    batch_size: Count
    optimizer: Literal["sgd", "adam"] = "sgd"
    lr: NotNegative
    # of parameters by name (globs, the first that fits), where not 1
    lr_factors: dict[str, NotNegative] = field(default_factory=dict)
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False  # of `sgd`
    adam_epsilon: Positive = 1.0e-8  # of `adam`
    weight_decay: NotNegative = 0.0
    undecayed: list[str] = field(default_factory=list)  # parameters by name (globs) that weight decay spares
    decay_vectors: bool = True  # false: it spares all of one dimension, biases and the scales of normalisation
    schedule: Literal["constant", "step", "cosine"] = "cosine"
    milestones: list[Count] = field(default_factory=list)  # epochs after which `step` multiplies the rate by gamma
    gamma: Positive = 0.1
    warmup_epochs: NotNegative = 0.0  # linear, from `warmup_from` to where the schedule then is
    warmup_from: NotNegative = 0.0  # a rate, not a share of it
    # where `cosine` begins to fall: where the warm-up ends, or at the start, so that the warm-up ends below the rate
    cosine_from: Literal["warmup", "start"] = "warmup"
    lr_end: NotNegative = 0.0  # where `cosine` ends
    lr_every: Literal["batch", "epoch"] = "batch"  # when the rate is set anew; within an epoch it may stay
    drop_last: bool = False  # an epoch's last batch is left out where it isn't full
    head_weights: dict[str, NotNegative] = field(default_factory=dict)  # of the heads' losses, where not 1
    clip_norm: NotNegative = 0.0  # largest gradient norm; 0 means no clipping
    amp: Literal["off", "bf16", "fp16"] = "off"
    selection: Literal["last", "best"] = "last"  # which epoch's weights are kept; `best` by mean top-1 on val

    def __post_init__(self) -> None:
        if self.nesterov and self.optimizer == "sgd" and not self.momentum:
            raise ValueError("nesterov is true, but momentum 0: Nesterov's step needs a momentum")
        if self.lr_end > self.lr:
            raise ValueError(f"lr_end is {self.lr_end}, above lr, {self.lr}, from which cosine falls")
        if self.lr_every == "epoch" and self.warmup_epochs and not self.warmup_from:
            raise ValueError(
                f"lr_every is epoch, warmup_epochs {self.warmup_epochs} and warmup_from 0: the whole first epoch would "
                "have a rate of 0; give warmup_from, or set lr_every to batch"
            )
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Compute(Section):
    """Where numbers are computed and how many at once: sums are rounded otherwise elsewhere."""

    eval_batch_size: Count = 16  # of whatever isn't training: val, calibration, prediction
    device: Literal["auto", "cpu"] = "auto"  # auto: a GPU where there is one
    # of the process, so that results don't depend on the machine
    threads: Annotated[int, Field(ge=1, le=MOST_PROCESSES)] = 1


@dataclass(frozen=True, kw_only=True)
class Machine(Section):
    """How a run uses the machine: settings that change no result. Changing them re-runs nothing; any phase may read
    them."""

    workers: Annotated[int, Field(ge=0, le=MOST_PROCESSES)] = 0  # extra processes that decode
    # of decoded videos and sound that a training keeps in memory, for small data; not together with `workers`
    cache_mb: CountOrNone = 0
    timing_batch_size: Count = 16  # the large batch of `measure`; 1 is always timed too
    # how often a training saves its state within an epoch; it does at the end of each
    checkpoint_minutes: NotNegative = 10.0
    # the most that a phase's features of all training and validation videos may take on the disk
    features_mb: Count = 20000

    def __post_init__(self) -> None:
        if self.cache_mb and self.workers:
            raise ValueError(
                "cache_mb and workers don't go together: workers start anew each epoch and would keep nothing"
            )
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Shared(Input, Recipe, Compute, Machine):
    """What a method's `Settings` starts from."""

    def __post_init__(self) -> None:
        if self.amp == "fp16" and self.device == "cpu":
            raise ValueError("amp is fp16, but device cpu: fp16 needs a GPU; set amp to bf16 or off")
        super().__post_init__()


def why_no_views(settings: Input) -> str | None:
    """Why no video has the views that these settings ask for at test time; None where it may have them. It isn't asked
    of settings that only describe a network."""
    if settings.num_clips != 1 and settings.sampler != "consecutive":
        return (
            f"num_clips is {settings.num_clips}, but the sampler '{settings.sampler}' has one temporal view; set it to "
            "1"
        )
    if settings.num_crops != 1 and not settings.crop:
        return f"num_crops is {settings.num_crops}, but crop 0 keeps the whole frame; set `crop`, or num_crops to 1"
    if 0 < settings.resize < settings.crop:
        return f"crop is {settings.crop}, but resize only {settings.resize}; a crop must fit into the short side"
    return None


def _why_not_on_demand(settings: Input) -> str | None:
    if "rgb" not in settings.modalities:
        return f"modalities is {settings.modalities}: there are no pictures to ask for; add rgb"
    if settings.num_clips * settings.num_crops != 1:
        return f"there are {settings.num_clips} clips of {settings.num_crops} crops: set num_clips and num_crops to 1"
    if settings.glance_frames:
        return f"glance_frames is {settings.glance_frames}: the method asks for what it glances at; set it to 0"
    if "audio" in settings.modalities and settings.sound == "windows":
        return "sound is windows, which lie around frames that a sampler chose: set it to track, or leave audio out"
    return None


def need_pictures(settings: Input) -> None:
    """Raises ValueError where a clip would hold no pictures: for methods that look at them."""
    if "rgb" not in settings.modalities:
        raise ValueError(f"modalities is {settings.modalities}, but this method looks at pictures: add rgb")
