"""The step that predicts a test split once per run, at every operating point: scores, and what each video cost."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

from saccade import cost, weights
from saccade.device import choose_device, seed_everything, to_device
from saccade.project import load_module
from saccade.records import PREDICTION_COLUMNS, Prediction, SaccadeError, Task, canonical, provenance, write_json, write_parquet
from saccade.video.loader import VideoDataset, batches, collate, read_index

if TYPE_CHECKING:
    import pandas as pd


def predict(task: Task) -> None:
    """Writes `predictions.parquet`: one row per test video and operating point."""
    import pandas as pd

    started = time.perf_counter()
    index, truth = read_index(task.root / task.prepared, task.root, task.heads)
    seed_everything(task.seed, task.settings.threads)
    device = choose_device(task.settings.device)
    method = load_module(task.root / task.method / "model.py")
    model = method.build(task.settings, task.heads)
    weights.load(model, [task.root / product for product in task.weights], whole=True)
    model = model.to(device, memory_format=torch.channels_last).eval()
    tables, modules = [], {}
    for point, settings in task.points.items():
        dataset = VideoDataset(index, task.root, task.heads, settings, "test", train=False, seed=task.seed, truth=truth)
        modules[point] = check_macs(model, method.predict, dataset, settings, device)
        tables.append(predict_point(model, method.predict, dataset, settings, device, label=point).assign(point=point))
    table = pd.concat(tables, ignore_index=True)
    columns = [*PREDICTION_COLUMNS, *(f"{head.name}.{part}" for head in task.heads for part in ("target", "scores"))]
    write_parquet(task.folder / "predictions.parquet", table[columns])
    largest = max(modules, key=lambda point: modules[point]["macs"].max())
    rows = modules[largest].to_dict("records")
    write_json(task.folder / "cost.json", {"variant": task.run.split("/")[3], "point": largest, "modules": rows})
    seconds = round(time.perf_counter() - started, 1)
    write_json(
        task.folder / "provenance.predict.json",
        provenance(task.root, device=str(device), threads=task.settings.threads, seconds=seconds, code=task.code, settings=task.values),
    )


@torch.inference_mode()
def predict_point(
    model: torch.nn.Module,
    method_predict: Callable[..., Prediction],
    dataset: VideoDataset,
    settings: Any,
    device: torch.device,
    label: str = "",
) -> "pd.DataFrame":
    """One row per video: probabilities averaged and costs summed over its views. Batches are cut from the id-sorted list."""
    import pandas as pd

    rows: dict[str, dict[str, Any]] = {}
    views = dataset.num_views
    with tqdm(total=len(dataset) * views, desc=f"predict {label}", unit="view", mininterval=1.0) as progress:
        for view in range(views):
            for batch in batches(dataset.at_view(view), settings.eval_batch_size, shuffle=False, epoch=0, workers=settings.workers):
                found = method_predict(model, to_device(batch, device), settings)
                for number, video in enumerate(batch["video_id"]):
                    _add(rows.setdefault(video, {}), found, batch, number, views)
                progress.update(len(batch["video_id"]))
    table = pd.DataFrame([_row(video, row) for video, row in sorted(rows.items())])
    return table.merge(dataset.index[["video_id", "cluster"]], on="video_id", validate="one_to_one")


@torch.inference_mode()
def check_macs(
    model: torch.nn.Module, method_predict: Callable[..., Prediction], dataset: VideoDataset, settings: Any, device: torch.device
) -> "pd.DataFrame":
    """The executed MACs of the first video, per module. Raises SaccadeError where they aren't those that `predict` declares."""
    clip = to_device(collate([dataset[0]]), device)
    method_predict(model, clip, settings)  # uncounted: a method may count a shape, once, to know what it will declare
    counted = cost.count(method_predict, model, clip, settings)
    declared = int(counted.result.macs[0])
    if counted.macs != declared:
        raise SaccadeError(f"video {clip['video_id'][0]}: predict declares {declared} multiply-adds but executes {counted.macs}")
    return cost.module_table(counted)


def _add(row: dict[str, Any], found: Prediction, batch: dict[str, Any], number: int, views: int) -> None:
    """Adds one view of one video to its row."""
    for key, value in (("macs", found.macs), ("frames", found.frames), ("decoded_frames", batch["decoded_frames"])):
        row[key] = row.get(key, 0) + int(value[number])
    row.setdefault("decisions", []).append(found.decisions[number] if found.decisions else {})
    for head, probabilities in found.probabilities.items():
        scores = probabilities[number].double().cpu().numpy() / views
        if not np.isfinite(scores).all():
            raise SaccadeError(f"video {batch['video_id'][number]}: the scores of head '{head}' are not finite")
        row[f"{head}.scores"] = row.get(f"{head}.scores", 0) + scores
        label = batch["labels"][head][number]
        row[f"{head}.target"] = int(label) if label.ndim == 0 else label.nonzero().flatten().tolist()


def _row(video: str, row: dict[str, Any]) -> dict[str, Any]:
    scores = {key: value.astype(np.float32) for key, value in row.items() if key.endswith(".scores")}
    return {"video_id": video} | row | scores | {"decisions": canonical(row["decisions"])}
