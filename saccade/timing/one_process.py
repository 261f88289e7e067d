"""What one fresh process finds of a point beside its counterpart: the samples of all readings and, in the first
process, where the time goes and whether the runtimes compute the same."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from saccade.engine.device import seed_everything
from saccade.files import write_json
from saccade.records import EAGER, SaccadeError
from saccade.timing import machine, runtimes, turns
from saccade.timing.side import Pair, Side, check, mean_macs, split

VIDEOS = 64  # of the test split, evenly spread over its ids; all of them where there are fewer
ROUNDS = {False: 2, True: 1}  # how often the turns are taken per batch, without and with decoding


def time_once(pair: Pair, runtimes_used: Sequence[str], number: int, into: Path) -> None:
    """Times the pair in this process, the point in the first of the runtimes and its counterpart in the second, on
    every device that has both. The first process also says how the time is spent and checks the runtimes.

    Where a runtime other than eager doesn't compute the same, only says so (`refused`); eager raises SaccadeError.
    """
    watch = machine.Watch()
    threads = next(iter(pair.own.points.values())).threads
    seed_everything(pair.own.seed, threads)
    try:
        found = _found(pair, runtimes_used, first=number == 0)
    except SaccadeError as error:
        if set(runtimes_used) == {EAGER}:
            raise
        found = {"refused": str(error)}
    write_json(into, found | {"threads": threads, "load": watch.read()})


def _found(pair: Pair, runtimes_used: Sequence[str], first: bool) -> dict[str, Any]:
    timed: list[dict[str, Any]] = []
    parts, optimised, videos = {}, {}, []
    macs: dict[str, float] = {}
    for device in devices_of(runtimes_used):
        sides = [
            Side(task, device, runtime) for task, runtime in zip((pair.own, pair.against), runtimes_used, strict=True)
        ]
        videos, name = spread(len(sides[0].dataset)), device_name(device)
        if first:
            optimised[name] = _of_both(check(side, videos) for side in sides)
            macs = macs or _of_both(mean_macs(side, videos) for side in sides)
        for size in (1, sides[0].settings.timing_batch_size):
            timed += time_batches(sides, videos, size)
        if first:
            parts[name] = _of_both(split(side, videos) for side in sides)
    return {"timed": timed, "parts": parts, "optimised": optimised, "macs": macs, "videos": len(videos)}


def _of_both(found: Any) -> dict[str, Any]:
    return dict(zip(turns.SIDES, found, strict=True))


def devices_of(runtimes_used: Sequence[str]) -> list[torch.device]:
    """The devices on which all of these runtimes can be used here. Two that differ were chosen by their times on the
    CPU."""
    cuda = torch.cuda.is_available() and len(set(runtimes_used)) == 1
    there = [torch.device("cpu"), *([torch.device("cuda")] if cuda else [])]
    return [device for device in there if not any(runtimes.why_absent(name, device) for name in runtimes_used)]


def spread(videos: int) -> list[int]:
    """The numbers of the videos that are timed."""
    return sorted(set(np.linspace(0, videos - 1, min(VIDEOS, videos)).round().astype(int).tolist()))


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def time_batches(sides: Sequence[Side], videos: Sequence[int], size: int) -> list[dict[str, Any]]:
    """The samples of one batch size, without and with decoding: two dicts of device, batch, decoding, videos (per
    batch), samples, repeats."""
    batches = [videos[first : first + size] for first in range(0, len(videos), size)]
    found = turns.until_quiet(partial(take_turns, sides, batches), list(ROUNDS))
    what = {"device": device_name(sides[0].device), "batch": size, "videos": [len(numbers) for numbers in batches]}
    return [
        what | {"decoding": decoding, "samples": samples, "repeats": repeats}
        for decoding, (samples, repeats) in found.items()
    ]


def take_turns(
    sides: Sequence[Side], batches: Sequence[Sequence[int]], kinds: Sequence[bool]
) -> dict[bool, list[turns.Sample]]:
    """One sample per batch, of the kinds that are asked for: without decoding (False), with it (True).

    Each is done once, untimed, right before its turns, so that everything is warm: the caches, the file, and what a
    library chooses for a new shape. Without it the first to decode a batch would take a quarter longer.
    """
    clocks = turns.clocks_of(sides[0].device)
    samples: dict[bool, list[turns.Sample]] = {decoding: [] for decoding in kinds}
    for place, numbers in enumerate(batches):
        ready = [partial(side.run, side.load(numbers, keep=True)) for side in sides]
        decoded = [partial(_from_files, side, numbers) for side in sides]
        for decoding in kinds:
            own, against = decoded if decoding else ready
            own(), against()
            samples[decoding].append(turns.alternate(own, against, ROUNDS[decoding], clocks, place))
    return samples


def _from_files(side: Side, numbers: Sequence[int]) -> object:
    return side.run(side.load(numbers))
