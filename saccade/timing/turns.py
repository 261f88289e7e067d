"""Compares two models by the clock: they take turns call by call, one of them is also compared with itself, and parts
are timed apart. Times are in seconds."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

# Each side is called as often as the other, always after the other; the counterpart's two turns are the check against
# itself (A/A).
TURNS = ("own", "against", "own again", "against again")
SIDES = {"own": ("own", "own again"), "against": ("against", "against again")}
TOLERANCE = 0.03  # how far an A/A ratio may be from 1 before its reading is marked

Clock = Callable[[], float]
Sample = Mapping[str, Sequence[float]]  # turn -> the seconds of its calls


def synchronised(device: torch.device) -> Clock:
    """A clock in seconds that waits for the device to finish what was asked of it."""
    if device.type != "cuda":
        return time.perf_counter

    def read() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return read


def alternate(
    own: Callable[[], object], against: Callable[[], object], rounds: int, clock: Clock
) -> dict[str, list[float]]:
    """The seconds that each call took, per turn; the turns of `TURNS` are taken in order, `rounds` times over."""
    calls = {turn: own if turn in SIDES["own"] else against for turn in TURNS}
    seconds: dict[str, list[float]] = {turn: [] for turn in TURNS}
    for _ in range(rounds):
        for turn, call in calls.items():
            started = clock()
            call()
            seconds[turn].append(clock() - started)
    return seconds


def in_turns(
    own: Callable[[Any], object],
    against: Callable[[Any], object],
    clips: Sequence[Mapping[str, Any]],
    rounds: int,
    clock: Clock,
) -> dict[str, Any]:
    """`reading` of two sides on the same batches within this process. Each batch is run once before, untimed."""
    samples = []
    for clip in clips:
        own(clip), against(clip)
        samples.append(alternate(lambda c=clip: own(c), lambda c=clip: against(c), rounds, clock))  # type: ignore[misc]
    return reading([samples], [len(clip["video_id"]) for clip in clips])


def reading(processes: Sequence[Sequence[Sample]], videos: Sequence[int]) -> dict[str, Any]:
    """What the samples say: each side's seconds per video (mean, p50, p95 over videos), the speed-up, the A/A ratio,
    and whether the reading is marked.

    `processes`: for each process one sample per batch, in the same order. `videos`: how many videos each batch holds;
    they share its time evenly. A batch's time is the median of its calls in all processes. by_process: within each
    process, the counterpart's mean time over the point's own; speedup: the median of these. aa: the counterpart's first
    turns over its second ones, from the process where that ratio is furthest from 1.
    """
    pooled = [
        {turn: [s for process in processes for s in process[number][turn]] for turn in TURNS}
        for number in range(len(videos))
    ]
    times = {side: _medians(pooled, turns) for side, turns in SIDES.items()}
    per_video = {side: np.repeat(value / videos, videos) for side, value in times.items()}
    ratios = [float(_medians(p, SIDES["against"]).sum() / _medians(p, SIDES["own"]).sum()) for p in processes]
    checks = [float(_medians(p, ["against"]).sum() / _medians(p, ["against again"]).sum()) for p in processes]
    aa = max(checks, key=lambda check: abs(math.log(check)))
    return {
        "seconds": {
            side: {
                "mean": float(value.mean()),
                "p50": float(np.percentile(value, 50)),
                "p95": float(np.percentile(value, 95)),
            }
            for side, value in per_video.items()
        },
        "speedup": float(np.median(ratios)),
        "by_process": ratios,
        "aa": aa,
        "marked": abs(aa - 1) > TOLERANCE,
    }


def _medians(samples: Sequence[Sample], turns: Sequence[str]) -> np.ndarray:
    """Per batch, the median over the calls of these turns."""
    return np.array([np.median([seconds for turn in turns for seconds in sample[turn]]) for sample in samples])


def by_module(model: nn.Module, call: Callable[[], object], device: torch.device) -> dict[str, float]:
    """Seconds that one `call` spends in each of the model's top-level parts, by name. Hooks disturb the total, so it
    isn't timed here.

    A part is a module that the model runs outermost, named by the first word of its path. A list or dict of modules
    that isn't called itself counts what is called inside it. On a GPU the device's own events are read, since its work
    runs behind the program's.
    """
    spans: list[tuple[str, Any, Any]] = []
    with _outermost(model, spans, device):
        call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    parts: dict[str, float] = {}
    for name, started, ended in spans:
        seconds = started.elapsed_time(ended) / 1000 if device.type == "cuda" else ended - started
        parts[name] = parts.get(name, 0.0) + seconds
    return parts


@contextmanager
def _outermost(model: nn.Module, spans: list[tuple[str, Any, Any]], device: torch.device) -> Iterator[None]:
    """Notes start and end of every call of a module below `model` that isn't inside another such call."""
    running: list[Any] = []

    def now() -> Any:
        if device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(device))
        return event

    def enter(module: nn.Module, inputs: Any) -> None:
        running.append(None if running else now())

    def leave(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            started = running.pop()
            if not running:
                spans.append((name, started, now()))

        return hook

    handles = []
    for path, module in model.named_modules():
        if path:
            handles.append(module.register_forward_pre_hook(enter, prepend=True))
            handles.append(module.register_forward_hook(leave(path.split(".")[0])))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
