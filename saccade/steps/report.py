"""The step that tells: judges each paper's claims, collects every number of the planned grid, runs each method's
notebook, and puts its tables and figures on pages."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.cards.address import DATA, parse_address
from saccade.files import read_json, write_atomic, write_csv
from saccade.judging.claims import judge_paper
from saccade.records import CLAIMS_COLUMNS, SaccadeError, canonical
from saccade.report import pages
from saccade.report.tables import read_coverage, show_not_run, summaries
from saccade.results.judged import claims_file, read_claims
from saccade.results.runs import (
    PlannedGrid,
    average_editions,
    collect_metrics,
    collect_planned,
    dataset_label,
    missed_gates,
    omitted_metrics,
    run_folder,
    runs_of,
    without_other_methods,
)

NOTEBOOK = Path("workflow/notebooks/method.ipynb")
# for a kernel to start or a cell's output to arrive; the libraries' 60 and 4 are too few where the machine is busy
PATIENCE_S = 600
PARTS = ("claims", "collect", "notebook", "page", "index")


def report(root: Path, plan_path: Path, part: str | None = None, method: str | None = None) -> None:
    """One part for one method, or (None) all of them in order: what the command line and the rules call."""
    grid = read_grid(plan_path)
    methods = [entry["name"] for entry in grid["methods"]]
    if method is not None and method not in methods:
        raise SaccadeError(f"{plan_path} has no method '{method}'; it has {', '.join(methods)}")
    chosen = methods if method is None else [method]
    for name in PARTS if part is None else [part]:
        if name == "collect":
            collect(grid, root)
        elif name == "index":
            write_index(grid, root)
        else:
            act = {"claims": judge, "notebook": run_notebook, "page": write_page}[name]
            for each in chosen:
                act(grid, each, root)


def read_grid(path: Path) -> PlannedGrid:
    grid: PlannedGrid = read_json(path)
    for key in ("budget", "runs", "methods", "datasets"):
        if key not in grid:
            raise SaccadeError(f"{path} has no '{key}'; write it again with: python -m saccade plan --write {path}")
    return grid


def judge(grid: PlannedGrid, method: str, root: Path) -> None:
    """Writes results/<budget>/claims/<method>.csv, the one place where its paper's claims are judged; nothing without
    claims."""
    found = judge_paper(grid, root, method)
    if len(found):
        write_csv(claims_file(grid, root, method), found)


def collect(grid: PlannedGrid, root: Path) -> None:
    """Writes results/<budget>/metrics.csv, planned.csv and claims.csv, the claims of all methods as `judge` left
    them."""
    folder = root / "results" / grid["budget"]
    metrics = collect_metrics(grid, root)
    write_csv(folder / "metrics.csv", pd.concat([metrics, average_editions(grid, metrics)], ignore_index=True))
    write_csv(folder / "planned.csv", collect_planned(grid, root))
    judged = [read_claims(grid, root, entry["name"]) for entry in grid["methods"]]
    empty = pd.DataFrame(columns=CLAIMS_COLUMNS)
    write_csv(folder / "claims.csv", pd.concat([empty, *(table for table in judged if len(table))], ignore_index=True))


def run_notebook(grid: PlannedGrid, method: str, root: Path) -> None:
    """Executes the method's notebook, which writes results/<budget>/{tables,figures}/<method>/, and keeps it under
    reports/."""
    import papermill
    from traitlets.config import Config

    budget = grid["budget"]
    for kind in ("tables", "figures"):  # what an earlier run of the notebook left there may no longer be planned
        shutil.rmtree(root / "results" / budget / kind / method, ignore_errors=True)
    target = root / "reports" / budget / "notebooks" / f"{method}.ipynb"
    failed = target.with_suffix(".failed.ipynb")
    parameters = {"root": ".", "budget": budget, "method": method}
    options = {
        "kernel_name": "python3",
        "cwd": str(root),
        "progress_bar": False,
        "start_timeout": PATIENCE_S,
        "iopub_timeout": PATIENCE_S,
    }

    def execute(path: Path) -> None:
        # Not TCP: other notebooks run beside this one, and a port may be taken between its choice and the kernel's use
        # of it. /tmp whatever TMPDIR says: a socket's path has at most 107 characters, and not every network's file
        # system takes sockets.
        with tempfile.TemporaryDirectory(dir="/tmp") as sockets:
            kernel = Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"})
            try:
                papermill.execute_notebook(str(root / NOTEBOOK), str(path), parameters, config=kernel, **options)
            except papermill.exceptions.PapermillExecutionError as error:
                shutil.copyfile(path, failed)
                said = f"the notebook of {method} failed in its cell {error.exec_count}: {error.ename}: {error.evalue}"
                raise SaccadeError(f"{said}; the traceback is in {failed}") from error
            # the latter is an OSError, but says nothing of the file to write
            except (RuntimeError, TimeoutError) as error:
                raise SaccadeError(
                    f"the kernel of the notebook of {method} did not start, or died: {error}; run it again"
                ) from error

    with _environment(MPLBACKEND="Agg", PYTHONPATH=str(Path(__file__).resolve().parents[2])):
        write_atomic(target, execute)
    failed.unlink(missing_ok=True)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Sets environment variables, which a notebook's kernel inherits, for a while."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def write_page(grid: PlannedGrid, method: str, root: Path) -> None:
    """Writes reports/<budget>/<method>.tex, .pdf (where LaTeX is installed) and .html from the files that the notebook
    left."""
    grid = without_other_methods(grid, method)
    folder = root / "reports" / grid["budget"]
    values = page_values(grid, method, root)
    pages.fill_latex(root, "method.tex.j2", folder / f"{method}.tex", **values)
    values["no_pdf"] = pages.compile_pdf(folder / f"{method}.tex")
    pages.fill_html(root, "method.html.j2", folder / f"{method}.html", **values)


def write_index(grid: PlannedGrid, root: Path) -> None:
    """Writes reports/<budget>/index.html: every method with how much of it was run, and what was not."""
    planned = collect_planned(grid, root)
    methods, judged = [], summaries(grid, root)
    for entry in grid["methods"]:
        mine = planned[planned.method == entry["name"]]
        drawn = [
            d
            for d in pages.read_figures(root / "results" / grid["budget"] / "figures" / entry["name"])
            if d.about["kind"] == "tradeoff"
        ]
        counts = {
            "cells": len(mine),
            "done": int((mine.status == "run").sum()),
            "claims": judged.get(entry["name"], ""),
        }
        methods.append({**entry, **counts, "figures": drawn[:3]})
    not_run = show_not_run(planned.assign(variant=planned.method + "/" + planned.variant)).rename(
        columns={"Variant": "Run"}
    )
    path = root / "reports" / grid["budget"] / "index.html"
    values = {
        "methods": methods,
        "gates": failed_gates(grid, root),
        "not_run": as_table("not_run", not_run),
        "cells": len(planned),
        "files": root / "results" / grid["budget"],
    }
    pages.fill_html(
        root,
        "index.html.j2",
        path,
        budget=grid["budget"],
        banner=pages.banner(grid["budget"]),
        datasets=grid["datasets"],
        **values,
    )


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
        "records": as_table("records", phase_records(grid, root)),
        "environment": environment(grid, root),
        "settings": phase_settings(grid, root),
        "paths": {"results": results, "reports": root / "reports" / grid["budget"]},
        "no_pdf": "",
    }


def as_table(name: str, cells: pd.DataFrame, title: str = "") -> pages.Table:
    """A table that no notebook saved."""
    rows = [[str(cell) for cell in row] for row in cells.itertuples(index=False)]
    return pages.Table(name, {"kind": name, "title": title, "caption": ""}, list(map(str, cells)), rows, [], "", Path())


def dataset_values(grid: PlannedGrid, method: str, root: Path, label: str) -> dict[str, Any]:
    """What a page says of one dataset[@edition]: label, problems (videos left out: video_id, path, reason), omitted
    (metrics)."""
    found = read_coverage(grid, root, label) or {}
    return {
        "label": label,
        "problems": found.get("problems", []),
        "omitted": omitted_metrics(grid, root, method, label),
    }


def _phase_files(grid: PlannedGrid, root: Path) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """(run, phase, content of its <phase>.json) of every phase that has been trained."""
    for run in grid["runs"]:
        for phase in run.get("phases", []):
            path = run_folder(run, root) / f"{phase}.json"
            if path.exists():
                yield run, phase, read_json(path)


def failed_gates(grid: PlannedGrid, root: Path) -> list[str]:
    """A sentence for each phase that missed the gate its card sets, with the runs made of it: what depends on it can't
    be judged."""
    found: dict[str, list[str]] = {}
    for run in grid["runs"]:
        for sentence in missed_gates(run, root):
            found.setdefault(sentence, []).append(run["run"])
    return [f"{sentence[0].upper()}{sentence[1:]}. Made of it: {', '.join(runs)}." for sentence, runs in found.items()]


def phase_records(grid: PlannedGrid, root: Path) -> pd.DataFrame:
    """One row per trained phase and per prediction: when, how long, where, with which code and weights."""
    rows = []
    files = {(run["run"], phase): record for run, phase, record in _phase_files(grid, root)}
    for run in grid["runs"]:
        for path in sorted(run_folder(run, root).glob("provenance.*.json")):
            step, made = path.name.split(".")[1], read_json(path)
            record = files.get((run["run"], step), made)
            row = {"Run": run["run"], "Step": step, "Made (UTC)": made.get("made", "")[:16].replace("T", " ")}
            row |= {
                "Seconds": made.get("seconds", ""),
                "Device": made.get("device", ""),
                "Threads": made.get("threads", ""),
            }
            rows.append({**row, "Code": record.get("code", "")[:12], "Weights (sha256)": record.get("sha256", "")[:12]})
    return pd.DataFrame(rows)


def environment(grid: PlannedGrid, root: Path) -> list[tuple[str, str]]:
    """Versions and machine, each with the values seen; more than one value means that runs were made in different
    places."""
    seen: dict[str, dict[str, None]] = {}
    for run in grid["runs"]:
        for path in sorted(run_folder(run, root).glob("provenance.*.json")):
            made = read_json(path)
            flat = {
                key: made.get(key) for key in ("system", "cores", "device", "python", "commit", "modified")
            } | made.get("packages", {})
            for key, value in flat.items():
                if value not in (None, ""):
                    seen.setdefault(key, {})[str(value)] = None
    return [(key, ", ".join(values)) for key, values in seen.items()]


def phase_settings(grid: PlannedGrid, root: Path) -> list[dict[str, Any]]:
    """The settings (JSON text) of each trained phase, with the runs that share them."""
    seen: dict[tuple[str, str], list[str]] = {}
    for run, phase, record in _phase_files(grid, root):
        seen.setdefault((phase, canonical(record.get("settings", {}))), []).append(run["run"])
    return [{"phase": phase, "settings": text, "runs": runs} for (phase, text), runs in seen.items()]
