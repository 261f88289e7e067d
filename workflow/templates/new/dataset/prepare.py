"""Indexes the published lists raw/train.csv and raw/test.csv: `video,label,cluster`, a video below raw/videos."""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.cards.dataset import load_dataset
from saccade.records import SaccadeError, suggest


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """(one row per video, no ground truth per frame). `raw` is raw/<budget>, for data that is made here; what is
    published lies beside it."""
    folder = raw.parent
    classes = _classes(folder)
    rows = [
        {
            "video_id": row.video,
            "split": "val" if name == "train" and _is_val(row.cluster, settings.val_share, seed) else name,
            "cluster": row.cluster,
            "path": str(folder / "videos" / row.video),
            "label": _number(row.label, classes, folder / f"{name}.csv"),
        }
        for name in ("train", "test")
        for row in pd.read_csv(folder / f"{name}.csv", dtype=str).itertuples()
    ]
    return pd.DataFrame(rows), None


def _classes(folder: Path) -> tuple[str, ...]:
    """As the card lists them; a label's number is its place there."""
    home = folder.parent
    return load_dataset(home.parents[1], home.name).heads_in("")["label"].classes


def _number(label: str, classes: tuple[str, ...], file: Path) -> int:
    if label not in classes:
        raise SaccadeError(f"{file}: unknown label '{label}'" + suggest(label, classes))
    return classes.index(label)


def _is_val(cluster: str, share: float, seed: int) -> bool:
    """Drawn by the cluster's name, so that another video moves none of the others."""
    return int(hashlib.sha256(f"{seed}/{cluster}".encode()).hexdigest()[:8], 16) < share * 16**8
