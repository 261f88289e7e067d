"""Indexes Breakfast by its files of coarse labels, of which there is one per view."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import Row, hold_out
from saccade.acquire.raw import RawFiles

# the labels of a view: P03_cam01_P03_cereals.txt, P03_stereo01_P03_cereals.txt
LABELS = re.compile(r"(P\d\d)_((?:web)?cam\d\d|stereo\d\d)_\1_([a-z]+)\.txt")
ARCHIVE = "BreakfastII_15fps_qvga_sync"


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per view that has coarse labels, found by person, camera and name wherever it lies below raw/. A person,
    whose views show the same act from several sides, is a cluster."""
    files = RawFiles(raw.parent)
    listed = files.matching(LABELS.pattern, "coarse labels (segmentation_coarse.tar.gz)")
    rows = [_row(path.name, settings.test_persons, files) for path in listed]
    videos = pd.DataFrame(hold_out(rows, settings.val_share))
    unlisted = files.unlisted(set(map(Path, videos["path"])))
    videos.attrs = {"unlisted": [video for video in unlisted if not video.endswith("_ch1.avi")]}  # left out on purpose
    return videos, None


def _row(labels: str, test_persons: list[int], files: RawFiles) -> Row:
    person, camera, activity = LABELS.fullmatch(labels).groups()
    tail = f"{person}/{camera}/{person}_{activity}"
    if camera.startswith("stereo"):  # whose two channels show nearly the same: papers take one
        tail = f"{person}/stereo/{person}_{activity}_ch0"
    path = files.video(tail) or files.raw / "videos" / ARCHIVE / ARCHIVE / f"{tail}.avi"
    first, last = test_persons
    split = "test" if first <= int(person[1:]) <= last else "train"
    name = labels.removesuffix(".txt")
    return {"video_id": name, "split": split, "cluster": person, "path": str(path), "activity": activity}
