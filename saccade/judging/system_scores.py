"""What a system scored over all its trainings, as comparisons take it, and how that is made from tables of runs. No
torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from saccade.records import SaccadeError
from saccade.scoring import metrics
from saccade.scoring.metrics import Booleans, Floats
from saccade.scoring.predictions import labels_of

SEED = re.compile(r"/(seed\d+)/")  # in a training's name, which is that of its weights


@dataclass(frozen=True, eq=False)
class SystemScores:
    """One system (a variant at an operating point) over its seeds: one value per training and video, the videos in one
    order.

    values (S, N), say hits in [0, 1]; videos (N,) ids; clusters (N,) names; trainings: S names, equal only for equal
    weights.
    """

    values: Floats
    videos: NDArray[Any]
    clusters: NDArray[Any]
    trainings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class SystemClassScores:
    """As `SystemScores`, with scores (S, N, K) and truth (N, K) in place of values, for mean average precision;
    `classes`: K names."""

    scores: Floats
    truth: Booleans
    videos: NDArray[Any]
    clusters: NDArray[Any]
    trainings: tuple[str, ...]
    classes: tuple[str, ...]


Scores = TypeVar("Scores", SystemScores, SystemClassScores)


def of_common_seeds(*systems: Scores) -> list[Scores]:
    """The systems, each with its trainings of the seeds that all of them have: what a seed brings along, such as
    networks that several variants share, is then on all sides. As they are where no seed is common, or not named."""
    seeds = [[found[-1] if (found := SEED.findall(name)) else name for name in system.trainings] for system in systems]
    common = set.intersection(*map(set, seeds))
    if not common or all(set(own) == common for own in seeds):
        return list(systems)
    kept = []
    for system, own in zip(systems, seeds, strict=True):
        held = [seed in common for seed in own]
        field = "values" if isinstance(system, SystemScores) else "scores"
        names = tuple(name for name, stays in zip(system.trainings, held, strict=True) if stays)
        changed: dict[str, Any] = {field: np.asarray(getattr(system, field))[held], "trainings": names}
        kept.append(replace(system, **changed))
    return kept


def to_runs(rows: pd.DataFrame, column: str) -> SystemScores:
    """One system from a row per training and video (video_id, cluster, training, `column`); videos that a training
    lacks are left out."""
    wide = rows.pivot(index=["video_id", "cluster"], columns="training", values=column).dropna().sort_index()
    videos, clusters = (wide.index.get_level_values(name).to_numpy() for name in ("video_id", "cluster"))
    return SystemScores(wide.to_numpy().T, videos, clusters, tuple(map(str, wide)))


def to_scored(trainings: list[str], tables: list[pd.DataFrame], classes: list[str]) -> SystemClassScores:
    """One system from a table per training (video_id, cluster, target, scores); SaccadeError where their targets
    differ."""
    shared = sorted(set.intersection(*(set(table["video_id"]) for table in tables)))
    tables = [table.set_index("video_id").loc[shared].reset_index() for table in tables]
    labels = [labels_of(table, "target", "predictions") for table in tables]
    if any(other != labels[0] for other in labels):
        raise SaccadeError(f"{', '.join(trainings)} were predicted with different labels; predict again")
    scores = np.stack([np.array(table["scores"].tolist(), dtype=np.float64) for table in tables])
    truth = metrics.multi_hot(labels[0], len(classes))
    return SystemClassScores(
        scores, truth, np.array(shared), tables[0]["cluster"].to_numpy(), tuple(trainings), tuple(classes)
    )


def holding(labels: Sequence[Sequence[Sequence[int]]], names: Sequence[Sequence[str]]) -> dict[str, Booleans]:
    """{class: which of the videos (N,) are of it}, in the classes' order; of several heads, their classes joined.

    labels: for each head the class numbers of each video; names: of each head's classes.
    """
    held = [set(product(*map(tuple, row))) for row in zip(*labels, strict=True)]
    classes = sorted(set().union(*held))
    return {
        " ".join(mine[number] for mine, number in zip(names, one, strict=True)): np.array(
            [one in some for some in held]
        )
        for one in classes
    }
