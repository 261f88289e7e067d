"""Indexes UCF101 by its published lists."""

from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import hold_out, lines, refuse_repeats
from saccade.acquire.raw import RawFiles
from saccade.records import SaccadeError


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per video of the fold's two lists, found by its name wherever it lies below raw/. A group (`g08` of a
    class), cut from one recording, is a cluster."""
    files = RawFiles(raw.parent)
    classes = [_class(line, where) for where, line in lines(files.named("classInd.txt"))]
    rows: list[dict[str, Any]] = []
    for split in ("train", "test"):
        path = files.named(f"{split}list0{settings.fold}.txt")
        rows += [_row(line, split, where, classes, files) for where, line in lines(path)]
    refuse_repeats(rows, path.parent)
    videos = pd.DataFrame(hold_out(rows, settings.val_share))
    videos.attrs = {"classes": {"label": classes}, "unlisted": files.unlisted(set(map(Path, videos["path"])))}
    return videos, None


def _class(line: str, where: str) -> str:
    """Of `1 ApplyEyeMakeup`."""
    number, _, label = line.partition(" ")
    if not number.isdecimal() or not label:
        raise SaccadeError(f"{where}: '{line}' isn't a class's number and name")
    return label.strip()


def _row(line: str, split: str, where: str, classes: list[str], files: RawFiles) -> dict[str, Any]:
    """Of `ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1`, whose number counts from 1; test lists have none."""
    entry, _, number = line.partition(" ")
    label, _, file = entry.partition("/")
    name = file.removesuffix(".avi")
    if label not in classes or not file.endswith(".avi"):
        raise SaccadeError(f"{where}: '{line}' isn't a class of classInd.txt, / and the name of a video (.avi)")
    if number not in ("", str(classes.index(label) + 1)):
        raise SaccadeError(f"{where}: '{label}' isn't class {number} of classInd.txt")
    # names in the zip differ from those of the lists in a letter's case: v_HandstandPushups, v_HandStandPushups
    path = files.video(name) or files.raw / "videos" / entry
    return {"video_id": name, "split": split, "cluster": name.rpartition("_")[0], "path": str(path), "label": label}
