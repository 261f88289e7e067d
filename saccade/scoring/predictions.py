"""A run's predictions as arrays. Each is checked against the prepared index: nothing incomplete is scored. No torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from saccade.records import PREDICTION_COLUMNS, Head, SaccadeError
from saccade.scoring.metrics import Booleans, Floats, multi_hot

COSTS = ["macs", "frames", "decoded_frames"]


def split_videos(predictions: pd.DataFrame, index: pd.DataFrame, heads: Sequence[Head], split: str) -> pd.DataFrame:
    """The index's videos of the split, sorted by id. SaccadeError where either table lacks columns, rows or a point's
    name; a head of published weights that the index doesn't label needs scores alone."""
    if not heads:
        raise SaccadeError("the run has no heads, so there is nothing to score")
    names = [head.name for head in heads if head.name in index or not head.of_weights]
    answers = [*(f"{name}.target" for name in names), *(f"{head.name}.scores" for head in heads)]
    _need(predictions, "predictions", [*PREDICTION_COLUMNS, *answers], "predict")
    _need(index, "index", ["video_id", "split", "cluster", *names], "prepare")
    if len(again := index["video_id"][index["video_id"].duplicated()]):
        raise SaccadeError(f"the index has videos twice: {_some(again)}; prepare again")
    videos = index[index["split"] == split].sort_values("video_id", ignore_index=True)
    if videos.empty or predictions.empty:
        raise SaccadeError(
            f"there is no {split} video in the index" if videos.empty else "there are no predictions; predict again"
        )
    if predictions["point"].isna().any():
        raise SaccadeError("some predictions name no point; predict again")
    return videos


def in_order(table: pd.DataFrame, videos: pd.DataFrame) -> pd.DataFrame:
    """The point's rows in the order of `videos`; SaccadeError unless each video is there exactly once and its costs are
    counts."""
    ids, wanted = table["video_id"], videos["video_id"]
    problems = {
        "missing": wanted[~wanted.isin(ids)],
        "twice or more": ids[ids.duplicated()].drop_duplicates(),
        "unknown": ids[~ids.isin(wanted)],
    }
    if found := [f"{len(some)} {what} ({_some(some)})" for what, some in problems.items() if len(some)]:
        raise SaccadeError(f"its videos are not those of the index: {'; '.join(found)}; predict again")
    table = table.set_index("video_id").loc[wanted].reset_index()
    if len(moved := wanted[table["cluster"].astype(str) != videos["cluster"].astype(str)]):
        raise SaccadeError(
            f"the clusters of {_some(moved)} are not those of the index, which has changed since; predict again"
        )
    for column in COSTS:
        if not pd.api.types.is_integer_dtype(table[column]) or (table[column] < 0).any():
            raise SaccadeError(f"'{column}' must hold whole numbers from 0 up, one per video")
    return table


def labels_of(table: pd.DataFrame, column: str, where: str) -> list[tuple[int, ...]]:
    """Each video's class numbers, sorted."""
    found = []
    for video, label in zip(table["video_id"], table[column], strict=True):
        values = np.atleast_1d(np.asarray(label))
        if values.size and values.dtype.kind not in "iu":
            raise SaccadeError(f"{where}: video {video}: '{column}' holds {label}, which is no class number")
        found.append(tuple(sorted({int(value) for value in values})))
    return found


def positives_of(videos: pd.DataFrame, head: Head, labels: list[tuple[int, ...]]) -> Booleans:
    """(N, K) truth; SaccadeError naming the video whose labels don't fit the head."""
    for video, row in zip(videos["video_id"], labels, strict=True):
        if (head.kind == "single" and len(row) != 1) or any(not 0 <= label < head.num_classes for label in row):
            raise SaccadeError(
                f"index: video {video} has {head.name} {list(row)}; the head has classes 0 to {head.num_classes - 1} "
                f"({head.kind})"
            )
    return multi_hot(labels, head.num_classes)


def scores_of(table: pd.DataFrame, head: Head, labels: list[tuple[int, ...]]) -> Floats:
    """(N, K) scores of one head; SaccadeError naming the video whose label, length or value is wrong."""
    for video, predicted, label in zip(
        table["video_id"], labels_of(table, f"{head.name}.target", "predictions"), labels, strict=True
    ):
        if predicted != label:
            raise SaccadeError(
                f"video {video}: {head.name} is {list(predicted)} where the index, which has changed since, says "
                f"{list(label)}; predict again"
            )
    for video, row in zip(table["video_id"], table[f"{head.name}.scores"], strict=True):
        if np.size(row) != head.num_classes:
            raise SaccadeError(
                f"video {video} has {np.size(row)} scores for the {head.num_classes} classes of {head.name}"
            )
        if not np.isfinite(np.asarray(row, dtype=np.float64)).all():
            raise SaccadeError(f"video {video}: a score of {head.name} is not finite")
    return np.asarray(table[f"{head.name}.scores"].tolist(), dtype=np.float64)


def _need(table: pd.DataFrame, what: str, columns: Sequence[str], step: str) -> None:
    if lacking := [column for column in columns if column not in table]:
        raise SaccadeError(f"the {what} lack the column {', '.join(lacking)}; {step} again")


def _some(ids: "pd.Series[Any]") -> str:
    return ", ".join(map(str, ids.iloc[:5])) + (" ..." if len(ids) > 5 else "")
