"""Compares two models by the clock: they take turns call by call, each is also compared with itself, and parts are
timed apart. Times are in seconds."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

# Each side is called as often as the other, always after the other; a side's two turns are its check against itself
# (A/A).
TURNS = ("own", "against", "own again", "against again")
SIDES = {"own": ("own", "own again"), "against": ("against", "against again")}
TOLERANCE = 0.03  # how far an A/A ratio may be from 1 before its reading is taken again, and in the end marked
REPEATS = 3  # how often a process takes a reading again
PERCENTILES = (50, 90, 95, 99)
ELAPSED, PROCESSOR = "elapsed", "processor"

Clock = Callable[[], float]
Sample = Mapping[str, Mapping[str, Sequence[float]]]  # clock -> turn -> the seconds of its calls
Kind = TypeVar("Kind")


def scenario(batch: int) -> str:
    """MLPerf's (inference) name for what a batch size asks: how long one video takes that comes alone, or how many
    videos a second a pile of them lets through.

    Only the names are theirs. We keep neither their minimum durations nor their numbers of queries, send the pile in
    batches that are given, and compare means; their figure of a single stream is the 90th percentile of all queries,
    our p90 that of videos, each with the median of its calls.
    """
    return "single stream" if batch == 1 else "offline"


def synchronised(device: torch.device) -> Clock:
    """A clock in seconds that waits for the device to finish what was asked of it."""
    if device.type != "cuda":
        return time.perf_counter

    def read() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return read


def clocks_of(device: torch.device) -> dict[str, Clock]:
    """The clocks that each call is read by: elapsed time and, where the CPU computes, the processor time of all of this
    process's threads, which other programs lengthen less."""
    return {ELAPSED: synchronised(device)} | ({} if device.type == "cuda" else {PROCESSOR: time.process_time})


def alternate(
    own: Callable[[], object],
    against: Callable[[], object],
    rounds: int,
    clocks: Mapping[str, Clock],
    first: int = 0,
) -> dict[str, dict[str, list[float]]]:
    """The seconds that each call took, per clock and turn; the turns of `TURNS` are taken in order, `rounds` times
    over.

    What comes first and what `again` changes from round to round, the first of which has the number `first`: calls
    that get faster and faster (caches fill) make both sides faster, and no side another than itself.
    """
    seconds: dict[str, dict[str, list[float]]] = {clock: {turn: [] for turn in TURNS} for clock in clocks}
    for number in range(first, first + rounds):
        for turn in (*TURNS[2:], *TURNS[:2]) if number % 2 else TURNS:
            call = own if turn in SIDES["own"] else against
            started = {name: clock() for name, clock in clocks.items()}
            call()
            for name, clock in clocks.items():
                seconds[name][turn].append(clock() - started[name])
    return seconds


def in_turns(
    own: Callable[[Any], object],
    against: Callable[[Any], object],
    clips: Sequence[Mapping[str, Any]],
    rounds: int,
    clock: Clock,
) -> dict[str, Any]:
    """`reading` of two sides on the same batches within this process, by one clock. Each batch is run once before,
    untimed."""
    samples = []
    for place, clip in enumerate(clips):
        calls = partial(own, clip), partial(against, clip)
        calls[0](), calls[1]()
        samples.append(alternate(*calls, rounds, {ELAPSED: clock}, place))
    return reading([samples], [len(clip["video_id"]) for clip in clips])


def until_quiet(
    take: Callable[[Sequence[Kind]], Mapping[Kind, list[Sample]]], kinds: Sequence[Kind]
) -> dict[Kind, tuple[list[Sample], int]]:
    """For each kind of reading, one sample per batch, and how often it was taken again: as long as a side disagrees
    with itself by more than `TOLERANCE`, `REPEATS` times at most. `take` gives the samples of the kinds that it is
    asked for.

    What is taken again is added to what there is, and nothing is dropped: a batch's time is the median of more and
    more calls, which outvotes a disturbance that passes. So nobody chooses among speed-ups. When to stop, too, is
    decided by the A/A ratios alone, those of both sides: one side's would let through what disturbs the other.
    """
    found = dict(take(kinds))
    repeats = dict.fromkeys(kinds, 0)
    while again := [kind for kind in kinds if _is_off(_check(found[kind])) and repeats[kind] < REPEATS]:
        for kind, more in take(again).items():
            found[kind] = [_joined(*both) for both in zip(found[kind], more, strict=True)]
            repeats[kind] += 1
    return {kind: (found[kind], repeats[kind]) for kind in kinds}


def _joined(first: Sample, second: Sample) -> Sample:
    return {
        clock: {turn: [*seconds, *second[clock][turn]] for turn, seconds in turns.items()}
        for clock, turns in first.items()
    }


def reading(processes: Sequence[Sequence[Sample]], videos: Sequence[int], repeats: int = 0) -> dict[str, Any]:
    """What the samples say: each side's seconds per video (mean and percentiles over videos), the speed-up, the A/A
    ratio, and whether the reading is marked; of elapsed time, and under `processor` the same of processor time (None
    where it wasn't read).

    `processes`: for each process one sample per batch, in the same order. `videos`: how many videos each batch holds;
    they share its time evenly. A batch's time is the median of its calls in all processes. n: how many calls of each
    side were timed. by_process: within each process, the counterpart's mean time over the point's own; speedup: the
    median of these. aa: a side's first turns over its second ones, from the process and the side where that ratio is
    furthest from 1. repeats: how often processes took it again (`until_quiet`).
    """
    elapsed = _by_clock(processes, videos, ELAPSED)
    processor = _by_clock(processes, videos, PROCESSOR) if PROCESSOR in processes[0][0] else None
    calls = [sample[ELAPSED][turn] for process in processes for sample in process for turn in SIDES["own"]]
    return elapsed | {
        "n": sum(map(len, calls)),
        "marked": _is_off(elapsed["aa"]),
        "repeats": repeats,
        "processor": processor and {key: processor[key] for key in ("seconds", "speedup", "aa")},
    }


def _by_clock(processes: Sequence[Sequence[Sample]], videos: Sequence[int], clock: str) -> dict[str, Any]:
    pooled = [
        {clock: {turn: [s for process in processes for s in process[number][clock][turn]] for turn in TURNS}}
        for number in range(len(videos))
    ]
    times = {side: _medians(pooled, turns, clock) for side, turns in SIDES.items()}
    per_video = {side: np.repeat(value / videos, videos) for side, value in times.items()}
    ratios = [_ratio(process, SIDES["against"], SIDES["own"], clock) for process in processes]
    return {
        "seconds": {
            side: {"mean": float(value.mean())}
            | {f"p{share}": float(np.percentile(value, share)) for share in PERCENTILES}
            for side, value in per_video.items()
        },
        "speedup": float(np.median(ratios)),
        "by_process": ratios,
        "aa": _furthest(_check(process, clock) for process in processes),
    }


def _check(samples: Sequence[Sample], clock: str = ELAPSED) -> float:
    """The A/A ratio of the side that disagrees most with itself."""
    return _furthest(_ratio(samples, [first], [second], clock) for first, second in SIDES.values())


def _furthest(ratios: Iterable[float]) -> float:
    return max(ratios, key=lambda ratio: abs(math.log(ratio)))


def _is_off(aa: float) -> bool:
    return abs(aa - 1) > TOLERANCE


def _ratio(samples: Sequence[Sample], upper: Sequence[str], lower: Sequence[str], clock: str) -> float:
    """The time of all batches in the turns `upper` over that in `lower`."""
    return float(_medians(samples, upper, clock).sum() / _medians(samples, lower, clock).sum())


def _medians(samples: Sequence[Sample], turns: Sequence[str], clock: str) -> np.ndarray:
    """Per batch, the median over the calls of these turns."""
    return np.array([np.median([seconds for turn in turns for seconds in sample[clock][turn]]) for sample in samples])


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
