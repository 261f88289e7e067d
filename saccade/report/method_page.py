"""What the templates of a method's page are filled with. No torch."""

from pathlib import Path
from typing import Any

from saccade.cards.address import DATA, parse_address
from saccade.records import peculiar_words
from saccade.report import pages
from saccade.report.provenance import environment, failed_gates, phase_records, phase_settings
from saccade.results.reader import PlannedGrid, dataset_label, read_coverage, runs_of
from saccade.results.runs import collect_planned, data_notes, omitted_metrics


def page_values(grid: PlannedGrid, method: str, root: Path) -> dict[str, Any]:
    """All that a method's templates show; `grid` holds that method's runs only."""
    results = root / "results" / grid["budget"]
    planned = collect_planned(grid, root)
    labels = list(dict.fromkeys(dataset_label(run) for run in runs_of(grid, method)))
    titles = {entry["name"]: entry for entry in grid["datasets"]}
    return {
        "budget": grid["budget"],
        "banner": pages.banner(grid["budget"]),
        "method": next(entry for entry in grid["methods"] if entry["name"] == method),
        "cells": len(planned),
        "missing": int((planned.status != "run").sum()),
        "datasets": [
            {**titles[parse_address(label, DATA).dataset], **dataset_values(grid, method, root, label)}
            for label in labels
        ],
        "tables": pages.read_tables(results / "tables" / method),
        "figures": pages.read_figures(results / "figures" / method),
        "gates": failed_gates(grid, root),
        "records": pages.as_table("records", phase_records(grid, root)),
        "environment": environment(grid, root),
        "settings": phase_settings(grid, root),
        "paths": {"results": results, "reports": root / "reports" / grid["budget"]},
        "no_pdf": "",
    }


def dataset_values(grid: PlannedGrid, method: str, root: Path, label: str) -> dict[str, Any]:
    """What a page says of one dataset[@edition]: label, problems (videos left out: video_id, path, reason), peculiar
    (one line on videos of variable rate, turned ones...), notes (classes with few videos or none, copies), omitted
    (metrics)."""
    found = read_coverage(grid, root, label) or {}
    return {
        "label": label,
        "problems": found.get("problems", []),
        "peculiar": peculiar_words(found),
        "notes": data_notes(grid, root, method, label),
        "omitted": omitted_metrics(grid, root, method, label),
    }
