"""What a run's decisions say of each video, as numbers that claims compare. No torch.

Each raises `Untestable` where the decisions, or the truth, don't hold it.
"""

import json
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from saccade.judging.verdict import Untestable
from saccade.results.reader import RunFiles, dataset_label
from saccade.scoring import frame_shares, hit_rates
from saccade.scoring.metrics import Floats

CHOSEN = "value"  # of the levels of a hit rate: what was chosen; the others are chance


def means_of(what: str, files: RunFiles, rows: pd.DataFrame) -> Floats:
    """(N,) the number that the decisions call so, mean over a video's views; nan where one of them says none."""
    return np.array([_mean_of(what, files, views) for views in rows["decisions"].map(json.loads)])


def following(files: RunFiles, rows: pd.DataFrame, where: str) -> Floats:
    """(N,) products of the standardised ranks of a video's bins and of the distinct moments among the frames looked at:
    their mean is Spearman's rank correlation. Source of the moments: `moment` in the truth per frame."""
    if "moment" not in files.truth_columns():
        raise Untestable(f"no truth per frame says which moments the videos of {dataset_label(files.run)} hold")
    truth = files.truth(["video_id", "frame", "moment"]).sort_values(["video_id", "frame"])
    moments = {str(video): table["moment"].to_numpy() for video, table in truth.groupby("video_id")}
    views = rows["decisions"].map(json.loads)
    bins = _standard_ranks([_mean_of("bins", files, one) for one in views], f"{where}: its bins are")
    seen = [
        np.mean([len(set(moments[video][view["frames"]])) for view in one])
        for video, one in zip(rows["video_id"], views, strict=True)
    ]
    return np.asarray(bins * _standard_ranks(seen, f"{where}: the number of moments is"), dtype=np.float64)


def shares(files: RunFiles, rows: pd.DataFrame, point: str) -> pd.DataFrame:
    """A row per video: the shares of the frames that a view was given which were seen in full, only pre-scanned, and
    skipped (`frame_shares.FATES`)."""
    given = (files.predicted_with(point) or {}).get("num_frames")
    if given is None:
        raise Untestable(f"{files.run['run']} didn't record how many frames {point} is given")
    found = frame_shares.frame_shares(rows, int(given))
    if found is None:
        raise Untestable(f"the decisions of {files.run['run']} don't say which frames were pre-scanned")
    return found


def hits(measure: str, files: RunFiles, rows: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    """A row per video: the share of chosen frames or places that hit (CHOSEN), and what chance hits, a column for each
    of its kinds; nan where a video has nothing to judge. As `score` counts them: `hit.frames`, `hit.boxes`."""
    if not files.truth_columns():
        raise Untestable(f"no truth per frame says when and where the targets of {dataset_label(files.run)} show")
    index = files.index()
    targets = hit_rates.read_targets(files.truth(), index)
    fixed = hit_rates.fit(targets[video] for video in index["video_id"][index["split"] != split] if video in targets)
    found = hit_rates.hit_rates_of(rows, targets, fixed)
    if measure not in found:
        raise Untestable(f"the decisions of {files.run['run']} hold nothing for {measure}, or the truth doesn't")
    return found[measure]


def _mean_of(what: str, files: RunFiles, views: list[Any]) -> float:
    if not views or any(what not in view for view in views):
        raise Untestable(f"the decisions of {files.run['run']} hold no number of {what}")
    return float(np.mean([np.nan if view[what] is None else view[what] for view in views]))


def _standard_ranks(values: list[Any], what: str) -> Floats:
    """(N,) ranks with mean 0 and standard deviation 1; Untestable where all values are equal."""
    ranks = rankdata(values)
    if not ranks.std() > 0:
        raise Untestable(f"{what} the same for every video, so there is nothing to follow")
    return np.asarray((ranks - ranks.mean()) / ranks.std(), dtype=np.float64)
