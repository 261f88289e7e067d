"""What was not run, and which videos there are: tidy, and as a reader sees it. No torch."""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.report.accuracy_tables import NOT_RUN
from saccade.report.tidy import Column, TidyTable, sentences, tidy, words
from saccade.results.reader import PlannedGrid, dataset_label, read_coverage, runs_of

NOT_RUN_COLUMNS = (
    words("Dataset", "dataset"),
    words("Variant", "variant"),
    sentences("Points", "points"),
    Column("Seeds", ("seeds",)),
    Column("Cells", ("cells",), "whole"),
    sentences("Why", "why"),
)


def not_run(planned: pd.DataFrame) -> TidyTable:
    """What was planned and not run, one row per run family and reason: points and seeds are joined, so that a long grid
    stays readable."""
    missing = planned[planned.status == NOT_RUN]
    joined = missing.groupby(["dataset", "variant", "why"], sort=False).agg(
        points=("point", lambda s: ", ".join(dict.fromkeys(s))),
        seeds=("seed", lambda s: ", ".join(map(str, dict.fromkeys(s)))),
        cells=("seed", "size"),
    )
    names = ["dataset", "variant", "points", "seeds", "cells", "why"]
    return TidyTable(joined.reset_index().reindex(columns=names), NOT_RUN_COLUMNS)


def coverage(grid: PlannedGrid, root: Path, method: str) -> TidyTable:
    """One row per dataset that the method uses: videos expected, usable (in all and per split), with problems, with
    sound."""
    rows: list[dict[str, Any]] = []
    splits: dict[str, None] = {}
    for label in dict.fromkeys(dataset_label(run) for run in runs_of(grid, method)):
        found = read_coverage(grid, root, label)
        row: dict[str, Any] = {"dataset": label, "status": "" if found else "not prepared"}
        if found:
            splits |= dict.fromkeys(found["by_split"])
            row |= {"expected": found["expected"], "usable": found["usable"], **found["by_split"]}
            row |= {"problems": len(found["problems"]), "with_sound": found.get("sound", {}).get("with", math.nan)}
        rows.append(row)
    counts = {split.capitalize(): split for split in splits}
    if any(not row["status"] for row in rows):
        counts |= {"Problems": "problems", "With sound": "with_sound"}
    return tidy(
        rows,
        [
            words("Dataset", "dataset"),
            Column("Expected", ("expected",), "count"),
            Column("Usable", ("usable",), "count", "status"),
            *(Column(heading, (name,), "count") for heading, name in counts.items()),
        ],
    )
