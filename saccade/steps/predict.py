"""The step that predicts a test split once per run, at every operating point: scores, and what each video cost."""

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from saccade import products
from saccade.cards.address import RUN, parse_address
from saccade.engine.device import choose_device, seed_everything
from saccade.engine.inference import check_macs, finished_model
from saccade.engine.shared_clips import groups_of, predict_together
from saccade.project import load_module, provenance, version_of
from saccade.records import COST_FILE, EAGER, PREDICTION_COLUMNS, PREDICTIONS_FILE, Prediction, Task, canonical
from saccade.video.index import read_index
from saccade.video.loader import VideoDataset


def predict(
    task: Task,
    runtime: str = EAGER,
    model_in: Callable[[Task, torch.device, str], tuple[nn.Module, Callable[..., Prediction]]] | None = None,
) -> None:
    """Writes `predictions.parquet`: one row per test video and operating point. Points whose clips on demand are the
    same are predicted together, in eager.

    Another runtime than eager is brought by `model_in` (`saccade.timing.side.checked`), since none of its code may
    decide whether what eager predicted is current: it gives the model of a task with one point in it, and what predicts
    with it. Multiply-adds are counted in eager.
    """
    import pandas as pd

    started = time.perf_counter()
    index, truth = read_index(task.root / task.prepared, task.root, task.heads)
    seed_everything(task.seed, task.settings.threads)
    device = choose_device(task.settings.device)
    method = load_module(task.root / task.method / "model.py")
    model = finished_model(task, device)
    labelled = [head for head in task.heads if head.name in index]  # published weights may know others
    tables: dict[str, pd.DataFrame] = {}
    modules: dict[str, pd.DataFrame] = {}
    groups = groups_of(task.points) if model_in is None else [{name: task.points[name]} for name in task.points]
    for points in groups:
        settings = next(iter(points.values()))
        dataset = VideoDataset(index, task.root, labelled, settings, "test", train=False, seed=task.seed, truth=truth)
        modules |= {point: check_macs(model, method.predict, dataset, points[point], device) for point in points}
        runs = model, method.predict
        if model_in:
            runs = model_in(replace(task, points=points), device, runtime)
        tables |= predict_together(*runs, dataset, points, device)
    table = pd.concat([tables[point].assign(point=point) for point in task.points], ignore_index=True)
    table["decisions"] = table["decisions"].map(canonical)
    answers = [f"{head.name}.{part}" for head in task.heads for part in ("target", "scores")]
    columns = [*PREDICTION_COLUMNS, *(column for column in answers if column in table)]
    largest = max(modules, key=lambda point: modules[point]["macs"].max())
    rows = modules[largest].to_dict("records")
    cost = {"variant": parse_address(task.run, RUN).variant, "point": largest, "modules": rows}
    products.write(task.folder / COST_FILE, cost)
    seconds = round(time.perf_counter() - started, 1)
    where = {"device": str(device), "threads": task.settings.threads, "seconds": seconds}
    if runtime != EAGER:
        where |= {"runtime": runtime}
        where |= {"runtime_version": version} if (version := version_of(runtime)) else {}
    products.write_file(
        task.folder / PREDICTIONS_FILE,
        lambda temporary: table[columns].to_parquet(temporary, index=False),
        provenance(task.root, **where, code=task.code, settings=task.values),
        {COST_FILE: ""},
    )
