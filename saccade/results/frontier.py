"""The static frontier: the best that fixed networks reach for each cost, which every adaptive method is held against.
No torch.

Its points are the own points of the methods whose card says `baseline: true` (frames x resolution x width), on the same
dataset and budget.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saccade.results.reader import PlannedGrid
from saccade.results.runs import collect_metrics, main_metric, point_titles, summarise

FRONTIER_COLUMNS = ["method", "variant", "point", "title", "gmacs", "value"]


def baselines_of(grid: PlannedGrid) -> list[str]:
    """The names of the grid's methods that are baselines."""
    return [method["name"] for method in grid["methods"] if method.get("baseline")]


def baseline_metrics(grid: PlannedGrid, root: Path) -> pd.DataFrame:
    """Every metric of the whole grid's baselines, as `runs.collect_metrics`."""
    names = baselines_of(grid)
    return collect_metrics({**grid, "runs": [run for run in grid["runs"] if run["method"] in names]}, root)


def static_frontier(grid: PlannedGrid, metrics: pd.DataFrame, dataset: str, head: str) -> pd.DataFrame:
    """FRONTIER_COLUMNS, by rising cost: the baselines' points that no other one beats, means over seeds; empty where
    none was run."""
    found = [pd.DataFrame(columns=FRONTIER_COLUMNS)]
    for method in baselines_of(grid):
        points = tradeoff_points(grid, metrics, method, dataset, head)
        own = points[points.stand_in == ""]
        if len(own):
            found.append(own.assign(method=method)[FRONTIER_COLUMNS])
    every = pd.concat(found[1:] or found, ignore_index=True)
    front = every[pareto_front(every.gmacs, every.value)].sort_values("gmacs", kind="stable", ignore_index=True)
    return front.drop_duplicates(["gmacs", "value"], ignore_index=True)


def cost_ratio(gmacs: float, value: float, front: pd.DataFrame) -> tuple[float, str]:
    """How many times `gmacs` the cheapest baseline costs that reaches at least `value`, and what to know about that
    number.

    (inf, "not reached") where no baseline reaches it. "at most" where even the cheapest baseline exceeds it, since a
    cheaper one might reach it, too. (nan, "") without a frontier. Nothing is interpolated: no baseline was measured
    between two others.
    """
    if not len(front):
        return math.nan, ""
    enough = np.flatnonzero(front.value.to_numpy(float) >= value)
    if not len(enough):
        return math.inf, "not reached"
    return float(front.gmacs.iloc[enough[0]] / gmacs), "at most" if enough[0] == 0 and front.value.iloc[
        0
    ] > value else ""


def pareto_front(cost: Any, value: Any) -> np.ndarray:
    """A mask of the points that no other point beats. One point beats another if it is at most as costly and at least
    as good, and better in one of the two."""
    cost, value = np.asarray(cost, float), np.asarray(value, float)
    cheaper = (cost[None, :] <= cost[:, None]) & (value[None, :] >= value[:, None])
    strictly = (cost[None, :] < cost[:, None]) | (value[None, :] > value[:, None])
    return np.asarray(~(cheaper & strictly).any(axis=1) & np.isfinite(cost) & np.isfinite(value))


def tradeoff_points(grid: PlannedGrid, metrics: pd.DataFrame, method: str, dataset: str, head: str) -> pd.DataFrame:
    """What the accuracy-cost figure draws: variant, point, title, stand_in, of, gmacs, value, chance, low, high, sd,
    seeds, front.

    The front is that of the method's own points: an oracle sees the ground truth, and stand-ins are there to be
    compared with.
    """
    own = metrics[(metrics.method == method) & (metrics.dataset == dataset)]
    wide = summarise(own).set_index(["variant", "point", "metric"])
    names = {"gmacs": "gmacs.mean", "value": main_metric(own, head), "chance": f"{head}.chance"}
    rows = point_titles(grid, method).query("dataset == @dataset").drop(columns="dataset").reset_index(drop=True)
    for column, metric in names.items():
        rows[column] = [
            wide["mean"].get((v, p, metric), math.nan) for v, p in zip(rows.variant, rows.point, strict=True)
        ]
    for column in ("low", "high", "sd", "seeds"):
        rows[column] = [
            wide[column].get((v, p, names["value"]), math.nan) for v, p in zip(rows.variant, rows.point, strict=True)
        ]
    rows = rows.dropna(subset=["gmacs", "value"]).reset_index(drop=True)
    rows["front"] = False
    mine = rows.index[rows.stand_in == ""]
    rows.loc[mine, "front"] = pareto_front(rows.gmacs[mine], rows.value[mine])
    return rows


def seed_points(grid: PlannedGrid, metrics: pd.DataFrame, method: str, dataset: str, head: str) -> pd.DataFrame:
    """One row per point and seed: variant, point, seed, stand_in, gmacs, value."""
    own = metrics[(metrics.method == method) & (metrics.dataset == dataset)]
    metric = main_metric(own, head)
    wide = (
        own[own.metric.isin(["gmacs.mean", metric])]
        .pivot(index=["variant", "point", "seed"], columns="metric", values="value")
        .reset_index()
    )
    wide = wide.rename(columns={"gmacs.mean": "gmacs", metric: "value"}).reindex(
        columns=["variant", "point", "seed", "gmacs", "value"]
    )
    return wide.merge(point_titles(grid, method).query("dataset == @dataset"), on=["variant", "point"])
