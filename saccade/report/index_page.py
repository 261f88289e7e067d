"""What the template of a budget's index is filled with. No torch."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from saccade.report import pages
from saccade.report.availability_tables import not_run
from saccade.report.claims_table import summaries
from saccade.report.provenance import failed_gates
from saccade.report.tidy import TidyTable
from saccade.results.reader import PlannedGrid
from saccade.results.runs import collect_planned


def page_values(grid: PlannedGrid, root: Path) -> dict[str, Any]:
    """All that the index shows: every method with how much of it was run, and what was not."""
    planned, results = collect_planned(grid, root), root / "results" / grid["budget"]
    methods, judged = [], summaries(grid, root)
    for entry in grid["methods"]:
        mine = planned[planned.method == entry["name"]]
        drawn = [d for d in pages.read_figures(results / "figures" / entry["name"]) if d.about["kind"] == "tradeoff"]
        counts = {"cells": len(mine), "done": int((mine.status == "run").sum())}
        methods.append({**entry, **counts, "claims": judged.get(entry["name"], ""), "figures": drawn[:3]})
    missing = not_run(planned.assign(variant=planned.method + "/" + planned.variant))
    columns = tuple(replace(column, heading=column.heading.replace("Variant", "Run")) for column in missing.columns)
    return {
        "budget": grid["budget"],
        "banner": pages.banner(grid["budget"]),
        "datasets": grid["datasets"],
        "methods": methods,
        "gates": failed_gates(grid, root),
        "not_run": pages.as_table("not_run", TidyTable(missing.data, columns)),
        "cells": len(planned),
        "files": results,
    }
