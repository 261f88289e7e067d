"""Running a finished model on videos: its answers and what they cost. Shared by the steps predict, measure and try."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from saccade.cards.address import RUN, parse_address
from saccade.cost.count import count, module_table
from saccade.engine import weights
from saccade.engine.device import place, to_device
from saccade.project import load_module
from saccade.records import Prediction, SaccadeError, Task
from saccade.video.loader import VideoDataset, batches, collate

if TYPE_CHECKING:
    import pandas as pd


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
    weights.load(model, task.loads, whole=True)
    return place(model, device).eval()


@torch.inference_mode()
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
    import pandas as pd

    rows: dict[str, dict[str, Any]] = {}
    views = dataset.num_views
    with tqdm(
        total=len(dataset) * views, desc=f"predict {label}", unit="view", mininterval=1.0, disable=not label
    ) as progress:
        for view in range(views):
            for batch in batches(
                dataset.at_view(view), settings.eval_batch_size, shuffle=False, epoch=0, workers=settings.workers
            ):
                found = method_predict(model, to_device(batch, device), settings)
                for number, video in enumerate(batch["video_id"]):
                    add_view(rows.setdefault(video, {}), found, batch, number, views)
                progress.update(len(batch["video_id"]))
    table = pd.DataFrame([to_row(video, row) for video, row in sorted(rows.items())])
    return table.merge(dataset.index[["video_id", "cluster"]], on="video_id", validate="one_to_one")


@torch.inference_mode()
def check_macs(
    model: nn.Module,
    method_predict: Callable[..., Prediction],
    dataset: VideoDataset,
    settings: Any,
    device: torch.device,
) -> "pd.DataFrame":
    """The executed MACs of the first video, per module. Raises SaccadeError where they aren't those that `predict`
    declares."""
    clip = to_device(collate([dataset[0]]), device)
    counted = count(method_predict, model, clip, settings)
    declared = int(counted.result.macs[0])
    if counted.macs != declared:
        raise SaccadeError(
            f"video {clip['video_id'][0]}: predict declares {declared} multiply-adds but executes {counted.macs}"
        )
    return module_table(counted)


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
