"""Indexes the published lists raw/train.csv and raw/test.csv: `video,label,cluster`, a video below raw/videos."""

from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import hold_out, refuse_repeats, table


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """(one row per video, no ground truth per frame). `raw` is raw/<budget>, for data that is made here; what is
    published lies beside it."""
    folder = raw.parent
    rows = [
        {
            "video_id": row["video"],
            "split": name,
            "cluster": row["cluster"],
            "path": str(folder / "videos" / row["video"]),
            "label": row["label"],
        }
        for name in ("train", "test")
        for _, row in table(folder / f"{name}.csv", ["video", "label", "cluster"])
    ]
    refuse_repeats(rows, folder)
    return pd.DataFrame(hold_out(rows, settings.val_share)), None
