"""Which runs a claim asks of, and the tables that they left. No torch.

Each question raises `NotRun`, naming the run, where it isn't planned or has no result, and `Untestable` where a phase
that it is made of missed its gate, or where its tables don't hold what is asked.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from saccade.cards.address import SYSTEM, Address, parse_address
from saccade.judging.verdict import Untestable, need_gates
from saccade.records import SaccadeError
from saccade.results.reader import NotRun, PlannedGrid, PlannedRun, RunFiles, classes_of, dataset_label, runs_of
from saccade.results.runs import missed_gates


@dataclass(frozen=True, eq=False)
class JudgedRuns:
    """The runs of one method under one grid; `<method>/<variant>` is another method's."""

    grid: PlannedGrid
    root: Path
    method: str

    def judged(self, variant: str, point: str, dataset: str) -> list[PlannedRun]:
        """The system's runs with a result at that point; NotRun where there is none, Untestable where a gate was
        missed."""
        system = parse_address(variant, SYSTEM, Address(method=self.method))
        name = f"{self.grid['budget']}/{dataset}/{system}"
        planned = [
            run
            for run in runs_of(self.grid, system.method)
            if (dataset_label(run), run["variant"]) == (dataset, system.variant)
        ]
        if not planned:
            raise NotRun(f"{name} is not planned")
        offered = [entry for run in planned for entry in run["points"] if entry["name"] == point]
        if not offered:
            raise NotRun(f"{name} is not planned at {point}")
        scored = [run for run in planned if point in RunFiles(run, self.root).scored_points()]
        if not scored:
            raise NotRun(f"{name} at {point}: {planned[0]['why'] or offered[0]['why'] or 'not run yet'}")
        need_gates(list(dict.fromkeys(sentence for run in scored for sentence in missed_gates(run, self.root))))
        return scored

    def predictions(self, run: PlannedRun, point: str, columns: list[str]) -> pd.DataFrame:
        files = RunFiles(run, self.root)
        if not files.prediction_columns():
            raise NotRun(f"{run['run']} has hits but no predictions: predict it again")
        if lacking := [column for column in columns if column not in files.prediction_columns()]:
            raise Untestable(f"the predictions of {run['run']} have no {', '.join(lacking)}")
        return files.predictions(["video_id", "cluster", *columns], point)

    def classes_of(self, run: PlannedRun) -> dict[str, list[str]]:
        """{head: the names of its classes, by number} of the run's data."""
        return classes_of(self.grid, run)

    def derived(self, run: PlannedRun) -> dict[str, list[str]]:
        """{derived label: the heads that it is made of} of the run's dataset."""
        return next(dict(one.get("derive", {})) for one in self.grid["datasets"] if one["name"] == run["dataset"])

    def parts(self, run: PlannedRun, head: str) -> list[str]:
        """The heads that a label is made of: itself, unless it is derived."""
        return list(self.derived(run).get(head, [head]))

    def predicted_head(self, run: PlannedRun) -> str:
        columns = RunFiles(run, self.root).prediction_columns()
        return default_head(
            [name.removesuffix(".scores") for name in columns if name.endswith(".scores")], str(run["run"])
        )

    def scored_head(self, run: PlannedRun) -> str:
        columns = RunFiles(run, self.root).hit_columns()
        return default_head([name.removesuffix(".top1") for name in columns if name.endswith(".top1")], str(run["run"]))


def default_head(heads: list[str], where: str) -> str:
    chosen = heads if len(heads) == 1 else [name for name in ("action", "label") if name in heads]
    if not chosen:
        raise SaccadeError(f"{where} has the heads {', '.join(heads) or 'none'}; the claim must name one")
    return chosen[0]
