"""The cells of a paper's tables, tidy, with ours beside each printed number. No torch.

A complexity cell is answered by results/cost.csv, every other one by a run of budget `paper`: numbers of any other
budget never stand beside a printed one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from saccade import products
from saccade.cards.address import Address
from saccade.cards.layout import QUOTIENT, SPEED_UP, Layout, Source
from saccade.cards.paper import Paper
from saccade.cost.printed import KEY, NULL_MODEL, PARAMETERS, UNITS, counts_macs, is_complexity
from saccade.judging.reported import lines_of, source_of
from saccade.plan.grid import runs_behind
from saccade.project import PUBLISHED
from saccade.results.reader import PlannedGrid, RunFiles
from saccade.results.runs import average_editions, collect_metrics, collect_planned, quotients, rows_of, summarise

CELL_COLUMNS = [
    "row",
    "column",
    "dataset",
    "unit",
    "origin",
    "printed",
    "paper",
    "ours",
    "sd",
    "low",
    "high",
    "difference",
    "source",
    "why",
]
COUNTED, EXECUTED, NOT_RUN = "counted", "executed", "not run"  # or NULL_MODEL
PER_POINT = " per point"  # of an accuracy in %
PARTS = {"view": ("num_clips", "num_crops"), "frame": ("num_clips", "num_crops", "num_frames")}  # how many: settings


@dataclass(frozen=True)
class Answer:
    """What we say to one printed cell, in its unit. source: COUNTED, EXECUTED, NOT_RUN, or '' where nothing was asked
    of us; why: the reason, the counting rule, or the run."""

    source: str
    why: str
    value: float = math.nan
    sd: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True, eq=False)
class Results:
    """What the runs that a paper names left: their planned cells, the summary over seeds by (dataset, run, point,
    metric), and the counts of cost.csv by its KEY."""

    grid: PlannedGrid
    root: Path
    planned: pd.DataFrame
    summary: dict[tuple[str, ...], Any]
    counted: dict[tuple[str, ...], Any]


def read_results(grid: PlannedGrid, root: Path, paper: Paper) -> Results:
    """`grid` is the whole one: a printed row may be a run of another method."""
    wanted = {label for run in paper.runs for label in runs_behind(grid["datasets"], run)}
    mine = {**grid, "runs": [run for run in grid["runs"] if _name(run) in wanted]}
    metrics = collect_metrics(mine, root)
    metrics = pd.concat([metrics, average_editions(mine, metrics)], ignore_index=True)
    asked = {metric for layout in paper.tables for metric in layout.metrics.values() if QUOTIENT in metric}
    made = [quotients(metrics, sorted(asked)), *_speed_ups(paper, metrics)]
    summary = summarise(pd.concat([metrics, *made], ignore_index=True))
    cost = (
        products.read_csv(root / "results/cost.csv")
        if products.left(root / "results/cost.csv")
        else pd.DataFrame(columns=[*KEY, "ours", "rule"])
    )
    return Results(
        grid,
        root,
        collect_planned(mine, root),
        {(f"{s.dataset}/{s.method}/{s.variant}", s.point, s.metric): s for s in rows_of(summary)},
        {tuple(map(str, (c.paper, c.table, c.row, c.column, c.dataset))): c for c in rows_of(cost)},
    )


def paper_cells(paper: Paper, layout: Layout, reported: pd.DataFrame, results: Results) -> pd.DataFrame:
    """One line (CELL_COLUMNS) per cell of the layout that the paper prints. `difference`: ours minus printed where the
    unit is %, else ours / printed - 1. SaccadeError as `lines_of` raises it."""
    cells = [_cell(line, answer(paper, layout, line, results)) for line in lines_of(paper, layout, reported)]
    return pd.DataFrame(cells, columns=CELL_COLUMNS)


def answer(paper: Paper, layout: Layout, line: Any, results: Results) -> Answer:
    """Ours to one line of reported.csv, which is `shown` under a column of the layout. A cited number whose row names
    no run of ours is context: nothing is asked of us."""
    source = source_of(layout, line)
    if line.origin == "cited" and source is None:
        return Answer("", "")
    if is_complexity(line.unit):
        counted = results.counted.get((paper.name, line.table, line.row, line.column, line.dataset))
        if counted is not None and not pd.isna(counted.ours):
            without_structure = str(counted.rule).startswith(NULL_MODEL)
            if not without_structure or _why_unanswered(paper, layout, line, source, results):
                rule = "" if pd.isna(counted.rule) else str(counted.rule)
                return Answer(NULL_MODEL if without_structure else COUNTED, rule, float(counted.ours))
    if why := _why_unanswered(paper, layout, line, source, results):
        return Answer(NOT_RUN, why)
    assert source is not None
    metric = _metric(paper, layout, line, source)
    found = results.summary[source.run, source.point, metric]
    scale = _scale(line.unit, metric, source, results, found.n)
    if math.isnan(scale):
        return Answer(NOT_RUN, f"ours is in GMACs per video, which can't be told in {line.unit}")
    seeds = f"{found.seeds} seed{'s' if found.seeds > 1 else ''}"
    numbers = (scale * number for number in (found.mean, found.sd, found.low, found.high))
    return Answer(EXECUTED, f"{source.run} at {source.point}, {seeds}", *numbers)


def _cell(line: Any, ours: Answer) -> list[Any]:
    difference = (
        ours.value - line.value
        if line.unit.startswith("%")
        else ours.value / line.value - 1
        if line.value
        else math.nan
    )
    identity = [line.row, line.shown, line.dataset, line.unit, line.origin, line.printed, line.value]
    return [*identity, ours.value, ours.sd, ours.low, ours.high, difference, ours.source, ours.why]


def _metric(paper: Paper, layout: Layout, line: Any, source: Source) -> str:
    """The metric that answers the cell, as the summary names it."""
    metric = layout.metrics[line.shown]
    return _speed_up(paper.source(*source.over)) if metric == SPEED_UP and source.over else metric


def _speed_up(whole: Source) -> str:
    return f"{SPEED_UP} over {whole.run} at {whole.point}"


def _speed_ups(paper: Paper, metrics: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Of each row that says over which: what that one's mean seed costs over what it costs itself, with each seed; no
    interval."""
    costs = metrics[metrics["metric"] == "gmacs.mean"]
    names = costs["dataset"] + "/" + costs["method"] + "/" + costs["variant"]
    asked = [source for layout in paper.tables for some in layout.runs.values() for source in some]
    pairs = [(source, paper.source(*source.over)) for source in asked if source.over]
    for own, whole in {(a.run, a.point, b.run, b.point): (a, b) for a, b in pairs}.values():
        mine, other = (costs[(names == one.run) & (costs["point"] == one.point)] for one in (own, whole))
        ratio = other["value"].mean() / mine["value"]
        yield mine.assign(metric=_speed_up(whole), value=ratio, low=math.nan, high=math.nan).dropna(subset="value")


def _why_unanswered(paper: Paper, layout: Layout, line: Any, source: Source | None, results: Results) -> str | None:
    """Why no run answers the cell; None where one does."""
    budget, data = results.grid["budget"], {run["dataset"] for run in results.grid["runs"]}
    if source is None:
        others = [other.run for other in layout.runs.get(line.row, ())]
        return (
            f"the row's run ({', '.join(others)}) is on other data"
            if others
            else "no run of ours stands behind this row"
        )
    if budget != PUBLISHED:
        known = line.dataset in data
        return (
            f"only budget {PUBLISHED} answers a paper; this is {budget}"
            if known
            else f"budget {budget} has no {line.dataset}"
        )
    if line.shown not in layout.metrics:
        return f"no metric of ours answers {line.shown}"
    metric = _metric(paper, layout, line, source)
    return None if (source.run, source.point, metric) in results.summary else _why_missing(source, metric, results)


def _why_missing(source: Source, metric: str, results: Results) -> str:
    names = set(runs_behind(results.grid["datasets"], source.run))
    planned = results.planned
    planned = planned[(planned["dataset"] + "/" + planned["method"] + "/" + planned["variant"]).isin(names)]
    if planned.empty:
        return f"no run {source.run} is planned"
    cells = planned[planned["point"] == source.point]
    if cells.empty:
        return f"point {source.point} of {source.run} is not planned"
    reasons = dict.fromkeys(cells.loc[cells["status"] == NOT_RUN, "why"])
    return f"{source.run} at {source.point}: {'; '.join(reasons) if reasons else f'it has no metric {metric}'}"


def _name(run: dict[str, Any]) -> str:
    return str(Address(dataset=run["dataset"], edition=run["edition"], method=run["method"], variant=run["variant"]))


def _scale(unit: str, metric: str, source: Source, results: Results, videos: int) -> float:
    """From a metric's own unit to the printed one; nan where there is no way. videos: that the metric is a mean of."""
    if unit.startswith("%"):
        return 100.0
    if unit.endswith(PER_POINT):  # a quotient by an accuracy, which ours has as a fraction
        return _scale(unit.removesuffix(PER_POINT).strip("()"), metric, source, results, videos) / 100
    if unit == PARAMETERS:
        return math.nan  # no run measures them
    if not counts_macs(unit):
        return 1.0
    quantity, _, per = unit.partition(" per ")
    parts = {"": 1.0, "video": 1.0, "validation set": 1 / videos}.get(per) or _recorded(per, source, results)
    prefix = 1000.0 ** (UNITS.index("GMACs") - UNITS.index(quantity))
    return prefix / parts if metric.startswith("gmacs.") else math.nan


def _recorded(per: str, source: Source, results: Results) -> float:
    """Views or frames per video as the run recorded them when it was predicted; nan where it didn't."""
    names = runs_behind(results.grid["datasets"], source.run)
    for run in (run for run in results.grid["runs"] if _name(run) in names):
        settings = RunFiles(run, results.root).predicted_with(source.point) or {}
        if per in PARTS and set(PARTS[per]) <= set(settings):
            return float(math.prod(settings[name] for name in PARTS[per]))
    return math.nan
