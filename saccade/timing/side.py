"""One of the two that the clock compares: a point's model in a runtime, and its videos. What it computes is held
against the plain model before a time is believed."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from saccade.engine.device import to_device
from saccade.engine.inference import check_macs, finished_model
from saccade.engine.ties import is_tie
from saccade.project import load_module
from saccade.records import EAGER, EXACT, EXPORTED, Prediction, SaccadeError, Task
from saccade.timing import optimise, runtimes, turns
from saccade.video import decode
from saccade.video.batches import collate
from saccade.video.in_memory import KeptFrames
from saccade.video.index import read_index
from saccade.video.loader import VideoDataset

CLOSE = 1e-4  # how far probabilities of an exact runtime may be from plain ones, where the decisions are the same
FIRST = 4  # videos that a prediction is checked on before it is believed
PLAIN_MEMORY = ("onnxruntime", "openvino")  # their parts take tensors in plain layout


@dataclass(frozen=True)
class Pair:
    """A point and its counterpart. Each is the only one of its task's `points`. `values`: the settings of both, as
    JSON."""

    own: Task
    against: Task
    code: str
    values: dict[str, Any]

    @property
    def point(self) -> str:
        return next(iter(self.own.points))


@dataclass
class Side:
    """A point's model on `device`, optimised and in `runtime`, and how a video of its dataset becomes a clip. Raises
    SaccadeError where the runtime can't take the model."""

    task: Task
    device: torch.device
    runtime: str
    settings: Any = field(init=False)
    model: nn.Module = field(init=False)
    dataset: VideoDataset = field(init=False)
    predict: Callable[..., Prediction] = field(init=False)
    folded: int = field(init=False)

    def __post_init__(self) -> None:
        self.settings = next(iter(self.task.points.values()))
        index, truth = read_index(self.task.root / self.task.prepared, self.task.root, self.task.heads)
        data = index, self.task.root, self.task.heads, self.settings
        self.dataset = VideoDataset(*data, "test", train=False, seed=self.task.seed, truth=truth)
        self.predict = load_module(self.task.root / self.task.method / "model.py").predict
        self.model = finished_model(self.task, self.device)
        self.folded = optimise.optimise(self.model, packed=self.runtime == EAGER)
        kept = self.task.folder / EXPORTED
        runtimes.use(self.model, self.runtime, lambda: self.run(self.load([0])), self.task.code, kept)

    def load(self, numbers: Sequence[int], keep: bool = False) -> list[dict[str, Any]]:
        """The videos' clips on the device, one batch per view. A clip on demand decodes when the model is run; with
        `keep` only in its first run."""
        lay_out = to_device if self.runtime in PLAIN_MEMORY else optimise.lay_out
        views = (self.dataset.at_view(view) for view in range(self.dataset.num_views))
        clips = [lay_out(collate([view[number] for number in numbers]), self.device) for view in views]
        for clip in clips if keep and self.settings.on_demand else ():
            clip["frames"] = [KeptFrames(frames) for frames in clip["frames"]]
        return clips

    def run(self, clips: Sequence[dict[str, Any]]) -> list[Prediction]:
        return [self.answer(self.model, clip) for clip in clips]

    def answer(self, model: nn.Module, clip: dict[str, Any]) -> Prediction:
        """What the method says of one clip, by this runtime where the model is the side's own."""
        with runtimes.running(self.runtime, self.device) if model is self.model else contextlib.nullcontext():
            return optimise.infer(self.predict, model, clip, self.settings)


def checked(task: Task, device: torch.device, runtime: str) -> tuple[nn.Module, Callable[..., Prediction]]:
    """The model of the task's one point in the runtime, and what predicts with it in the place of the method's
    `predict`. Raises SaccadeError where its answers to the first few test videos aren't the plain model's."""
    side = Side(task, device, runtime)
    check(side, range(min(FIRST, len(side.dataset))))
    return side.model, lambda model, clip, settings: side.answer(model, clip)


def mean_macs(side: Side, videos: Sequence[int]) -> float:
    """Multiply-adds per video over all views, as `predict` declares them."""
    return float(np.mean([sum(int(found.macs[0]) for found in side.run(side.load([number]))) for number in videos]))


def split(side: Side, videos: Sequence[int]) -> dict[str, float]:
    """Seconds per video, one video at a time: decode, transforms (the rest of making a clip), each top-level part of
    the model (`model`, undivided, where a runtime computes all of it at once), and what the prediction does outside of
    them. This is a pass of its own, since hooks take time."""
    clock = turns.synchronised(side.device)
    parts: dict[str, float] = {"decode": 0.0, "transforms": 0.0}
    for number in videos:
        started = clock()
        clips = side.load([number], keep=True)
        loaded = clock()
        side.run(clips)  # untimed: without it the hooks and views would be cold
        ran = clock()
        side.run(clips)
        total = clock() - ran
        decoding, transforms = time_reading(side, number, clips, loaded - started)
        parts["decode"] += decoding
        parts["transforms"] += transforms
        for clip in clips:
            inside = turns.by_module(side.model, lambda c=clip: side.run([c]), side.device)  # type: ignore[misc]
            for name, seconds in inside.items():
                parts[f"model.{name}"] = parts.get(f"model.{name}", 0.0) + seconds
                total -= seconds
        rest = "outside" if inside else "model"
        parts[rest] = parts.get(rest, 0.0) + total
    return {name: max(seconds, 0.0) / len(videos) for name, seconds in parts.items()}


def time_reading(side: Side, number: int, clips: Sequence[Mapping[str, Any]], loading_s: float) -> tuple[float, float]:
    """(decoding, transforms) in seconds, of the video's clips, which took so long to load; those on demand have been
    run."""
    if side.settings.on_demand:
        (frames,) = clips[0]["frames"]
        return frames.decoding_s, loading_s + frames.transforms_s
    decoding = time_decoding(side, number, clips)
    return decoding, max(loading_s - decoding, 0.0)


def time_decoding(side: Side, number: int, clips: Sequence[Mapping[str, Any]]) -> float:
    """Seconds that the frames of the video's clips alone take to decode."""
    row: Any = side.dataset.index.iloc[number]
    started = time.perf_counter()
    for clip in clips:
        if len(clip["indices"][0]):
            indices = clip["indices"][0].cpu().numpy()
            place = decode.place_of(side.task.root, row)
            decode.read_frames(place, indices, int(row["frames"]), side.settings.colours)
    return time.perf_counter() - started


def check(side: Side, videos: Sequence[int]) -> dict[str, Any]:
    """How the side's model compares with the plain one on these videos. folded: how many normalisations;
    decided_otherwise: how many videos, by ties that rounding breaks; largest_difference: of a probability where the
    decisions are the same.

    Raises SaccadeError where an exact runtime doesn't compute the same, and where the plain model executes other
    multiply-adds for the first video than are declared.
    """
    plain, otherwise, largest = finished_model(side.task, side.device), 0, 0.0
    check_macs(plain, side.predict, side.dataset, side.settings, side.device)
    for number in videos:
        for clip in side.load([number], keep=True):
            before, after = (side.answer(model, clip) for model in (plain, side.model))
            who = f"video {clip['video_id'][0]}"
            if before.decisions != after.decisions:
                otherwise += 1
                if side.runtime in EXACT and not is_tie(partial(side.answer, plain), clip, side.task.seed):
                    raise SaccadeError(f"{_in(side)}, {who} is decided otherwise, and not by a tie")
                continue
            differs = max(
                float((after.probabilities[head] - value).abs().max()) for head, value in before.probabilities.items()
            )
            largest = max(largest, differs)
            if side.runtime in EXACT and (int(before.macs[0]) != int(after.macs[0]) or not differs <= CLOSE):
                raise SaccadeError(
                    f"{_in(side)}, the model isn't the same: {who} costs {int(after.macs[0])} multiply-adds instead of "
                    f"{int(before.macs[0])}, probabilities differ by {differs:.2g} (at most {CLOSE} is rounding)"
                )
    return {"folded": side.folded, "decided_otherwise": otherwise, "largest_difference": largest}


def _in(side: Side) -> str:
    how = "optimised for inference" if side.runtime == EAGER else f"run by {side.runtime}"
    return f"{side.task.run}: {how}"
