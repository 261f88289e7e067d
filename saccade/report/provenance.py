"""What pages say of how numbers were made: gates that were missed, and when, where, with which code, settings and
weights. No torch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from saccade.records import canonical
from saccade.report.tidy import Column, TidyTable, tidy, words
from saccade.results.reader import PlannedGrid, RunFiles
from saccade.results.runs import missed_gates

RECORDS = (
    *(words("Run", "run"), words("Step", "step", empty=""), words("Made (UTC)", "made", empty="")),
    Column("Seconds", ("seconds",), empty=""),
    words("Device", "device", empty=""),
    *(Column("Threads", ("threads",), empty=""), words("Code", "code", empty="")),
    Column("Weights (sha256)", ("weights",), empty=""),
)


def _phase_files(grid: PlannedGrid, root: Path) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """(run, phase, content of its <phase>.json) of every phase that has been trained."""
    for run in grid["runs"]:
        for phase in run.get("phases", []):
            if record := RunFiles(run, root).phase(phase):
                yield run, phase, record


def failed_gates(grid: PlannedGrid, root: Path) -> list[str]:
    """A sentence for each phase that missed the gate its card sets, with the runs made of it: what depends on it can't
    be judged."""
    found: dict[str, list[str]] = {}
    for run in grid["runs"]:
        for sentence in missed_gates(run, root):
            found.setdefault(sentence, []).append(run["run"])
    return [f"{sentence[0].upper()}{sentence[1:]}. Made of it: {', '.join(runs)}." for sentence, runs in found.items()]


def phase_records(grid: PlannedGrid, root: Path) -> TidyTable:
    """One row per trained phase and per prediction: when, how long, where, with which code and weights."""
    rows = []
    files = {(run["run"], phase): record for run, phase, record in _phase_files(grid, root)}
    for run in grid["runs"]:
        for step, made in RunFiles(run, root).provenance().items():
            record = files.get((run["run"], step), made)
            row = {"run": run["run"], "step": step, "made": made.get("made", "")[:16].replace("T", " ")}
            row |= {name: str(made.get(name, "")) for name in ("seconds", "device", "threads")}
            rows.append({**row, "code": record.get("code", "")[:12], "weights": record.get("sha256", "")[:12]})
    return tidy(rows, RECORDS)


def environment(grid: PlannedGrid, root: Path) -> list[tuple[str, str]]:
    """Versions and machine, each with the values seen; more than one value means that runs were made in different
    places."""
    seen: dict[str, dict[str, None]] = {}
    for run in grid["runs"]:
        for made in RunFiles(run, root).provenance().values():
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
