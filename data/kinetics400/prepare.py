"""Indexes Kinetics-400 by its tables of train and val; the published val is our test."""

from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import hold_out
from saccade.acquire.raw import RawFiles
from saccade.acquire.youtube_clips import clip_rows, id_of, is_replacement, read_clips, read_ids


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per clip of train.csv and val.csv, found by its name or its video's id wherever it lies below raw/."""
    files = RawFiles(raw.parent)
    lists = {"train": read_clips(files.named("train.csv")), "test": read_clips(files.named("val.csv"))}
    rows, notes = clip_rows(lists, files.videos(), files.raw / "videos", is_replacement)
    known = {clip.youtube_id for clips in lists.values() for clip in clips} | read_ids(files.named("test.csv"))
    listed = {path for path in files.videos() if id_of(path) in known}
    videos = pd.DataFrame(hold_out(rows, settings.val_share))
    videos.attrs = {"unlisted": files.unlisted(listed), "notes": notes}
    return videos, None
