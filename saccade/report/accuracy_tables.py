"""What each operating point reaches and costs, and whether it looks where the information is: tidy, and as a reader
sees it. No torch."""

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from saccade.report.tidy import Column, TidyTable, interval, tidy, words
from saccade.results.reader import PlannedGrid, dataset_label, runs_of
from saccade.results.runs import count_videos, heads_of, main_metric, point_titles, rows_of, summarise

NOT_RUN = "not run"
HIT_RATES = {
    "hit.frames": "frames",
    "hit.boxes": "patches (centre)",
    "cover.boxes": "patches (box)",
}
CHANCES = {"random": "Random %", "even": "Evenly spread %", "centre": "Centre %", "fixed": "Best fixed %"}
METRIC_NAMES = {
    "top1": "top-1",
    "top5": "top-5",
    "joint_top5": "joint top-5",
    "map": "mAP",
    "top1_if_missing_wrong": "top-1 if missing videos were wrong",
    "top1_if_missing_right": "top-1 if missing videos were right",
}
POINT = (words("Variant", "variant"), words("Point", "title"))
ROLE = words("Role", "role", empty="")


def headline(grid: PlannedGrid, metrics: pd.DataFrame, root: Path, method: str, dataset: str) -> TidyTable:
    """One row per planned point: main metric per head, GMACs, frames, videos and clusters, seeds run of those planned;
    last, chance."""
    titles, heads, cell = _summaries(grid, metrics, method, dataset)
    counts = count_videos(grid, root, method)
    planned = Counter(run["variant"] for run in runs_of(grid, method) if dataset_label(run) == dataset)
    own = metrics[(metrics.method == method) & (metrics.dataset == dataset)]
    seeds = own.groupby(["variant", "point"]).seed.nunique()
    main = [main_metric(metrics, head) for head in heads]
    rows = []
    for p in rows_of(titles):
        run = int(seeds.get((p.variant, p.point), 0))
        row = _point(p) | {"role": p.stand_in, "status": "" if run else NOT_RUN}
        row |= {name: value for metric in main for name, value in _spread(metric, cell(p, metric)).items()}
        row |= {f"gmacs.{name}": cell(p, f"gmacs.{name}").mean for name in ("mean", "p50", "p95")}
        videos, clusters = counts.get((dataset, p.variant), (math.nan, math.nan)) if run else (math.nan, math.nan)
        row |= {"frames": cell(p, "frames.mean").mean, "videos": videos, "clusters": clusters}
        rows.append(row | {"seeds": run, "seeds_planned": planned[p.variant]})
    levels = own.groupby("metric").value.mean()
    chance = {metric: levels.get(f"{head}.chance", math.nan) for head, metric in zip(heads, main, strict=True)}
    if not all(math.isnan(value) for value in chance.values()):
        rows.append({"variant": "any", "title": "majority class", "role": "chance", **chance})
    return tidy(
        rows,
        [
            *(*POINT, ROLE, *(interval(_heading(metric), metric, "status") for metric in main)),
            Column("GMACs per video", ("gmacs.mean", "gmacs.p50", "gmacs.p95"), "with_range", "status"),
            Column("Frames", ("frames",), "count", "status"),
            Column("Videos (clusters)", ("videos", "clusters"), "count_in", "status"),
            Column("Seeds", ("seeds", "seeds_planned"), "out_of"),
        ],
    )


def details(grid: PlannedGrid, metrics: pd.DataFrame, method: str, dataset: str) -> TidyTable:
    """One row per planned point: the other metrics of each head, and decoded frames."""
    titles, heads, cell = _summaries(grid, metrics, method, dataset)
    others = [f"{head}.{name}" for head in heads for name in list(METRIC_NAMES)[1:]]
    rows = []
    for p in rows_of(titles):
        row = _point(p) | {name: value for one in others for name, value in _spread(one, cell(p, one)).items()}
        rows.append(row | {"decoded_frames": cell(p, "decoded_frames.mean").mean})
    decoded = Column("Decoded frames", ("decoded_frames",), "count")
    return tidy(rows, [*POINT, *(interval(_heading(metric), metric) for metric in others), decoded]).without_empty()


def hit_rates(grid: PlannedGrid, metrics: pd.DataFrame, method: str, dataset: str) -> TidyTable:
    """One row per measure of `scoring.hit_rates` and scored point: the share found, beside what chance reaches at the
    same number and size."""
    titles, _, cell = _summaries(grid, metrics, method, dataset)
    rows = []
    for measure, said in HIT_RATES.items():
        for p in rows_of(titles):
            found = cell(p, measure)
            if pd.isna(found.mean):
                continue
            chances = {f"chance.{how}": cell(p, f"{measure}.chance_{how}").mean for how in CHANCES}
            row = {"measure": measure, "of": said, **_point(p), "role": p.stand_in, **_spread("found", found)}
            rows.append({**row, **chances, "videos": found.n})
    chance = (Column(heading, (f"chance.{how}",), "percent") for how, heading in CHANCES.items())
    columns = [words("Of", "of"), *POINT, ROLE, interval("Found %", "found"), *chance]
    return tidy(rows, [*columns, Column("Videos", ("videos",), "count")]).without_empty()


def _summaries(
    grid: PlannedGrid, metrics: pd.DataFrame, method: str, dataset: str
) -> tuple[pd.DataFrame, list[str], Callable[[Any, str], Any]]:
    """The method's planned points on the dataset, its heads, and `cell(point, metric)`: a summary's row, NaN if not
    scored."""
    own = metrics[(metrics.method == method) & (metrics.dataset == dataset)]
    summary = summarise(own).set_index(["variant", "point", "metric"])[["mean", "sd", "low", "high", "seeds", "n"]]
    rows = dict(zip(summary.index, rows_of(summary), strict=True))
    empty = SimpleNamespace(**dict.fromkeys(summary.columns, math.nan))
    titles = point_titles(grid, method).query("dataset == @dataset")
    return titles, heads_of(grid, own, dataset), lambda p, metric: rows.get((p.variant, p.point, metric), empty)


def _point(p: Any) -> dict[str, Any]:
    return {"variant": p.variant, "point": p.point, "title": p.title}


def _spread(name: str, summary: Any) -> dict[str, float]:
    """A summary over seeds in four columns, as `tidy.interval` shows them."""
    return {name: summary.mean, f"{name}.sd": summary.sd, f"{name}.low": summary.low, f"{name}.high": summary.high}


def _heading(metric: str) -> str:
    head, _, name = metric.rpartition(".")
    return f"{head} {METRIC_NAMES[name]} %"
