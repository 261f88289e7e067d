"""What a dataset knows of each frame of a split's videos. `index`: the rows of the split; `truth`: the table of all
frames, None where the dataset has none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from saccade.records import SaccadeError, first_few

if TYPE_CHECKING:
    import pandas as pd


def informative_frames(index: "pd.DataFrame", truth: "pd.DataFrame | None") -> dict[str, np.ndarray]:
    """{video_id: the numbers of its informative frames}, for every video of the split."""
    if truth is None or "informative" not in truth:
        raise SaccadeError(
            "the sampler 'oracle' needs per-frame truth (a column 'informative'); this dataset has none: use "
            "another sampler"
        )
    truth = truth[truth["video_id"].isin(index["video_id"])]
    frames = {str(video): np.empty(0, dtype=np.int64) for video in truth["video_id"].unique()}
    for video, rows in truth[truth["informative"].astype(bool)].groupby("video_id", sort=False):
        frames[str(video)] = rows["frame"].to_numpy(np.int64)
    if unknown := [video for video in index["video_id"] if video not in frames]:
        raise SaccadeError(
            f"the sampler 'oracle' needs per-frame truth, and it is missing for {first_few(unknown)}; run prepare again"
        )
    return frames


def of_each_frame(
    index: "pd.DataFrame", truth: "pd.DataFrame | None", columns: Sequence[str]
) -> dict[str, dict[str, np.ndarray]]:
    """{video_id: {column: its value at each frame}} of these columns, for every video of the split."""
    if lacking := [column for column in columns if truth is None or column not in truth]:
        raise SaccadeError(
            f"the setting `truth` asks for {', '.join(lacking)} of every frame, which this dataset doesn't know"
        )
    assert truth is not None
    own = truth[truth["video_id"].isin(index["video_id"])].sort_values(["video_id", "frame"])
    found: dict[str, dict[str, np.ndarray]] = {}
    for video, rows in own.groupby("video_id", sort=False):
        found[str(video)] = {column: rows[column].to_numpy(np.float64) for column in columns}
    for video, frames in zip(index["video_id"], index["frames"], strict=True):
        if (known := found.get(video)) is None or len(next(iter(known.values()))) != frames:
            raise SaccadeError(f"the ground truth of video {video} isn't one row for each of its {frames} frames")
    return found
