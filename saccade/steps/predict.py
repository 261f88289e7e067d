"""The step that predicts a test split once per run, at every operating point: scores, and what each video cost."""

import time

from saccade import products
from saccade.cards.address import RUN, parse_address
from saccade.engine.device import choose_device, seed_everything
from saccade.engine.inference import check_macs, finished_model, predict_point
from saccade.project import load_module, provenance
from saccade.records import COST_FILE, PREDICTION_COLUMNS, PREDICTIONS_FILE, Task, canonical
from saccade.video.index import read_index
from saccade.video.loader import VideoDataset


def predict(task: Task) -> None:
    """Writes `predictions.parquet`: one row per test video and operating point."""
    import pandas as pd

    started = time.perf_counter()
    index, truth = read_index(task.root / task.prepared, task.root, task.heads)
    seed_everything(task.seed, task.settings.threads)
    device = choose_device(task.settings.device)
    method = load_module(task.root / task.method / "model.py")
    model = finished_model(task, device)
    tables, modules = [], {}
    for point, settings in task.points.items():
        dataset = VideoDataset(index, task.root, task.heads, settings, "test", train=False, seed=task.seed, truth=truth)
        modules[point] = check_macs(model, method.predict, dataset, settings, device)
        tables.append(predict_point(model, method.predict, dataset, settings, device, label=point).assign(point=point))
    table = pd.concat(tables, ignore_index=True)
    table["decisions"] = table["decisions"].map(canonical)
    columns = [*PREDICTION_COLUMNS, *(f"{head.name}.{part}" for head in task.heads for part in ("target", "scores"))]
    largest = max(modules, key=lambda point: modules[point]["macs"].max())
    rows = modules[largest].to_dict("records")
    cost = {"variant": parse_address(task.run, RUN).variant, "point": largest, "modules": rows}
    products.write(task.folder / COST_FILE, cost)
    seconds = round(time.perf_counter() - started, 1)
    where = {"device": str(device), "threads": task.settings.threads, "seconds": seconds}
    products.write_file(
        task.folder / PREDICTIONS_FILE,
        lambda temporary: table[columns].to_parquet(temporary, index=False),
        provenance(task.root, **where, code=task.code, settings=task.values),
        {COST_FILE: ""},
    )
