"""The tables a reader sees: rows and columns of text, units in the headings, made from what the runs left. No torch."""

import math
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from saccade.cards.address import DATA, parse_address, with_edition
from saccade.cards.paper import claims_hash, read_paper
from saccade.files import read_json
from saccade.judging.stand_ins import ROLES, StandIn, StandInComparison
from saccade.records import CLAIMS_COLUMNS
from saccade.report.typeset import NONE, TEXT, percent, significant
from saccade.results.runs import (
    PlannedGrid,
    count_videos,
    dataset_label,
    heads_of,
    main_metric,
    point_titles,
    rows_of,
    runs_of,
    summarise,
)

NOT_RUN = "not run"
HIT_RATES = {
    "hit.frames": "frames",
    "hit.boxes": "patches (centre)",
    "cover.boxes": "patches (box)",
}
METRIC_NAMES = {
    "top1": "top-1",
    "top5": "top-5",
    "joint_top5": "joint top-5",
    "map": "mAP",
    "top1_if_missing_wrong": "top-1 if missing videos were wrong",
    "top1_if_missing_right": "top-1 if missing videos were right",
}


def _cells(grid: PlannedGrid, metrics: pd.DataFrame, method: str, dataset: str) -> tuple[pd.DataFrame, list[str], Any]:
    """The method's planned points on the dataset, its heads, and `cell(variant, point, metric)`: a summary's row, NaN
    if not scored."""
    own = metrics[(metrics.method == method) & (metrics.dataset == dataset)]
    summary = summarise(own).set_index(["variant", "point", "metric"])[["mean", "sd", "low", "high", "seeds", "n"]]
    rows = dict(zip(summary.index, rows_of(summary), strict=True))
    empty = SimpleNamespace(**dict.fromkeys(summary.columns, math.nan))
    titles = point_titles(grid, method).query("dataset == @dataset")
    return titles, heads_of(grid, own, dataset), lambda *key: rows.get(key, empty)


def show_headline(grid: PlannedGrid, metrics: pd.DataFrame, root: Path, method: str, dataset: str) -> pd.DataFrame:
    """One row per planned point: main metric per head, GMACs, frames, videos and clusters, seeds run of those planned;
    last, chance."""
    titles, heads, cell = _cells(grid, metrics, method, dataset)
    counts = count_videos(grid, root, method)
    planned = Counter(run["variant"] for run in runs_of(grid, method) if dataset_label(run) == dataset)
    rows = []
    for p in rows_of(titles):
        mean, p50, p95 = (cell(p.variant, p.point, f"gmacs.{s}").mean for s in ("mean", "p50", "p95"))
        row = {"Variant": p.variant, "Point": p.title, "Role": p.stand_in}
        for head in heads:
            c = cell(p.variant, p.point, main_metric(metrics, head))
            row[_heading(main_metric(metrics, head))] = percent(c.mean, c.sd, c.low, c.high)
        seeds = metrics.query(
            "method == @method and dataset == @dataset and variant == @p.variant and point == @p.point"
        ).seed.nunique()
        row["GMACs per video"] = f"{significant(mean)} [{significant(p50)}, {significant(p95)}]"
        row["Frames"] = _count(cell(p.variant, p.point, "frames.mean").mean)
        videos, clusters = counts.get((dataset, p.variant), (math.nan, math.nan))
        row["Videos (clusters)"] = f"{_count(videos)} ({_count(clusters)})"
        row["Seeds"] = f"{seeds} of {planned[p.variant]}"
        rows.append(
            row if seeds else {k: v if k in ("Variant", "Point", "Role", "Seeds") else NOT_RUN for k, v in row.items()}
        )
    own = metrics[(metrics.method == method) & (metrics.dataset == dataset)].groupby("metric").value.mean()
    chance = {_heading(main_metric(metrics, head)): percent(own.get(f"{head}.chance", math.nan)) for head in heads}
    if any(value != NONE for value in chance.values()):
        rows.append({"Variant": "any", "Point": "majority class", "Role": "chance", **chance})
    return pd.DataFrame(rows).fillna(NONE)


def show_details(grid: PlannedGrid, metrics: pd.DataFrame, method: str, dataset: str) -> pd.DataFrame:
    """One row per planned point: the other metrics of each head, and decoded frames."""
    titles, heads, cell = _cells(grid, metrics, method, dataset)
    rows = []
    for p in rows_of(titles):
        row = {"Variant": p.variant, "Point": p.title}
        for metric in (f"{head}.{name}" for head in heads for name in list(METRIC_NAMES)[1:]):
            c = cell(p.variant, p.point, metric)
            row[_heading(metric)] = percent(c.mean, c.sd, c.low, c.high)
        row["Decoded frames"] = _count(cell(p.variant, p.point, "decoded_frames.mean").mean)
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.loc[:, [column for column in table if not (table[column] == NONE).all()]]


def show_stand_ins(rows: dict[str, list[StandInComparison]]) -> pd.DataFrame:
    """One row per head and own point, by the weights of its stand-ins. `rows`: {head: beside.beside_stand_ins(...)}."""
    shown = []
    for head, points in rows.items():
        for p in points:
            row = {
                "Head": head,
                "Variant": p.variant,
                "Point": p.title,
                "Weights": p.weights or NONE,
                "Own %": percent(p.own),
            }
            row |= {f"{role.capitalize()} %": _stand_in(p.stand_ins.get(role)) for role in ROLES}
            row["Headroom"] = (
                percent(p.headroom.value, low=p.headroom.low, high=p.headroom.high) if p.headroom else NONE
            )
            row |= {"Gain %": _gain(p), "Baselines' cost": _ratio(p)}
            shown.append({name: cell.replace("-", "−") if name not in TEXT else cell for name, cell in row.items()})
    table = pd.DataFrame(shown)
    return table.loc[:, [column for column in table if not (table[column] == NONE).all()]]


def _stand_in(found: StandIn | None) -> str:
    """Its accuracy; where it doesn't cost what the point costs, also what it costs."""
    if found is None:
        return NONE
    if math.isnan(found.value):
        return NOT_RUN
    return percent(found.value) + ("" if found.equal_cost else f" at {significant(found.cost)}×")


def _gain(row: StandInComparison) -> str:
    """The share of the headroom made good; where there may be hardly any, the ratio of two noises says nothing."""
    if row.gain is None or row.headroom is None:
        return NONE
    if math.isnan(row.headroom.low):
        return "no interval"
    return (
        f"{100 * row.gain.value:.0f} [{100 * row.gain.low:.0f}, {100 * row.gain.high:.0f}]"
        if row.testable
        else "untestable here"
    )


def _ratio(row: StandInComparison) -> str:
    if math.isnan(row.ratio):
        return NONE
    return row.note if math.isinf(row.ratio) else ("≤ " if row.note else "") + f"{significant(row.ratio)}×"


def show_hit_rates(grid: PlannedGrid, metrics: pd.DataFrame, method: str, dataset: str) -> pd.DataFrame:
    """One row per measure of `looks` and scored point: the share found, beside what chance reaches at the same number
    and size."""
    titles, _, cell = _cells(grid, metrics, method, dataset)
    rows = []
    for measure, said in HIT_RATES.items():
        for p in rows_of(titles):
            found, *chances = (
                cell(p.variant, p.point, measure + level)
                for level in ("", *(f".chance_{how}" for how in ("random", "even", "centre", "fixed")))
            )
            if pd.isna(found.mean):
                continue
            row = {"Of": said, "Variant": p.variant, "Point": p.title, "Role": p.stand_in}
            row["Found %"] = percent(found.mean, found.sd, found.low, found.high)
            for name, chance in zip(("Random %", "Evenly spread %", "Centre %", "Best fixed %"), chances, strict=True):
                row[name] = percent(chance.mean)
            rows.append({**row, "Videos": _count(found.n)})
    table = pd.DataFrame(rows)
    return table.loc[:, [column for column in table if not (table[column] == NONE).all()]]


def show_not_run(planned: pd.DataFrame) -> pd.DataFrame:
    """What was planned and not run, one row per run family and reason: points and seeds are joined, so that a long grid
    stays readable."""
    missing = planned[planned.status == NOT_RUN]
    keys = ["dataset", "variant", "why"]
    joined = missing.groupby(keys, sort=False).agg(
        points=("point", lambda s: ", ".join(dict.fromkeys(s))),
        seeds=("seed", lambda s: ", ".join(map(str, dict.fromkeys(s)))),
        cells=("seed", "size"),
    )
    names = {
        "dataset": "Dataset",
        "variant": "Variant",
        "points": "Points",
        "seeds": "Seeds",
        "cells": "Cells",
        "why": "Why",
    }
    return joined.reset_index().reindex(columns=list(names)).rename(columns=names).astype(str)


def show_coverage(grid: PlannedGrid, root: Path, method: str) -> pd.DataFrame:
    """One row per dataset that the method uses: videos expected, usable (in all and per split), with problems, with
    sound."""
    rows = []
    for label in dict.fromkeys(dataset_label(run) for run in runs_of(grid, method)):
        found = read_coverage(grid, root, label)
        row = {"Dataset": label, "Expected": NONE, "Usable": "not prepared"}
        if found:
            row |= {"Expected": _count(found["expected"]), "Usable": _count(found["usable"])}
            row |= {split.capitalize(): _count(n) for split, n in found["by_split"].items()}
            row |= {
                "Problems": _count(len(found["problems"])),
                "With sound": _count(found.get("sound", {}).get("with", math.nan)),
            }
        rows.append(row)
    return pd.DataFrame(rows).fillna(NONE)


def read_coverage(grid: PlannedGrid, root: Path, label: str) -> dict[str, Any] | None:
    """The coverage.json of `dataset[@edition]`, None where it isn't prepared."""
    named = parse_address(label, DATA)
    prepared = root / "data" / named.dataset / "prepared"
    path = prepared / with_edition(grid["budget"], named.edition) / "coverage.json"
    return read_json(path) if path.exists() else None


def show_cost_cells(cost: pd.DataFrame, reported: pd.DataFrame) -> pd.DataFrame:
    """The complexity cells that a method answers. `reported`: the lines of its reported.csv."""
    key = ["paper", "table", "row", "column", "dataset"]
    mine = cost.merge(reported[key].drop_duplicates(), on=key)
    rows = []
    for c in rows_of(mine):
        difference = NONE if pd.isna(c.relative_error) else f"{100 * c.relative_error:+.1f} %".replace("-", "−")
        where = {"Where": f"{c.paper}, {c.table}", "Row": c.row, "Column": c.column, "Dataset": c.dataset}
        printed = NONE if pd.isna(c.reported) else f"{c.reported:.10g}"  # as it stands in the paper: not rounded
        numbers = {"Printed": printed, "Ours": significant(c.ours, 4), "Unit": c.unit, "Difference": difference}
        said = [f"Counted: {c.rule}" if not pd.isna(c.rule) and c.rule else "", "" if pd.isna(c.note) else c.note]
        rows.append({**where, **numbers, "Note": ". ".join(filter(None, said))})
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows).fillna(NONE).astype(str)
    # the same cell printed for several datasets is one row
    others = [column for column in table if column != "Dataset"]
    return table.groupby(others, sort=False).Dataset.agg(", ".join).reset_index()[list(table)]


def _count(value: float) -> str:
    return NONE if pd.isna(value) else f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _heading(metric: str) -> str:
    head, _, name = metric.rpartition(".")
    return f"{head} {METRIC_NAMES[name]} %"


PLURAL = {"agrees": "agree", "disagrees": "disagree", "not printed": "not printed"}


def show_claims(lines: pd.DataFrame) -> pd.DataFrame:
    """The claims of one paper as its page shows them."""
    names = {"claim": "Claim", "where": "Where", "says": "Says", "comparand": "Comparand", "on_printed": "On printed"}
    table = lines.rename(columns={**names, "on_ours": "On ours", "evidence": "Evidence"}).drop(columns="paper")
    return (
        table.drop(columns="Evidence") if (table["Evidence"] == "").all() else table.replace({"Evidence": {"": NONE}})
    )


def count_verdicts(lines: pd.DataFrame) -> str:
    """How many claims there are and what was found, in one line."""
    printed, ours = (Counter(text.partition(" (")[0] for text in lines[column]) for column in ("on_printed", "on_ours"))
    numbers = ", ".join(f"{printed[text]} {plural}" for text, plural in PLURAL.items() if printed[text])
    verdicts = "; ".join(f"{count} {text}" for text, count in ours.most_common())
    return (
        f"{len(lines)} claim{'s' if len(lines) != 1 else ''}. On the printed numbers: {numbers}. On ours: {verdicts}."
    )


def summaries(grid: PlannedGrid, root: Path) -> dict[str, str]:
    """{method: `count_verdicts`} of what claims.csv holds."""
    path = root / "results" / grid["budget"] / "claims.csv"
    lines = (
        pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame(columns=CLAIMS_COLUMNS)
    )
    papers = {entry["name"]: read_paper(root, entry["name"]) for entry in grid["methods"]}
    mine = {method: lines[lines["paper"] == paper.name] for method, paper in papers.items() if paper}
    return {method: count_verdicts(some) for method, some in mine.items() if len(some)}


def committed(root: Path, method: str) -> str:
    """The sentence with the hash that a page carries; '' without claims."""
    paper = read_paper(root, method)
    return (
        f"Claims and predicates: {claims_hash(paper)} (sha256 of the claims and rows of paper.yml and of claims.py)."
        if paper and paper.claims
        else ""
    )
