"""The one reader of what a run left: report, claims and findings ask it for the content of a run's files. No torch.

A JSON file, a table's columns and its points are read once per process, as long as the file stays as it is.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from saccade import products
from saccade.cards.address import DATA, parse_address, with_edition
from saccade.product_names import stem
from saccade.records import (
    COST_FILE,
    COVERAGE_FILE,
    HITS_FILE,
    INDEX_FILE,
    LATENCY_FILE,
    LOG_ENDS,
    METRICS_FILE,
    PREDICTIONS_FILE,
    TRUTH_FILE,
    provenance_name,
)

PlannedGrid = dict[str, Any]  # the content of plan.json
PlannedRun = dict[str, Any]  # one of its `runs`


class NotRun(Exception):  # noqa: N818 (a state, not a mistake)
    """Raised where a claim asks for a run that isn't there; says which, and why."""


def dataset_label(run: PlannedRun) -> str:
    """`dataset[@edition]` of a grid's run, as in its path."""
    return with_edition(str(run["dataset"]), run.get("edition", ""))


def runs_of(grid: PlannedGrid, method: str) -> list[PlannedRun]:
    return [run for run in grid["runs"] if run["method"] == method]


def classes_of(grid: PlannedGrid, run: PlannedRun) -> dict[str, list[str]]:
    """{head: the names of its classes, by number} of the data that the run reads."""
    known = next(entry["classes"] for entry in grid["datasets"] if entry["name"] == run["dataset"])
    return dict(known[run.get("edition", "")])


def run_folder(run: PlannedRun, root: Path) -> Path:
    return root / "results" / str(run["run"])


def read_coverage(grid: PlannedGrid, root: Path, label: str) -> dict[str, Any] | None:
    """What `prepare` counted of `dataset[@edition]`; None where it isn't prepared."""
    named = parse_address(label, DATA)
    prepared = root / "data" / named.dataset / "prepared"
    folder = prepared / with_edition(grid["budget"], named.edition)
    return _json(folder / COVERAGE_FILE, needed=(folder / INDEX_FILE).exists())


@dataclass(frozen=True, eq=False)
class RunFiles:
    """The files of one planned run. What gives a table raises `NotRun` where the file isn't there; what gives the
    content of a JSON file gives None then. The content is shared: nobody may change it."""

    run: PlannedRun
    root: Path

    @property
    def folder(self) -> Path:
        return run_folder(self.run, self.root)

    @property
    def prepared(self) -> Path:
        """Where the index and the truth lie that the run read."""
        budget = str(self.run["run"]).partition("/")[0]
        name = with_edition(budget, self.run.get("edition", ""))
        return Path(self.root, "data", self.run["dataset"], "prepared", name)

    @property
    def complete(self) -> bool:
        """Whether the run has been predicted and scored."""
        return self.predicted and (self.folder / METRICS_FILE).exists()

    @property
    def predicted(self) -> bool:
        """Whether the run has been predicted, be its predictions there or lost since."""
        return products.left(self.folder / PREDICTIONS_FILE)

    def metrics(self) -> dict[str, Any] | None:
        """What `score` left: rows, evaluated, clusters, omitted ..."""
        return _json(self.folder / METRICS_FILE)

    def cost(self) -> dict[str, Any] | None:
        """The multiply-adds by module of one view."""
        return _json(self.folder / COST_FILE, needed=self.predicted)

    def latency(self) -> dict[str, Any] | None:
        """What `measure` left, by point."""
        return _json(self.folder / LATENCY_FILE)

    def phase(self, name: str) -> dict[str, Any] | None:
        """The record of a trained phase."""
        return _json(self.folder / f"{name}.json")

    def provenance(self) -> dict[str, dict[str, Any]]:
        """{step or phase: who made it, when, with what}, by name."""
        names = {stem(path.name) for path in self.folder.glob(provenance_name("*"))}
        names |= {phase for phase in self.run.get("phases", []) if self.phase(phase)}  # lost, they are missed
        names |= {"predict"} if self.predicted else set()
        return {name: products.read(self.folder / provenance_name(name)) for name in sorted(names)}

    def predicted_with(self, point: str) -> dict[str, Any] | None:
        """The settings that the point was predicted with; None where the run didn't say."""
        if not self.predicted:
            return None
        recorded = products.read(self.folder / provenance_name("predict"))["settings"].get(point)
        return None if recorded is None else dict(recorded)

    def log(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(phase, what one line says) for each line of the logs of all trained phases."""
        for phase in self.run["phases"]:
            path = self.folder / (phase + LOG_ENDS)
            if not (self.phase(phase) and products.left(path)):
                continue
            for line in products.whole(path).read_text(encoding="utf-8").splitlines():
                yield phase, json.loads(line)

    def scored_points(self) -> frozenset[str]:
        """The points with hits; empty where the run hasn't been scored."""
        path = self.folder / HITS_FILE
        return _points(products.whole(path), path.stat().st_mtime_ns) if products.left(path) else frozenset()

    def hit_columns(self) -> tuple[str, ...]:
        return self._columns(self.folder / HITS_FILE)

    def hits(self, columns: Sequence[str] | None = None, point: str = "") -> pd.DataFrame:
        """A row per point (or of one) and test video, with `<head>.top1`."""
        return self._table(self.folder / HITS_FILE, columns, point)

    def prediction_columns(self) -> tuple[str, ...]:
        return self._columns(self.folder / PREDICTIONS_FILE)

    def predictions(self, columns: Sequence[str] | None = None, point: str = "") -> pd.DataFrame:
        """A row per point (or of one) and test video."""
        return self._table(self.folder / PREDICTIONS_FILE, columns, point)

    def index(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The prepared index that the run read, all splits."""
        return self._table(self.prepared / INDEX_FILE, columns)

    def truth_columns(self) -> tuple[str, ...]:
        return self._columns(self.prepared / TRUTH_FILE)

    def truth(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The truth per frame of the run's videos."""
        return self._table(self.prepared / TRUTH_FILE, columns)

    def _table(self, path: Path, columns: Sequence[str] | None, point: str = "") -> pd.DataFrame:
        if not products.left(path):
            raise NotRun(f"{self.run['run']} has no {path.name}")
        filters = [("point", "==", point)] if point else None
        return products.read_parquet(path, columns=list(columns) if columns is not None else None, filters=filters)

    def _columns(self, path: Path) -> tuple[str, ...]:
        """Of a table; () where it isn't there."""
        return products.column_names(path) if products.left(path) else ()


def _json(path: Path, needed: bool = False) -> dict[str, Any] | None:
    """None where the file isn't there, unless what was written with it is (`needed`)."""
    return products.read(path) if needed or path.exists() else None


@lru_cache(maxsize=4096)
def _points(path: Path, written_ns: int) -> frozenset[str]:
    return frozenset(products.read_parquet(path, columns=["point"])["point"])
