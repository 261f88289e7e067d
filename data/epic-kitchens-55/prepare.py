"""Indexes EPIC-KITCHENS-55 by its published segments of videos that are folders of frames."""

from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import Row, hold_out, refuse_repeats, table
from saccade.acquire.raw import RawFiles
from saccade.records import SaccadeError

SEGMENT = ("uid", "video_id", "start_frame", "stop_frame", "verb_class", "noun_class")  # of fourteen columns
FRAMES_OF = r"P\d\d_\d+"  # a video's folder
FRAME = "frame_{:010d}.jpg"  # numbers count from 1
FPS = 60  # of the extraction, whatever the video's own is
BEYOND = FPS  # frames by which a segment may outlast its video: it is cut then


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per segment of the published training videos: a stretch of its video's frames. A video, whose segments
    overlap, is a cluster."""
    files = RawFiles(raw.parent, frames=FRAMES_OF)
    classes = {head: _classes(files.named(f"EPIC_{head}_classes.csv"), head) for head in ("verb", "noun")}
    segments = files.named("EPIC_train_action_labels.csv")

    @cache
    def place(video: str) -> tuple[Path, int]:
        folder = files.folder(video, holds=FRAME.format(1)) or files.raw / "frames" / video
        return folder, _last_frame(folder)

    rows = [_row(fields, where, classes, settings.test_videos, place) for where, fields in table(segments, SEGMENT)]
    refuse_repeats(rows, segments)
    videos = pd.DataFrame(hold_out(rows, settings.val_share))
    videos.attrs = {"classes": classes}
    return videos, None


def _classes(path: Path, head: str) -> list[str]:
    """The names of the classes, whose numbers count from 0."""
    names = []
    for where, fields in table(path, (f"{head}_id", "class_key")):
        if fields[f"{head}_id"] != str(len(names)):
            raise SaccadeError(f"{where}: {head}_id is '{fields[f'{head}_id']}' where {len(names)} is next")
        names.append(fields["class_key"])
    return names


def _row(
    fields: dict[str, str],
    where: str,
    classes: dict[str, list[str]],
    test_videos: list[str],
    place: Callable[[str], tuple[Path, int]],
) -> Row:
    """Of a segment, which goes up to the frame before `stop_frame`. Its uid is its own; some numbers are left out."""
    video, first = fields["video_id"], max(_number(fields, "start_frame", where), 1)
    folder, last = place(video)
    return {
        "video_id": f"{video}-{fields['uid']}",
        "split": "test" if video in test_videos else "train",
        "cluster": video,
        "path": str(folder),
        "first_frame": first,
        "frames": _end(first, _number(fields, "stop_frame", where), last) - first,
        "fps": FPS,
        **{head: _class(fields, head, names, where) for head, names in classes.items()},
    }


def _end(first: int, stop: int, last: int) -> int:
    """The number behind the segment's last frame: a segment that outlasts its video by no more than BEYOND ends with
    it. One that lacks more stays as it is listed, and is told when it is probed."""
    return last + 1 if first <= last < stop - 1 <= last + BEYOND else stop


def _last_frame(folder: Path) -> int:
    """The number of the folder's last frame, 0 without any: they are numbered from 1 and leave none out."""
    return bisect_left(range(1, 10**6), True, key=lambda number: not (folder / FRAME.format(number)).exists())


def _class(fields: dict[str, str], head: str, names: list[str], where: str) -> str:
    number = _number(fields, f"{head}_class", where)
    if number >= len(names):
        raise SaccadeError(f"{where}: {head}_class {number} is none of the {len(names)} of EPIC_{head}_classes.csv")
    return names[number]


def _number(fields: dict[str, str], column: str, where: str) -> int:
    if not fields[column].isdecimal():
        raise SaccadeError(f"{where}: {column} is '{fields[column]}', which is no number")
    return int(fields[column])
