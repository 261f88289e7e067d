"""The step that reads the clock. Each operating point and its static counterpart take turns, in fresh processes; what
was found goes into latency.json.

Both models get the same exact optimisations and see the same test videos. That nothing else runs on the machine is the
caller's affair. What else ran is recorded, and a reading that disagrees with itself (A/A) is marked, never hidden.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from saccade import products
from saccade.engine.device import seed_everything
from saccade.engine.inference import finished_model, need_trained
from saccade.files import read_json, write_json
from saccade.plan.staleness import timed_with
from saccade.project import load_module, provenance
from saccade.records import LATENCY_FILE, Prediction, SaccadeError, Task
from saccade.timing import machine, optimise, turns
from saccade.video import decode
from saccade.video.index import read_index
from saccade.video.loader import VideoDataset, collate

PROCESSES = 3
VIDEOS = 64  # of the test split, evenly spread over its ids; all of them where there are fewer
ROUNDS = {False: 2, True: 1}  # how often the turns are taken per batch, without and with decoding
CLOSE = 1e-3  # how far optimised probabilities may be from plain ones, where the decisions are the same


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
    """One of the two: its model, and how a video of its dataset becomes a clip of its point."""

    task: Task
    device: torch.device
    settings: Any = field(init=False)
    model: torch.nn.Module = field(init=False)
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
        self.folded = optimise.optimise(self.model)

    def load(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """The videos' clips on the device, one batch per view."""
        views = (self.dataset.at_view(view) for view in range(self.dataset.num_views))
        return [optimise.lay_out(collate([view[number] for number in numbers]), self.device) for view in views]

    def run(self, clips: Sequence[dict[str, Any]]) -> list[Prediction]:
        return [optimise.infer(self.predict, self.model, clip, self.settings) for clip in clips]


def measure(pairs: Mapping[str, Pair], folder: Path, only: str | None = None) -> None:
    """Times every pair in fresh processes and writes `folder`/latency.json, which always holds all of them.

    With `only`, the other points keep their times where these exist and the pair's settings and code haven't changed.
    Raises SaccadeError before the first process where one of the runs isn't trained.
    """
    for pair in pairs.values():
        need_trained(pair.own)
        need_trained(pair.against)
    file = folder / LATENCY_FILE
    known = products.read(file)["points"] if only and file.is_file() else {}
    points = {point: known[point] for point, pair in pairs.items() if point in known and is_current(known[point], pair)}
    for point in [point for point in pairs if point == only or point not in points]:
        with tempfile.TemporaryDirectory(prefix="saccade-measure-") as place:
            processes = tqdm(range(PROCESSES), desc=f"measure {point}", unit="process")
            points[point] = combine(
                pairs[point], [run_process(pairs[point], number, Path(place, f"{number}.json")) for number in processes]
            )
    products.write(file, {"run": next(iter(pairs.values())).own.run, "points": points})


def is_current(measured: Mapping[str, Any], pair: Pair) -> bool:
    return timed_with(measured.get("code"), measured.get("settings")) == timed_with(pair.code, pair.values)


def run_process(pair: Pair, number: int, into: Path) -> dict[str, Any]:
    """What `time_once` writes in a fresh process: this step called again."""
    asked = [pair.own.run, "--point", pair.point, "--process", str(number), "--into", str(into)]
    # the process stops with this one, not with our parent
    own_code = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "SACCADE_STOPS_WITH": str(os.getpid())}
    command = [sys.executable, "-m", "saccade", "measure", *asked]
    done = subprocess.run(command, cwd=pair.own.root, env=os.environ | own_code, check=False)
    if done.returncode:
        ended = f"failed (exit status {done.returncode}); it says why above"
        raise SaccadeError(f"{pair.own.run}: process {number + 1} of measuring {pair.point} {ended}")
    found: dict[str, Any] = read_json(into)
    return found


def combine(pair: Pair, processes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What latency.json says of one point, from what its processes found."""
    first = processes[0]
    readings = []
    for place, timed in enumerate(first["timed"]):
        samples = [process["timed"][place]["samples"] for process in processes]
        what = {key: timed[key] for key in ("device", "batch", "decoding")}
        readings.append(what | turns.reading(samples, timed["videos"]))
    macs = first["macs"]
    return {
        "against": {"run": pair.against.run, "point": next(iter(pair.against.points))},
        "macs": macs | {"ratio": macs["against"] / macs["own"]},
        "videos": first["videos"],
        "readings": readings,
        "parts": first["parts"],
        "optimised": first["optimised"],
        "machine": machine.describe()
        | {"threads": first["threads"], "processes": [process["load"] for process in processes]},
        "alone": all(process["load"]["alone"] for process in processes),
        "settings": pair.values,
        "code": pair.code,
        "provenance": provenance(pair.own.root),
    }


def time_once(pair: Pair, number: int, into: Path) -> None:
    """Times the pair in this process; the first one also says how the time is spent and checks the optimisations."""
    watch = machine.Watch()
    threads = next(iter(pair.own.points.values())).threads
    seed_everything(pair.own.seed, threads)
    timed, parts, optimised, macs, videos = [], {}, {}, {}, []
    for device in [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]:
        own, against = Side(pair.own, device), Side(pair.against, device)
        videos = spread(len(own.dataset))
        if device.type == "cpu":
            macs = {"own": mean_macs(own, videos), "against": mean_macs(against, videos)}
        timed += [
            found for size in (1, own.settings.timing_batch_size) for found in time_batches(own, against, videos, size)
        ]
        if number == 0:
            name = device_name(device)
            parts[name] = {"own": split(own, videos), "against": split(against, videos)}
            optimised[name] = {"own": check(own, videos), "against": check(against, videos)}
    found = {
        "timed": timed,
        "parts": parts,
        "optimised": optimised,
        "macs": macs,
        "videos": len(videos),
        "threads": threads,
    }
    write_json(into, found | {"load": watch.read()})


def spread(videos: int) -> list[int]:
    """The numbers of the videos that are timed."""
    return sorted(set(np.linspace(0, videos - 1, min(VIDEOS, videos)).round().astype(int).tolist()))


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def time_batches(own: Side, against: Side, videos: Sequence[int], size: int) -> list[dict[str, Any]]:
    """The samples of one batch size, without and with decoding: two dicts of device, batch, decoding, videos (per
    batch), samples.

    Each batch is run once, untimed, before its turns, so that everything is warm: the caches, the file, and what a
    library chooses for a new shape.
    """
    batches = [videos[first : first + size] for first in range(0, len(videos), size)]
    clock = turns.synchronised(own.device)
    samples: dict[bool, list[dict[str, list[float]]]] = {False: [], True: []}
    for numbers in batches:
        mine, theirs = own.load(numbers), against.load(numbers)
        own.run(mine), against.run(theirs)
        ready = turns.alternate(lambda m=mine: own.run(m), lambda t=theirs: against.run(t), ROUNDS[False], clock)  # type: ignore[misc]
        decoded = turns.alternate(
            lambda n=numbers: own.run(own.load(n)),  # type: ignore[misc]
            lambda n=numbers: against.run(against.load(n)),  # type: ignore[misc]
            ROUNDS[True],
            clock,
        )
        samples[False].append(ready)
        samples[True].append(decoded)
    what = {"device": device_name(own.device), "batch": size, "videos": [len(numbers) for numbers in batches]}
    return [what | {"decoding": decoding, "samples": found} for decoding, found in samples.items()]


def mean_macs(side: Side, videos: Sequence[int]) -> float:
    """Multiply-adds per video over all views, as `predict` declares them."""
    return float(np.mean([sum(int(found.macs[0]) for found in side.run(side.load([number]))) for number in videos]))


def split(side: Side, videos: Sequence[int]) -> dict[str, float]:
    """Seconds per video, one video at a time: decode, transforms (the rest of making a clip), each top-level part of
    the model, and what the prediction does outside of them. This is a pass of its own, since hooks take time."""
    clock = turns.synchronised(side.device)
    parts: dict[str, float] = {"decode": 0.0, "transforms": 0.0}
    for number in videos:
        started = clock()
        clips = side.load([number])
        loaded = clock()
        side.run(clips)  # untimed: without it the hooks and views would be cold
        ran = clock()
        side.run(clips)
        total = clock() - ran
        decoding = time_decoding(side, number, clips)
        parts["decode"] += decoding
        parts["transforms"] += max(loaded - started - decoding, 0.0)
        for clip in clips:
            inside = turns.by_module(side.model, lambda c=clip: side.run([c]), side.device)  # type: ignore[misc]
            for name, seconds in inside.items():
                parts[f"model.{name}"] = parts.get(f"model.{name}", 0.0) + seconds
                total -= seconds
        parts["outside"] = parts.get("outside", 0.0) + total
    return {name: max(seconds, 0.0) / len(videos) for name, seconds in parts.items()}


def time_decoding(side: Side, number: int, clips: Sequence[Mapping[str, Any]]) -> float:
    """Seconds that the frames of the video's clips alone take to decode."""
    row = side.dataset.index.iloc[number]
    started = time.perf_counter()
    for clip in clips:
        if len(clip["indices"][0]):
            indices = clip["indices"][0].cpu().numpy()
            decode.read_frames(side.task.root / str(row["path"]), indices, int(row["frames"]), side.settings.colours)
    return time.perf_counter() - started


def check(side: Side, videos: Sequence[int]) -> dict[str, Any]:
    """How the optimised model compares with the plain one on these videos. folded: how many normalisations;
    decided_otherwise: how many videos, by ties that rounding breaks; largest_difference: of a probability. Raises
    SaccadeError where it isn't the same model."""
    plain, otherwise, largest = finished_model(side.task, side.device), 0, 0.0
    for number in videos:
        for clip in side.load([number]):
            before, after = (optimise.infer(side.predict, model, clip, side.settings) for model in (plain, side.model))
            if before.decisions != after.decisions:
                otherwise += 1
                continue
            differs = max(
                float((after.probabilities[head] - value).abs().max()) for head, value in before.probabilities.items()
            )
            largest = max(largest, differs)
            if int(before.macs[0]) != int(after.macs[0]) or not largest <= CLOSE:
                raise SaccadeError(
                    f"{side.task.run}: optimised for inference, the model isn't the same: video {clip['video_id'][0]} "
                    f"costs {int(after.macs[0])} multiply-adds instead of {int(before.macs[0])}, probabilities differ "
                    f"by {largest:.2g}"
                )
    return {"folded": side.folded, "decided_otherwise": otherwise, "largest_difference": largest}
