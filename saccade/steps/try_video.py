"""The step behind `try` (a word that Python keeps for itself): what a trained run makes of any video, at what price,
and where it looked."""

import functools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from saccade import products
from saccade.engine.device import choose_device, seed_everything, to_device
from saccade.engine.inference import check_macs, finished_model, need_trained, predict_point
from saccade.engine.on_demand import answer_on_demand, reads_on_demand, timed_by_number, timed_on_demand
from saccade.files import write_atomic
from saccade.project import load_module
from saccade.records import EAGER, EXPORTED, INDEX_COLUMNS, Head, Prediction, SaccadeError, Task, boxes_at
from saccade.report import gate_curve, strips
from saccade.report.feature_maps import draw_maps
from saccade.report.tried import READS, RUNS, Tried, described
from saccade.timing import optimise, runtimes
from saccade.video.batches import collate
from saccade.video.decode import read_frames
from saccade.video.index import read_index
from saccade.video.loader import VideoDataset
from saccade.video.probe import VideoInfo, probe
from saccade.video.transforms import in_test_clip

if TYPE_CHECKING:
    import pandas as pd

TOP = 5


def try_video(task: Task, videos: Sequence[Path], out: Path, runtime: str = EAGER) -> Iterator[str]:
    """Gives, for each video in turn, what to print of it. Before that its strip is written to `out`, and a picture of
    its feature maps where the method's model.py has `maps(model, clip, settings)`: {name: frames (N, H, W, 3) in [0, 1]
    or maps (N, C, H, W)} of one clip, as arrays. The strip has a curve of gates where model.py has `gates(decision,
    frames, settings)`: {frame: gate, 0 to 1} by a view's decision and the video's number of frames. Multiply-adds are
    counted, and maps drawn, in eager. Where `predict` reads its frames one by one
    (`engine.on_demand.reads_on_demand`), what it doesn't ask for isn't decoded for it.

    `task.points` holds the one operating point. Raises SaccadeError before anything is computed where a video can't be
    read, or has no sound where the run listens.
    """
    task = _as_trained(task)
    (point, settings), started = next(iter(task.points.items())), [probe(path) for path in videos]
    settings = replace(settings, truth=[])  # of no video that is tried; points that need it were refused
    if "audio" in settings.modalities:
        _need_sound(task, videos, started)
    seed_everything(task.seed, settings.threads)
    device = choose_device(settings.device)
    method = load_module(task.root / task.method / "model.py")
    predict = method.predict
    model, quick = finished_model(task, device), finished_model(task, device)
    optimise.optimise(quick, packed=runtime == EAGER)  # what is timed, in eager, too
    for path, name, info in zip(videos, _names(videos), started, strict=True):
        dataset = VideoDataset(
            _index(task, settings, path, info), task.root, (), settings, "try", train=False, seed=task.seed
        )
        check_macs(model, predict, dataset, settings, device)
        if runtime != EAGER:
            example = functools.partial(predict, quick, to_device(collate([dataset[0]]), device), settings)
            runtimes.use(quick, runtime, example, task.code, task.folder / EXPORTED)
        with runtimes.running(runtime, device):
            answers = model if runtime == EAGER else quick
            if reads_on_demand(method, settings):
                row: Any = answer_on_demand(answers, predict, path, info, settings, device)
                seconds = timed_on_demand(quick, predict, path, info, settings, device, RUNS)
            else:
                row = predict_point(answers, predict, dataset, settings, device).iloc[0]
                timed = _by_number if settings.on_demand else _timed
                seconds = timed(quick, predict, dataset, settings, device)
        whole = dataset[0]
        tried = _tried(task.heads, path, info, row, dataset.num_views, seconds)
        tried = replace(tried, of_all=(len(set(whole["indices"].tolist())), whole["decoded_frames"]))
        tried = replace(tried, by_number=settings.on_demand)
        gates = method.gates(tried.decisions[0], info.frames, settings) if hasattr(method, "gates") else {}
        strip = _strip(f"{task.run} at {point}", tried, whole, settings, gates)
        file = out / f"{name}-{point}.png"
        write_atomic(file, functools.partial(strip.savefig, dpi=strips.DPI))
        maps = ""
        if hasattr(method, "maps"):
            drawn = draw_maps(
                method.maps(model, to_device(collate([whole]), device), settings), f"{name}: {task.run} at {point}"
            )
            write_atomic(out / f"{name}-{point}-maps.png", functools.partial(drawn.savefig, dpi=strips.DPI))
            maps = f"\n  maps    {out / f'{name}-{point}-maps.png'}"
        unnamed = "".join(f"\n  names   {head.unnamed}" for head in task.heads if head.unnamed)
        where = f"{device.type}, {settings.threads} thread{'s' * (settings.threads != 1)}"
        where += f", {runtime}" * (runtime != EAGER)
        yield f"{path}\n{described(tried, where)}{unnamed}\n  strip   {file}{maps}"


def _need_sound(task: Task, videos: Sequence[Path], infos: Sequence[VideoInfo]) -> None:
    if silent := next((path for path, info in zip(videos, infos, strict=True) if not info.audio), None):
        raise SaccadeError(f"{silent}: has no sound, which {task.run} listens to; try a video with sound")


def _names(videos: Sequence[Path]) -> list[str]:
    """A name for each strip, no two the same: with the suffix, the folder, or a number where videos can't be
    distinguished without it."""
    stems, files = [path.stem for path in videos], [path.name for path in videos]
    in_folders = [f"{path.absolute().parent.name}-{path.name}" for path in videos]
    numbered = [f"{number}-{path.name}" for number, path in enumerate(videos, 1)]
    return next(names for names in (stems, files, in_folders, numbered) if len(set(names)) == len(names))


def _as_trained(task: Task) -> Task:
    """The task with the classes that the weights were trained for: what lies in raw/ may have changed since, or be
    gone. Published weights keep the names that are known now."""
    need_trained(task)
    classes = products.read(task.root / task.weights[-1]).get("classes", {})
    trained_for = (tuple(classes.get(head.name, head.classes)) for head in task.heads)
    pairs = zip(task.heads, trained_for, strict=True)
    return replace(
        task, heads=tuple(head if head.of_weights else replace(head, classes=names) for head, names in pairs)
    )


def _index(task: Task, settings: Any, path: Path, info: VideoInfo) -> "pd.DataFrame":
    """The video as the one row of a split `try`. Where whole tracks count, the rows of the prepared index stand beside
    it, since they say how long sound is made."""
    import pandas as pd

    facts = {"video_id": str(path), "split": "try", "cluster": "", "path": str(path.resolve())} | info.columns()
    own = pd.DataFrame([facts])[INDEX_COLUMNS]
    if "audio" not in settings.modalities or settings.sound == "windows":
        return own
    return pd.concat(
        [read_index(task.root / task.prepared, task.root, task.heads)[0][INDEX_COLUMNS], own], ignore_index=True
    )


def _tried(
    heads: Sequence[Head], path: Path, info: VideoInfo, row: Any, views: int, seconds: tuple[float, float]
) -> Tried:
    classes = {}
    for head in heads:
        scores = np.asarray(row[f"{head.name}.scores"])
        classes[head.name] = [
            (head.classes[number], float(scores[number])) for number in np.argsort(-scores, kind="stable")[:TOP]
        ]
    macs, frames, decoded = (int(row[key]) for key in ("macs", "frames", "decoded_frames"))
    wanted = row.get("wanted_frames")
    return Tried(path, info, classes, macs, frames, decoded, views, *seconds, row["decisions"], wanted)


_by_number = functools.partial(timed_by_number, repeats=RUNS)


@torch.inference_mode()
def _timed(
    model: nn.Module, predict: Callable[..., Prediction], dataset: VideoDataset, settings: Any, device: torch.device
) -> tuple[float, float]:
    """(reading, model) in seconds: medians, summed over the views."""
    read_s = model_s = 0.0
    for view in range(dataset.num_views):
        shown = dataset.at_view(view)
        read_s += _median_s(lambda shown=shown: collate([shown[0]]), READS, device)  # type: ignore[misc]
        clip = to_device(collate([shown[0]]), device)
        model_s += _median_s(lambda clip=clip: predict(model, clip, settings), RUNS, device)  # type: ignore[misc]
    return read_s, model_s


def _median_s(act: Callable[[], object], repeats: int, device: torch.device) -> float:
    taken = []
    for _ in range(1 + repeats):
        started = time.perf_counter()
        act()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])


def _strip(
    run: str, tried: Tried, clip: dict[str, Any], settings: Any, gates: Mapping[int, float] = MappingProxyType({})
) -> Any:
    """The strip of the first view: pictures as the network was given them, where the clip holds them, or gives them on
    demand, else whole frames."""
    info, first = tried.info, tried.decisions[0]
    offered = [int(number) for number in clip["indices"]]
    chosen = [int(number) for number in first.get("frames", offered)]
    boxes = first.get("boxes") or [None] * len(chosen)
    if len(boxes) != len(chosen):
        raise SaccadeError(
            f"{tried.path}: the decisions name {len(chosen)} frames and {len(boxes)} boxes; each frame needs a box, "
            "a list of boxes or null"
        )
    given: dict[int, np.ndarray] = {}
    shown = clip["frames"].get(chosen) if "frames" in clip and chosen else clip.get("rgb")
    if (numbers := chosen if "frames" in clip else offered) and shown is not None:
        seen = strips.pictures(shown, settings.mean, settings.std, settings.channel_order)
        given = dict(zip(numbers, seen, strict=True))
    others = sorted(set(chosen) - set(given))
    whole = dict(zip(others, read_frames(tried.path, others, info.frames).rgb, strict=True)) if others else {}
    looks = []
    for number in sorted(set(chosen)):
        taken = [entry for entry, at in zip(boxes, chosen, strict=True) if at == number and entry]
        if number in given:
            taken = [_in_clip(entry, info, settings) for entry in taken]
        looks.append(strips.Look(number, given[number] if number in given else whole[number], taken))
    times = strips.Times(info.times_s, info.duration_s)
    thumbnails = strips.thumbnails(info.width / info.height)
    along = times.along(max(thumbnails, gate_curve.THUMBNAILS) if gates else thumbnails)
    film = list(read_frames(tried.path, along, info.frames).rgb)
    price = (
        f"{strips.giga(tried.macs)} GMACs  ·  model {1000 * tried.model_s:.0f} ms  ·  decoding "
        f"{1000 * tried.read_s:.0f} ms"
    )
    views = f"; the first of {tried.views} views is shown" if tried.views > 1 else ""
    lines = [
        f"{info.duration_s:.1f} s, {info.width} × {info.height}; looked at {tried.frames} of {info.frames} "
        f"frames{views}",
        price,
        run,
    ]
    scanned = [int(number) for number in first.get("scanned", [])]
    return strips.draw(tried.path.name, lines, tried.classes, film, looks, sorted(set(offered)), times, scanned, gates)


def _in_clip(entry: Sequence[Any], info: VideoInfo, settings: Any) -> Sequence[Any]:
    """A frame's box, or its boxes, in fractions of the clip's picture in place of the frame."""
    boxes = [in_test_clip(box, info.height, info.width, settings) for box in boxes_at(entry)]
    return boxes if len(boxes) > 1 else boxes[0]
