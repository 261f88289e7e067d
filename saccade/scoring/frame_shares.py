"""What became of the frames that a method was given, where it says which of them it only pre-scanned. No torch."""

import json

import numpy as np
import pandas as pd

from saccade.records import SaccadeError

FATES = ("full", "scanned", "skipped")


def frame_shares(rows: pd.DataFrame, num_frames: int) -> pd.DataFrame | None:
    """A row per video (FATES): which shares of the `num_frames` of a view were seen in full (`frames` of the
    decisions), only pre-scanned (`scanned`), and neither; mean over views. None where a view doesn't say what was
    pre-scanned, SaccadeError where one saw more than it was given."""
    shares = []
    for video, text in zip(rows["video_id"], rows["decisions"], strict=True):
        views = json.loads(text) if text else []
        if not views or not all(isinstance(view, dict) and {"frames", "scanned"} <= set(view) for view in views):
            return None
        seen = np.array([[len(view["frames"]), len(view["scanned"])] for view in views])
        both = seen.sum(axis=1)
        if both.max() > num_frames:
            raise SaccadeError(f"video {video}: {both.max()} frames of a view of {num_frames} were seen; predict again")
        shares.append(np.array([*seen.mean(axis=0), (num_frames - both).mean()]) / num_frames)
    return pd.DataFrame(shares, columns=list(FATES))
