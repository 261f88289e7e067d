"""Running a finished model on videos: its answers and what they cost. Shared by the steps predict, measure and try."""

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from saccade.cards.address import RUN, parse_address
from saccade.cost.count import count, module_table
from saccade.cost.forward import modules_stay
from saccade.engine import weights
from saccade.engine.device import place, to_device
from saccade.project import load_module
from saccade.records import Prediction, SaccadeError, Task
from saccade.video.batches import batches, collate
from saccade.video.loader import VideoDataset

if TYPE_CHECKING:
    import pandas as pd

KEEP_BYTES = 16 * 10**6  # of a video's decoded frames: those of embedded data, whose points ask for most of them


def need_trained(task: Task) -> None:
    """Raises SaccadeError, saying how to train the run, where one of its weights isn't there."""
    if missing := [product for product in task.weights if not (task.root / product).is_file()]:
        named = parse_address(task.run, RUN)
        runs = f"[{named.data}/{named.method}/{named.variant}]"
        how = f"snakemake --cores 2 --config budget={named.budget} runs='{runs}' -- {task.weights[-1]}"
        raise SaccadeError(f"{task.run} isn't trained: {missing[0]} is missing. This trains it: {how}")


def finished_model(task: Task, device: torch.device) -> nn.Module:
    """The method's network with all phases loaded, in evaluation mode on `device`."""
    model: nn.Module = load_module(task.root / task.method / "model.py").build(task.settings, task.heads)
    weights.load(model, task.loads, whole=True, heads=task.heads)
    return place(model, device).eval()


def predict_point(
    model: nn.Module,
    method_predict: Callable[..., Prediction],
    dataset: VideoDataset,
    settings: Any,
    device: torch.device,
    label: str = "",
) -> "pd.DataFrame":
    """One row per video: probabilities averaged over its views, costs summed over them, decisions listed. Batches are
    cut from the list sorted by id. A head has targets where `dataset` labels it. With a `label` a progress bar is
    shown."""
    return predict_points(model, method_predict, dataset, {label: settings}, device, label)[label]


@torch.inference_mode()
def predict_points(
    model: nn.Module,
    method_predict: Callable[..., Prediction],
    dataset: VideoDataset,
    points: Mapping[str, Any],
    device: torch.device,
    label: str = "",
    check: Callable[[dict[str, Any], dict[str, Prediction]], None] | None = None,
) -> dict[str, "pd.DataFrame"]:
    """{point: table as of `predict_point`} of points whose clips are the same, each clip being made once for all.

    Several find in their clip, beside what `dataset` gives, the same `memory`: a dict in which one may leave for the
    next what it computed. Frames by number stay decoded for the next where all of a video's take no more than
    KEEP_BYTES. Points are asked in the order of their names. `check` is given each batch and what they made of it.
    """
    import pandas as pd

    rows: dict[str, dict[str, dict[str, Any]]] = {point: {} for point in points}
    views, settings = dataset.num_views, next(iter(points.values()))
    with (
        modules_stay(),
        tqdm(
            total=len(dataset) * views, desc=f"predict {label}", unit="view", mininterval=1.0, disable=not label
        ) as progress,
    ):
        for view in range(views):
            for batch in batches(
                dataset.at_view(view), settings.eval_batch_size, shuffle=False, epoch=0, workers=settings.workers
            ):
                clip = to_device(batch, device)
                if len(points) > 1:
                    clip["memory"] = {}
                    for frames in clip.get("frames", ()):
                        frames.keep_bytes = KEEP_BYTES
                found = {point: method_predict(model, dict(clip), points[point]) for point in sorted(points)}
                for point, number in itertools.product(found, range(len(batch["video_id"]))):
                    row = rows[point].setdefault(batch["video_id"][number], {})
                    add_view(row, found[point], batch, number, views)
                if check:
                    check(batch, found)
                progress.update(len(batch["video_id"]))
    clusters = dataset.index[["video_id", "cluster"]]
    return {
        point: pd.DataFrame([to_row(video, row) for video, row in sorted(of_point.items())]).merge(
            clusters, on="video_id", validate="one_to_one"
        )
        for point, of_point in rows.items()
    }


@torch.inference_mode()
def check_macs(
    model: nn.Module,
    method_predict: Callable[..., Prediction],
    dataset: VideoDataset,
    settings: Any,
    device: torch.device,
) -> "pd.DataFrame":
    """The executed MACs of the first video, per module. Raises SaccadeError where they aren't those that `predict`
    declares, and where it declares other frames as decoded than it had decoded."""
    clip = to_device(collate([dataset[0]]), device)
    counted = count(method_predict, model, clip, settings)
    declared = int(counted.result.macs[0])
    if counted.macs != declared:
        raise SaccadeError(
            f"video {clip['video_id'][0]}: predict declares {declared} multiply-adds but executes {counted.macs}"
        )
    need_declared_frames(clip, counted.result)
    return module_table(counted)


def need_declared_frames(clip: dict[str, Any], found: Prediction) -> None:
    """Raises SaccadeError where a method that had just this clip's frames decoded, if it is on demand, doesn't say how
    many."""
    if "frames" not in clip:
        return
    if found.decoded_frames is None:
        raise SaccadeError(
            "a method whose clips are on demand gives `decoded_frames` in its Prediction: for each video the sum of "
            "`decoded_for` over what it asks for"
        )
    for video, frames, declared in zip(clip["video_id"], clip["frames"], found.decoded_frames.tolist(), strict=True):
        if declared != frames.decoded_frames:
            raise SaccadeError(
                f"video {video}: predict declares {declared} decoded frames but has {frames.decoded_frames} decoded"
            )


def add_view(row: dict[str, Any], found: Prediction, batch: dict[str, Any], number: int, views: int) -> None:
    """Adds one view of one video to its row."""
    decoded = batch["decoded_frames"] if found.decoded_frames is None else found.decoded_frames
    for key, value in (("macs", found.macs), ("frames", found.frames), ("decoded_frames", decoded)):
        row[key] = row.get(key, 0) + int(value[number])
    row.setdefault("decisions", []).append(found.decisions[number] if found.decisions else {})
    for head, probabilities in found.probabilities.items():
        scores = probabilities[number].double().cpu().numpy() / views
        if not np.isfinite(scores).all():
            raise SaccadeError(f"video {batch['video_id'][number]}: the scores of head '{head}' are not finite")
        row[f"{head}.scores"] = row.get(f"{head}.scores", 0) + scores
        if (labels := batch["labels"].get(head)) is not None:  # a video that somebody wants to try has none
            row[f"{head}.target"] = (
                int(labels[number]) if labels.ndim == 1 else labels[number].nonzero().flatten().tolist()
            )


def to_row(video: str, row: dict[str, Any]) -> dict[str, Any]:
    """With scores as they are kept."""
    scores = {key: value.astype(np.float32) for key, value in row.items() if key.endswith(".scores")}
    return {"video_id": video} | row | scores
