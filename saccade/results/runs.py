"""Tidy tables of what was run, and the tables a reader sees. Numbers stay fractions and integers until `show_*` turns
them into text.

Every function takes the planned grid (`results/<budget>/plan.json`, a dict) and a project root, or tables made by
another one here. No torch.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from saccade import products, reencoding
from saccade.cards.address import DATA, parse_address, with_edition
from saccade.cards.layout import QUOTIENT
from saccade.plan.gates import why_gate_missed
from saccade.records import METRICS_COLUMNS, first_few
from saccade.results.reader import PlannedGrid, RunFiles, dataset_label, read_coverage, runs_of
from saccade.scoring.class_names import matching_words
from saccade.scoring.intervals import RARE

PLANNED_COLUMNS = ["dataset", "method", "variant", "point", "seed", "status", "why"]
HISTORY_COLUMNS = ["dataset", "variant", "seed", "phase", "epoch", "series", "value"]
MODULE_COLUMNS = ["dataset", "variant", "name", "macs", "share"]


def without_other_methods(grid: PlannedGrid, method: str) -> PlannedGrid:
    """The grid without the other methods' runs."""
    return {**grid, "runs": runs_of(grid, method)}


def rows_of(table: pd.DataFrame) -> Iterator[Any]:
    """The table's rows as named tuples; what a column holds is known only when it runs, hence Any."""
    return iter(table.itertuples(index=False))


def collect_metrics(grid: PlannedGrid, root: Path) -> pd.DataFrame:
    """Every metric of every planned point that has been scored, tidy (METRICS_COLUMNS), in the grid's order and then by
    metric name."""
    rows = []
    for run in grid["runs"]:
        scored = (RunFiles(run, root).metrics() or {"rows": []})["rows"]
        order = [point["name"] for point in run["points"]]
        for row in sorted(
            (row for row in scored if row["point"] in order), key=lambda row: (order.index(row["point"]), row["metric"])
        ):
            identity = {
                "dataset": dataset_label(run),
                "method": run["method"],
                "variant": run["variant"],
                "seed": run["seed"],
            }
            rows.append({**identity, **{key: row.get(key) for key in ("point", "metric", "value", "low", "high", "n")}})
    table = pd.DataFrame(rows, columns=METRICS_COLUMNS)
    return table.astype({"seed": "Int64", "n": "Int64", "value": float, "low": float, "high": float})


def average_editions(grid: PlannedGrid, metrics: pd.DataFrame) -> pd.DataFrame:
    """One row for each of the data cards' `means`, as dataset `<dataset>@<mean>`, where a point has been scored on all
    its editions with that seed: value, low and high are the editions' means, which for independent editions makes the
    interval too wide, never too narrow; n is the sum."""
    found = [metrics.iloc[:0]]
    keys = ["method", "variant", "point", "seed", "metric"]
    for dataset in grid["datasets"]:
        for name, editions in dataset.get("means", {}).items():
            labels = [with_edition(dataset["name"], edition) for edition in editions]
            groups = metrics[metrics.dataset.isin(labels)].groupby(keys, sort=False)
            parts = {"value": ("value", "mean"), "low": ("low", "mean"), "high": ("high", "mean"), "n": ("n", "sum")}
            means = groups.agg(**parts, editions=("dataset", "nunique")).reset_index()
            found.append(
                means[means.editions == len(labels)].assign(dataset=with_edition(dataset["name"], name))[
                    METRICS_COLUMNS
                ]
            )
    return pd.concat(found, ignore_index=True)


def quotients(metrics: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """One row for each `<metric> / <metric>` of `names`, where both were scored and the second isn't 0: the quotient of
    both values, of that seed; no interval."""
    keys = ["dataset", "method", "variant", "point", "seed"]
    found = [metrics.iloc[:0]]
    for name in names:
        first, _, second = name.partition(QUOTIENT)
        above, below = (metrics.loc[metrics.metric == one, [*keys, "value", "n"]] for one in (first, second))
        both = above.merge(below, on=keys, suffixes=("", "_below")).query("value_below != 0")
        made = both.assign(metric=name, value=both.value / both.value_below, low=math.nan, high=math.nan)
        found.append(made[METRICS_COLUMNS])
    return pd.concat(found, ignore_index=True)


def missed_gates(run: dict[str, Any], root: Path) -> list[str]:
    """A sentence for each phase that the run is made of, its own or another's, and that missed the gate its card
    sets."""
    found = []
    for product, gate in ((root / path, gate) for path, gate in run["gates"].items()):
        if product.exists() and (missed := why_gate_missed(gate, products.read(product)["result"])):
            found.append(f"phase {product.stem} of {product.parent.relative_to(root / 'results')} {missed}")
    return found


def collect_planned(grid: PlannedGrid, root: Path) -> pd.DataFrame:
    """Every planned point of every run (PLANNED_COLUMNS): `run` where it has been scored, else `not run` and why.
    Where a phase missed its gate, `why` says so for one that was run, too."""
    rows = []
    for run in grid["runs"]:
        found = RunFiles(run, root).metrics()
        scored = {row["point"] for row in found["rows"]} if found else set()
        reason = "added after scoring: run predict and score again" if found else run.get("why") or "not run yet"
        gates = "; ".join(f"gate missed: {sentence}" for sentence in missed_gates(run, root))
        for point in run["points"]:
            done = point["name"] in scored
            identity = [dataset_label(run), run["method"], run["variant"], point["name"], run["seed"]]
            rows.append([*identity, "run" if done else "not run", gates if done else point.get("why") or reason])
    return pd.DataFrame(rows, columns=PLANNED_COLUMNS)


def point_titles(grid: PlannedGrid, method: str) -> pd.DataFrame:
    """One row per planned point of the method, in the grid's order: dataset, variant, point, title, stand_in ('' for
    the method's own), of (the `<variant>/<point>`s that a stand-in stands for)."""
    rows = {
        (dataset_label(run), run["variant"], point["name"]): (
            point.get("title") or point["name"],
            point["stand_in"] or "",
            point["of"],
        )
        for run in runs_of(grid, method)
        for point in run["points"]
    }
    return pd.DataFrame(
        [[*key, *value] for key, value in rows.items()],
        columns=["dataset", "variant", "point", "title", "stand_in", "of"],
    )


def summarise(metrics: pd.DataFrame) -> pd.DataFrame:
    """Over seeds: mean, sd (sample, NaN for one seed), seeds, n; low and high are the means of the seeds' own 95 %
    interval ends."""
    keys = ["dataset", "method", "variant", "point", "metric"]
    return (
        metrics.groupby(keys, sort=False)
        .agg(
            mean=("value", "mean"),
            sd=("value", "std"),
            low=("low", "mean"),
            high=("high", "mean"),
            seeds=("seed", "nunique"),
            n=("n", "min"),
        )
        .reset_index()
    )


def heads_of(grid: PlannedGrid, metrics: pd.DataFrame, dataset: str) -> list[str]:
    """Heads that were scored on the dataset: the card's in its order, then derived ones (`action`)."""
    names = metrics.loc[metrics.dataset == dataset, "metric"].str.rpartition(".")
    scored = list(dict.fromkeys(names.loc[names[2].isin(["top1", "map"]), 0]))
    card = [
        head
        for entry in grid["datasets"]
        if entry["name"] == parse_address(dataset, DATA).dataset
        for head in next(iter(entry["classes"].values()))  # every edition has the same heads
    ]
    return [head for head in card if head in scored] + sorted(set(scored) - set(card))


def main_metric(metrics: pd.DataFrame, head: str) -> str:
    """`<head>.top1`, or `<head>.map` where several classes may be right."""
    return f"{head}.top1" if (metrics.metric == f"{head}.top1").any() else f"{head}.map"


def count_videos(grid: PlannedGrid, root: Path, method: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Test videos and clusters behind the numbers of each (dataset, variant) that has been scored."""
    counts = {}
    for run in runs_of(grid, method):
        if scored := RunFiles(run, root).metrics():
            counts[dataset_label(run), run["variant"]] = (scored["evaluated"], scored["clusters"])
    return counts


def omitted_metrics(grid: PlannedGrid, root: Path, method: str, dataset: str) -> list[str]:
    """What scoring left out, and why: one sentence each."""
    files = [RunFiles(run, root).metrics() for run in runs_of(grid, method) if dataset_label(run) == dataset]
    notes = (f"{note['metric']}: {note['reason']}" for found in files if found for note in found.get("omitted", []))
    return list(dict.fromkeys(notes))


def data_notes(grid: PlannedGrid, root: Path, method: str, dataset: str) -> list[str]:
    """What to know of the videos, a sentence each: which of them published weights are judged on, classes with none or
    few to train or test on, copies."""
    files = [RunFiles(run, root).metrics() for run in runs_of(grid, method) if dataset_label(run) == dataset]
    tested = {head: named for found in files if found for head, named in found.get("classes", {}).items()}
    names = [
        f"{run['variant']}: {sentence}"
        for run in runs_of(grid, method)
        if dataset_label(run) == dataset and (found := RunFiles(run, root).metrics())
        for head, matched in found.get("matching", {}).items()
        for sentence in matching_words(head, matched)
    ]
    coverage = read_coverage(grid, root, dataset) or {}
    named = [("no video to train on", head, classes) for head, classes in coverage.get("untrained", {}).items()]
    for what, reason in (
        ("without_positives", "no video to test on"),
        ("rare", f"fewer than {RARE} videos to test on"),
    ):
        named += [(reason, head, classes[what]) for head, classes in tested.items()]
    for head, lost in coverage.get("lost_classes", {}).items():
        named += [(f"none of the videos for {split} can be used", head, classes) for split, classes in lost.items()]
    notes = [f"{head}, {reason}: {first_few(classes, 20)}" for reason, head, classes in named if classes]
    if (listed := coverage.get("listed", 0)) > coverage.get("expected", 0):
        notes.append(f"a subset: {coverage['expected']} of the {listed} videos that the dataset lists")
    notes += [reencoding.in_words(encoded)] if (encoded := coverage.get("encoded")) else []
    copies = len(coverage.get("copies", []))
    notes += [f"videos of which copies are there, byte for byte: {copies}"] if copies else []
    return [*dict.fromkeys(names), *notes]


def read_history(grid: PlannedGrid, root: Path, method: str) -> pd.DataFrame:
    """Every number of every epoch line (HISTORY_COLUMNS); where an epoch was logged twice (a resumed training), the
    later line."""
    rows: dict[tuple[Any, ...], float] = {}
    for run in runs_of(grid, method):
        for phase, entry in RunFiles(run, root).log():
            for series, value in entry.items():
                if series.startswith(("train.", "val.")) and isinstance(value, int | float):
                    rows[dataset_label(run), run["variant"], run["seed"], phase, entry["epoch"], series] = value
    return pd.DataFrame([[*key, value] for key, value in rows.items()], columns=HISTORY_COLUMNS)


def read_modules(grid: PlannedGrid, root: Path, method: str) -> pd.DataFrame:
    """The MACs of each module of one frame or clip (MODULE_COLUMNS), per dataset and variant, from the first seed that
    was counted."""
    tables: dict[tuple[str, str], pd.DataFrame] = {}
    for run in runs_of(grid, method):
        key = (dataset_label(run), run["variant"])
        if key not in tables and (cost := RunFiles(run, root).cost()):
            table = pd.DataFrame(cost["modules"], columns=["name", "type", "macs", "share"])
            tables[key] = table.assign(dataset=key[0], variant=key[1])[MODULE_COLUMNS]
    return pd.concat(tables.values(), ignore_index=True) if tables else pd.DataFrame(columns=MODULE_COLUMNS)
