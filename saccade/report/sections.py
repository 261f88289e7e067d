"""The sections of a method's notebook: each function saves the tables and figures of one, and gives back what to show.

Whatever these functions reach re-runs the notebooks when it is edited (`plan.staleness.notebook_code`), and nothing
else of the report does. No torch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from saccade import products
from saccade.judging import stand_ins
from saccade.records import PLAN_FILE
from saccade.report import (
    accuracy_tables,
    answer_table,
    availability_tables,
    claims_table,
    figures,
    findings,
    paper_tables,
    speed_tables,
    speed_words,
    tradeoff,
)
from saccade.report.captions import about
from saccade.report.cost_table import cost_cells
from saccade.report.stand_in_tables import stand_in_table
from saccade.report.tidy import TidyTable, save_table
from saccade.results import frontier, runs, speed
from saccade.results.found import Found
from saccade.results.judged import read_claims
from saccade.results.reader import PlannedGrid

Shown = list[Any]  # what a notebook displays: TidyTables and Pictures


@dataclass(frozen=True)
class Picture:
    """A saved figure, as a notebook shows it."""

    path: Path

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the runs of one method left, read once; `whole` is the planned grid with the other methods."""

    root: Path
    method: str
    whole: PlannedGrid

    @cached_property
    def grid(self) -> PlannedGrid:
        return runs.without_other_methods(self.whole, self.method)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        return runs.collect_metrics(self.grid, self.root)

    @cached_property
    def baselines(self) -> pd.DataFrame:
        return frontier.baseline_metrics(self.whole, self.root)

    @cached_property
    def datasets(self) -> list[str]:
        return list(dict.fromkeys(self.metrics.dataset))

    @cached_property
    def tradeoffs(self) -> dict[tuple[str, str], pd.DataFrame]:
        """{(dataset, head): `frontier.tradeoff_points`}, in order."""
        return {
            (dataset, head): frontier.tradeoff_points(self.grid, self.metrics, self.method, dataset, head)
            for dataset in self.datasets
            for head in runs.heads_of(self.grid, self.metrics, dataset)
        }

    def of(self, dataset: str) -> dict[str, pd.DataFrame]:
        """{head: points} of one dataset."""
        return {head: points for (name, head), points in self.tradeoffs.items() if name == dataset}

    @cached_property
    def frontiers(self) -> dict[tuple[str, str], pd.DataFrame]:
        """{(dataset, head): `frontier.static_frontier`}."""
        return {key: frontier.static_frontier(self.whole, self.baselines, *key) for key in self.tradeoffs}

    def save(self, name: str, table: TidyTable, words: dict[str, str]) -> TidyTable:
        return save_table(table, self.root / "results" / self.grid["budget"] / "tables" / self.method, name, words)

    def draw(self, name: str, figure: Figure, words: dict[str, str]) -> Picture:
        folder = self.root / "results" / self.grid["budget"] / "figures" / self.method
        return Picture(figures.save_figure(figure, folder, name, words))


def read_inputs(root: Path, budget: str, method: str) -> Inputs:
    return Inputs(root, method, products.read(root / "results" / budget / PLAN_FILE))


def not_run(inputs: Inputs) -> Shown:
    """Every planned cell without a result, and why."""
    table = availability_tables.not_run(runs.collect_planned(inputs.grid, inputs.root))
    return [inputs.save("not_run", table, about(inputs.grid, "not_run"))]


def claims(inputs: Inputs) -> Shown:
    """The paper's claims as they were judged; nothing without claims."""
    judged = read_claims(inputs.grid, inputs.root, inputs.method)
    if judged.empty:
        return []
    said = {
        "lead": claims_table.count_verdicts(judged),
        "committed": claims_table.committed(inputs.root, inputs.method),
    }
    return [inputs.save("claims", claims_table.claims(judged), about(inputs.grid, "claims", **said))]


def accuracy(inputs: Inputs) -> Shown:
    """Each dataset's main table, the other metrics, and what published weights say of each video."""
    shown = []
    for dataset in inputs.datasets:
        given = (inputs.grid, inputs.metrics)
        headline = accuracy_tables.headline(*given, inputs.root, inputs.method, dataset)
        details = accuracy_tables.details(*given, inputs.method, dataset)
        tables = {"headline": headline, "details": details}
        answers = answer_table.answers(inputs.grid, inputs.root, inputs.method, dataset)
        for kind, table in (tables | ({"answers": answers} if len(answers) else {})).items():
            shown.append(inputs.save(f"{kind}--{dataset}", table, about(inputs.grid, kind, dataset)))
    return shown


def adaptivity(inputs: Inputs) -> Shown:
    """Each dataset's points beside their stand-ins, and whether they look where the information is."""
    shown = []
    for dataset in inputs.datasets:
        rows = {}
        for head, points in inputs.of(dataset).items():
            hits = stand_ins.read_hits(inputs.grid, inputs.root, inputs.method, dataset, head)
            front = inputs.frontiers[dataset, head]
            rows[head] = stand_ins.compare_stand_ins(inputs.grid, inputs.method, dataset, points, hits, front)
        looks = accuracy_tables.hit_rates(inputs.grid, inputs.metrics, inputs.method, dataset)
        for kind, table in (("stand_ins", stand_in_table(rows)), ("looks", looks)):
            shown.append(inputs.save(f"{kind}--{dataset}", table, about(inputs.grid, kind, dataset)))
    return shown


def tradeoffs(inputs: Inputs) -> Shown:
    """Accuracy against cost, a figure for each dataset and head."""
    return [
        _tradeoff(inputs, dataset, head, points, inputs.frontiers[dataset, head])
        for (dataset, head), points in inputs.tradeoffs.items()
    ]


def _tradeoff(inputs: Inputs, dataset: str, head: str, points: pd.DataFrame, front: pd.DataFrame) -> Picture:
    says = f"{head} {'top-1' if runs.main_metric(inputs.metrics, head).endswith('top1') else 'mAP'}"
    seeds = frontier.seed_points(inputs.grid, inputs.metrics, inputs.method, dataset, head)
    told = tradeoff.describe_tradeoff(points, says, dataset, front)
    figure = tradeoff.draw_tradeoff(points, seeds, says, front)
    return inputs.draw(f"tradeoff--{dataset}--{head}", figure, about(inputs.grid, "tradeoff", dataset, says, alt=told))


def paper(inputs: Inputs) -> Shown:
    """The paper's tables, ours beside print; nothing without a paper."""
    made = paper_tables.paper_tables(inputs.whole, inputs.root, inputs.method)
    return [inputs.save(name, table, words) for name, words, table in made]


def own_findings(inputs: Inputs) -> Shown:
    """What only this method shows: the tables and figures of its findings.py."""
    found = Found(inputs.grid, inputs.root, inputs.method)
    tables = [inputs.save(name, table, words) for name, words, table in findings.finding_tables(found)]
    return tables + [inputs.draw(name, figure, words) for name, words, figure in findings.finding_figures(found)]


def cost(inputs: Inputs) -> Shown:
    """Where the multiply-adds go, and the costs that papers print, counted again."""
    modules = runs.read_modules(inputs.grid, inputs.root, inputs.method).groupby("dataset", sort=False)
    shown: Shown = []
    for dataset, rows in ((str(key), rows) for key, rows in modules):
        words = about(inputs.grid, "modules", dataset, alt=figures.describe_modules(rows, dataset))
        shown.append(inputs.draw(f"modules--{dataset}", figures.draw_modules(rows), words))
    counted, reported = (
        inputs.root / "results/cost.csv",
        inputs.root / "methods" / inputs.method / "paper/reported.csv",
    )
    if products.left(counted) and reported.exists():
        table = cost_cells(products.read_csv(counted), pd.read_csv(reported))
        shown.append(inputs.save("cost_cells", table, about(inputs.grid, "cost_cells")))
    return shown


def timing(inputs: Inputs) -> Shown:
    """Realised speed-ups by runtime, the parts of a video's time, and the best point under a time limit, of what was
    timed."""
    shown = []
    for dataset in inputs.datasets:
        given = (inputs.grid, inputs.root, inputs.method, dataset)
        readings, left_out = speed.read_speed(*given), speed.read_not_timed(*given)
        points = len({*zip(readings.run, readings.point, strict=True), *zip(left_out.run, left_out.point, strict=True)})
        said = {
            "lead": speed_words.advice(readings, left_out),
            "not_timed": speed_words.not_timed(left_out, points),
        }
        for kind, table in _timed(inputs, dataset, readings):
            if len(table) or (kind == "speed" and any(said.values())):
                words = about(inputs.grid, kind, dataset, **(said if kind == "speed" else {}))
                shown.append(inputs.save(f"{kind}--{dataset}", table, words))
    return shown


def _timed(inputs: Inputs, dataset: str, readings: pd.DataFrame) -> Iterator[tuple[str, TidyTable]]:
    own = {head: points[points.stand_in == ""] for head, points in inputs.of(dataset).items()}
    quickest = {head: speed.equal_time(readings, points) for head, points in own.items()}
    yield "speed", speed_tables.speed(readings)
    yield "speed_readings", speed_tables.speed_readings(readings)
    yield (
        "speed_parts",
        speed_tables.speed_parts(speed.read_parts(inputs.grid, inputs.root, inputs.method, dataset)),
    )
    yield "equal_time", speed_tables.equal_time(quickest)
    yield "equal_time_by_runtime", speed_tables.equal_time_by_runtime(quickest)


def training(inputs: Inputs) -> Shown:
    """Learning curves, a figure for each dataset and phase."""
    shown = []
    history = runs.read_history(inputs.grid, inputs.root, inputs.method)
    for key, rows in history.groupby(["dataset", "phase"], sort=False):
        dataset, phase = map(str, key)
        words = about(inputs.grid, "curves", dataset, phase, alt=figures.describe_curves(rows, dataset))
        shown.append(inputs.draw(f"curves--{dataset}--{phase}", figures.draw_curves(rows), words))
    return shown


def videos(inputs: Inputs) -> Shown:
    """How many videos there are, and how many are left out."""
    table = availability_tables.coverage(inputs.grid, inputs.root, inputs.method)
    return [inputs.save("coverage", table, about(inputs.grid, "coverage"))]
