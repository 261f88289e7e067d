"""What the runs of one method left, as its findings.py asks for it. No torch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.results.reader import NotRun, PlannedGrid, PlannedRun, RunFiles, classes_of, runs_of
from saccade.results.runs import collect_metrics, read_history
from saccade.video.decode import place_of, read_frames, state_of


@dataclass(frozen=True, eq=False)
class Found:
    """What the runs of one method left, as its findings.py is given it. A run is an entry of the grid: run, dataset,
    variant, seed..."""

    grid: PlannedGrid
    root: Path
    method: str

    def runs(self) -> list[PlannedRun]:
        """The method's planned runs that have been predicted and scored."""
        return [run for run in runs_of(self.grid, self.method) if RunFiles(run, self.root).complete]

    def predictions(self, run: PlannedRun, points: Sequence[str] | None = None) -> pd.DataFrame:
        """What was predicted, a row per point (only `points`, where given) and test video; `decisions` parsed: a list
        with an object for each view."""
        rows = RunFiles(run, self.root).predictions()
        rows = rows if points is None else rows[rows["point"].isin(points)].reset_index(drop=True)
        return rows.assign(decisions=rows["decisions"].map(json.loads))

    def index(self, run: PlannedRun) -> pd.DataFrame:
        """The prepared index that the run read, all splits."""
        return RunFiles(run, self.root).index()

    def truth(self, run: PlannedRun) -> pd.DataFrame:
        """The truth per frame of the run's videos; NotRun where the dataset has none."""
        return RunFiles(run, self.root).truth()

    def frames(self, run: PlannedRun, video: str, numbers: Sequence[int]) -> Any:
        """(N, H, W, 3) uint8: these frames of one of the run's videos. NotRun where the file isn't there as it was
        prepared."""
        row: Any = self.index(run).set_index("video_id").loc[video]
        path = self.root / row["path"]
        state = state_of(path, row.get("first_frame", 0), row["frames"])
        if not state or state[0] != row["bytes"]:
            raise NotRun(f"{run['run']}: {path} is missing, or has changed since it was prepared")
        return read_frames(place_of(self.root, row), numbers, row["frames"]).rgb

    def settings(self, run: PlannedRun, point: str) -> dict[str, Any]:
        """What the run was predicted with at that point; NotRun where it didn't say."""
        recorded = RunFiles(run, self.root).predicted_with(point)
        if recorded is None:
            raise NotRun(f"{run['run']} doesn't say with which settings it was predicted at '{point}'")
        return recorded

    def result(self, run: PlannedRun, phase: str) -> dict[str, float]:
        """What a phase of the run's own ended with; NotRun where it wasn't trained."""
        recorded = RunFiles(run, self.root).phase(phase)
        if recorded is None:
            raise NotRun(f"{run['run']} has no trained phase '{phase}'")
        return dict(recorded["result"])

    @cached_property
    def history(self) -> pd.DataFrame:
        """Every number that the method's runs logged while they were trained, tidy (`runs.HISTORY_COLUMNS`)."""
        return read_history(self.grid, self.root, self.method)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Every metric of the method's runs, tidy, as in metrics.csv."""
        return collect_metrics({**self.grid, "runs": runs_of(self.grid, self.method)}, self.root)

    def classes(self, run: PlannedRun, head: str) -> list[str]:
        """The names of the head's classes, by number."""
        known = classes_of(self.grid, run)
        if head not in known:
            raise NotRun(f"{run['run']} has no head '{head}' ({', '.join(known)})")
        return list(known[head])

    def answers(self, run: PlannedRun, head: str) -> list[str]:
        """The names of what the run's scores are of: the head's classes, or those of published weights."""
        return list(run.get("answers", {}).get(head) or self.classes(run, head))
