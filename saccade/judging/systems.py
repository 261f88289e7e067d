"""What a claim asks of our runs: one value per training and video, ready to be compared. No torch.

A system is a variant at an operating point on a dataset[@edition]; `<method>/<variant>` is another method's. Each
question raises `NotRun`, naming the run, where it isn't planned or has no result, and `Untestable` where a phase that
it is made of missed its gate, or where the question means nothing there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from saccade.cards.layout import Source
from saccade.cards.paper import Paper, read_paper
from saccade.judging import decided
from saccade.judging.judged_runs import JudgedRuns, default_head
from saccade.judging.system_scores import SystemClassScores, SystemScores, holding, to_runs, to_scored
from saccade.judging.verdict import Untestable
from saccade.records import SaccadeError
from saccade.results.reader import NotRun, PlannedGrid, PlannedRun, RunFiles, dataset_label, runs_of
from saccade.scoring import metrics
from saccade.scoring.metrics import Booleans, Floats


class System(NamedTuple):
    """A variant at an operating point on a dataset[@edition], as `SystemResults` is asked for it."""

    variant: str
    point: str
    dataset: str

    def at(self, point: str) -> "System":
        """The same weights at another of their points."""
        return self._replace(point=point)


def system_of(source: Source, method: str) -> System:
    """What a row's run is called by a claim of that method: the variant of another one is `<method>/<variant>`."""
    run = source.address
    variant = run.variant if run.method == method else f"{run.method}/{run.variant}"
    return System(variant, source.point, run.data)


@dataclass(frozen=True, eq=False)
class SystemResults:
    """The runs of one method under one grid. A head that isn't named is the only one, else `action`, else `label`."""

    grid: PlannedGrid
    root: Path
    method: str
    _kept: dict[tuple[str | None, ...], SystemScores] = field(default_factory=dict)
    _hits: dict[tuple[str, str, str], pd.DataFrame] = field(default_factory=dict)  # run, point, measure: all levels

    @cached_property
    def runs(self) -> JudgedRuns:
        return JudgedRuns(self.grid, self.root, self.method)

    @cached_property
    def paper(self) -> Paper:
        """The method's paper.yml; SaccadeError where it has none."""
        found = read_paper(self.root, self.method)
        if found is None:
            raise SaccadeError(f"methods/{self.method}/paper/paper.yml does not exist, so no claim can name its rows")
        return found

    def row(self, table: str, row: str, column: str = "") -> System:
        """The system behind a printed row, at the point that answers the column."""
        return system_of(self.paper.source(table, row, column), self.method)

    def named(self, name: str) -> System:
        """One of the `systems` of paper.yml."""
        return system_of(self.paper.source("", name), self.method)

    def hits(self, variant: str, point: str, dataset: str, head: str | None = None) -> SystemScores:
        """Top-1 hits in [0, 1], as `score` left them."""

        def read(run: PlannedRun) -> pd.DataFrame:
            files = RunFiles(run, self.root)
            column = f"{head or self.runs.scored_head(run)}.top1"
            if column not in files.hit_columns():
                raise Untestable(f"{run['run']} has no {column}")
            rows = files.hits(["video_id", "cluster", column], point)
            return rows.rename(columns={column: "value"})

        return self._ask("hits", (variant, point, dataset, head), read)

    def top5(self, variant: str, point: str, dataset: str, head: str | None = None) -> SystemScores:
        """Top-5 hits in [0, 1]; of a derived label: every part's target is among that part's five best."""

        def read(run: PlannedRun) -> pd.DataFrame:
            parts = self.runs.parts(run, head or self.runs.scored_head(run))
            columns = [f"{part}.{what}" for part in parts for what in ("target", "scores")]
            rows = self.runs.predictions(run, point, columns)
            pairs = [(np.stack(list(rows[f"{part}.scores"])), rows[f"{part}.target"].to_numpy()) for part in parts]
            if small := [part for part, (scores, _) in zip(parts, pairs, strict=True) if scores.shape[1] <= 5]:
                raise Untestable(f"{', '.join(small)} of {run['run']} has too few classes for a top-5 answer to miss")
            return rows.assign(value=metrics.derived_top_k(pairs, 5))

        return self._ask("top5", (variant, point, dataset, head), read)

    def scored(self, variant: str, point: str, dataset: str, head: str | None = None) -> SystemClassScores:
        """Scores and truth of one head, for mean average precision; videos that a training lacks are left out. Read
        anew each time."""
        runs = self.runs.judged(variant, point, dataset)
        chosen = head or self.runs.predicted_head(runs[0])
        columns = {f"{chosen}.{what}": what for what in ("target", "scores")}
        tables = [self.runs.predictions(run, point, list(columns)).rename(columns=columns) for run in runs]
        return to_scored([" ".join(run["weights"]) for run in runs], tables, self.runs.classes_of(runs[0])[chosen])

    def gmacs(self, variant: str, point: str, dataset: str, per_frame: bool = False) -> SystemScores:
        """Billions of multiply-adds per video, as executed over all its views; or per frame that was looked at."""

        def read(run: PlannedRun) -> pd.DataFrame:
            rows = self.runs.predictions(run, point, ["macs", "frames"])
            return rows.assign(value=rows["macs"] / 1e9 / (rows["frames"] if per_frame else 1))

        return self._ask(f"gmacs {per_frame}", (variant, point, dataset), read)

    def bins(self, variant: str, point: str, dataset: str) -> SystemScores:
        """The number that the decisions call `bins`, mean over a video's views."""
        return self._mean_of("bins", (variant, point, dataset))

    def kept(self, variant: str, point: str, dataset: str) -> SystemScores:
        """The number that the decisions call `kept`, likewise."""
        return self._mean_of("kept", (variant, point, dataset))

    def ratio(self, variant: str, point: str, dataset: str) -> SystemScores:
        """The number that the decisions call `ratio`: the share of the timesteps looked at that were chosen."""
        return self._mean_of("ratio", (variant, point, dataset))

    def similarity(self, variant: str, point: str, dataset: str, to: str = "expected") -> SystemScores:
        """How alike (SSIM) attention is, over the frames looked at but the first, to what was `expected` of it, or to
        the last map as it was (`copied`) or moved on (`shifted`)."""
        return self._mean_of("similarity" + ("" if to == "expected" else f"_{to}"), (variant, point, dataset))

    def magnification(
        self, variant: str, point: str, dataset: str, video: str = "discriminative", at: str = "target"
    ) -> SystemScores:
        """How many times larger the target's share of the frame is in that video than in the original, over the videos
        in which it shows; or the same of places all over the frame (`anywhere`)."""
        return self._mean_of(f"magnified.{video}" + ("" if at == "target" else f".{at}"), (variant, point, dataset))

    def share(self, variant: str, point: str, dataset: str, fate: str) -> SystemScores:
        """The share of the frames that a video's views were given which were so: `full`, `scanned` (only pre-scanned),
        or `skipped`."""

        def count(files: RunFiles, rows: pd.DataFrame) -> Floats:
            return decided.shares(files, rows, point)[fate].to_numpy()

        return self._decided(f"share {fate}", (variant, point, dataset), count)

    def follows(self, variant: str, point: str, dataset: str) -> SystemScores:
        """How far a video's bins rise with the distinct moments among the frames looked at: for each training, the
        product of both ranks, standardised over the videos, so that the mean is Spearman's rank correlation (ties share
        their mean rank).

        A draw of clusters moves the products, not the ranks. Source of the moments: `moment` in the truth per frame.
        """

        def count(files: RunFiles, rows: pd.DataFrame) -> Floats:
            return decided.following(files, rows, f"{files.run['run']} at {point}")

        return self._decided("follows", (variant, point, dataset), count)

    def _mean_of(self, what: str, system: tuple[str, str, str]) -> SystemScores:
        return self._decided(what, system, lambda files, rows: decided.means_of(what, files, rows))

    def _decided(
        self, what: str, system: tuple[str, str, str], count: Callable[[RunFiles, pd.DataFrame], Floats]
    ) -> SystemScores:
        """A number per video, from what was decided."""

        def read(run: PlannedRun) -> pd.DataFrame:
            rows = self.runs.predictions(run, system[1], ["decisions"])
            return rows.assign(value=count(RunFiles(run, self.root), rows))

        return self._ask(what, system, read)

    def box_hits(self, variant: str, point: str, dataset: str, level: str = decided.CHOSEN) -> SystemScores:
        """The share of chosen places that hold the target's centre; or, by its level, the share that chance holds
        there: random, centre, fixed. Over the videos where there is something to judge."""
        return self._hit_by("hit.boxes", (variant, point, dataset), level)

    def frame_hits(self, variant: str, point: str, dataset: str, level: str = decided.CHOSEN) -> SystemScores:
        """The share of the frames seen in full that inform; or, by its level, that of as many by chance: random, even,
        fixed. Likewise."""
        return self._hit_by("hit.frames", (variant, point, dataset), level)

    def _hit_by(self, measure: str, system: tuple[str, str, str], level: str) -> SystemScores:
        point = system[1]

        def read(run: PlannedRun) -> pd.DataFrame:
            key = (str(run["run"]), point, measure)
            if key not in self._hits:
                rows = self.runs.predictions(run, point, ["decisions"])
                found = decided.hits(measure, RunFiles(run, self.root), rows)
                self._hits[key] = rows.join(found.set_axis(rows.index))
            rows = self._hits[key]
            if level not in rows:
                raise Untestable(f"no chance of the kind {level} is known of {run['run']}")
            return rows.assign(value=rows[level])

        return self._ask(f"{measure} {level}", system, read)

    def by_class(self, runs: SystemScores, dataset: str, head: str | None = None) -> dict[str, float]:
        """{class: mean over its videos and all trainings}, in the classes' order; a derived label's classes are its
        parts', joined."""
        means = np.asarray(runs.values).mean(axis=0)
        return {name: float(means[held].mean()) for name, held in self._holding(runs, dataset, head).items()}

    def among(self, runs: SystemScores, dataset: str, classes: Sequence[str], head: str | None = None) -> SystemScores:
        """The same on the videos of these classes alone, named as in `by_class`. SaccadeError for a class that no video
        has."""
        holding = self._holding(runs, dataset, head)
        if unknown := [name for name in classes if name not in holding]:
            raise SaccadeError(f"no video of {dataset} that was judged is of class {', '.join(unknown)}")
        held = np.any([holding[name] for name in classes], axis=0)
        return SystemScores(np.asarray(runs.values)[:, held], runs.videos[held], runs.clusters[held], runs.trainings)

    def _holding(self, runs: SystemScores, dataset: str, head: str | None) -> dict[str, Booleans]:
        run = next((run for run in runs_of(self.grid, self.method) if dataset_label(run) == dataset), None)
        if run is None:
            raise NotRun(f"{self.grid['budget']}/{dataset}/{self.method} is not planned")
        classes, derived = self.runs.classes_of(run), self.runs.derived(run)
        parts = self.runs.parts(run, head or default_head([*classes, *derived], dataset))
        index = RunFiles(run, self.root).index(["video_id", *parts]).set_index("video_id")
        labels = [[np.atleast_1d(one).tolist() for one in index.loc[runs.videos, part]] for part in parts]
        return holding(labels, [classes[part] for part in parts])

    def _ask(self, what: str, key: tuple[str | None, ...], read: Callable[[PlannedRun], pd.DataFrame]) -> SystemScores:
        """All trainings of a system that have been scored, asked once. read: (video_id, cluster, value) rows of one
        run."""
        if (what, *key) not in self._kept:
            runs = self.runs.judged(*key[:3])  # type: ignore[arg-type]
            tables = [
                read(run)[["video_id", "cluster", "value"]].assign(training=" ".join(run["weights"])) for run in runs
            ]
            self._kept[(what, *key)] = to_runs(pd.concat(tables, ignore_index=True), "value")
        return self._kept[(what, *key)]
