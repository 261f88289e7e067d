"""What published weights say of each of a user's own videos: tidy, and as a reader sees it. No torch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from saccade.report.tidy import Column, TidyTable, tidy, words
from saccade.results.reader import PlannedGrid, RunFiles, classes_of, dataset_label, runs_of

MOST = 100  # videos of a run
PLACES = ("Likeliest", "Second", "Third")


def answers(grid: PlannedGrid, root: Path, method: str, dataset: str) -> TidyTable:
    """One row per run of published weights, video and head, the first videos by name, at the run's first point: its
    label, the three likeliest classes, the multiply-adds. Empty where no such run has been predicted. The head is a
    column where a run has several."""
    rows = [
        row
        for run in runs_of(grid, method)
        if dataset_label(run) == dataset
        for row in _rows(grid, RunFiles(run, root))
    ]
    heads = [words("Head", "head")] if any("head" in row for row in rows) else []
    told = ((words(place, place), Column(f"{place} %", (f"{place}.share",), "percent")) for place in PLACES)
    return tidy(
        rows,
        [
            words("Variant", "variant"),
            words("Video", "video"),
            words("Label", "label"),
            *heads,
            *(column for pair in told for column in pair),
            Column("GMACs", ("gmacs",), "significant"),
        ],
    )


def _rows(grid: PlannedGrid, files: RunFiles) -> Iterator[dict[str, Any]]:
    run = files.run
    if "answers" not in run or not files.complete:
        return
    given = classes_of(grid, run)
    asked = [
        f"{head}.{part}"
        for head in run["answers"]
        for part in ("target", "scores")
        if part == "scores" or head in given
    ]
    columns = ["point", "video_id", "macs", *asked]
    predicted = files.predictions(columns, run["points"][0]["name"]).sort_values("video_id")
    for _, row in predicted.head(MOST).iterrows():
        for head, names in run["answers"].items():
            scores = np.asarray(row[f"{head}.scores"])
            label = given[head][row[f"{head}.target"]] if head in given else ""
            found: dict[str, Any] = {"variant": run["variant"], "video": row["video_id"], "label": label}
            found |= ({"head": head} if len(run["answers"]) > 1 else {}) | {"gmacs": row["macs"] / 1e9}
            for place, number in zip(PLACES, np.argsort(-scores, kind="stable"), strict=False):
                found |= {place: names[number], f"{place}.share": float(scores[number])}
            yield found
