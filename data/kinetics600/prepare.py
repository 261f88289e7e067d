"""Indexes Kinetics-600 by ActivityNet's tables, and what CVDF has beyond them by the class whose archive it came in.
The published val is our test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import Row, hold_out
from saccade.acquire.raw import RawFiles
from saccade.acquire.youtube_clips import clip_named, clip_rows, id_of, read_clips, read_ids, row_of
from saccade.class_lists import read_names
from saccade.records import SaccadeError, first_few

MOST = 0.01  # of the videos for training may come in another class's archive than their table says


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per clip of the tables of train and val, found by its name or its video's id wherever it lies below raw/,
    and one per further video of an archive of train."""
    files = RawFiles(raw.parent)
    lists = {"train": read_clips(files.named("kinetics-600_train.csv"))}
    lists["test"] = read_clips(files.named("kinetics-600_val.csv"))
    tested = {clip.youtube_id for clip in lists["test"]} | read_ids(files.named("kinetics-600_test.csv"))
    came_as = classes_of_archives(files, read_names(Path(__file__).parent / "classes.txt"))
    missing = files.raw / "videos"
    rows, notes = clip_rows(lists, files.videos(), missing, lambda path, clip: came_as.get(path) == clip.label)
    notes += check_archives(rows, came_as, missing)
    beyond = videos_beyond(rows, came_as, tested)
    if beyond:
        notes.append(
            f"videos for training that are in no table, of the class whose archive they came in: {len(beyond)}"
        )
    rows += beyond
    known = tested | {clip.youtube_id for clip in lists["train"]} | {str(row["cluster"]) for row in beyond}
    videos = pd.DataFrame(hold_out(rows, settings.val_share))
    listed = {path for path in files.videos() if id_of(path) in known}
    videos.attrs = {"unlisted": files.unlisted(listed), "notes": notes}
    return videos, None


def classes_of_archives(files: RawFiles, classes: Sequence[str]) -> dict[Path, str]:
    """The class in whose folder, below one called train, each video lies; without those that lie in none. Users'
    folders may be called after the class with `_` for a blank, and without brackets."""
    by_letters, class_of = {_letters(name): name for name in classes}, dict[Path, str]()
    for folder in {path.parent for path in files.videos()}:
        parts = folder.relative_to(files.raw).parts
        below = parts[parts.index("train") + 1 :] if "train" in parts else ()
        if names := [by_letters[key] for part in below if (key := _letters(part)) in by_letters]:
            class_of[folder] = names[-1]
    return {path: class_of[path.parent] for path in files.videos() if path.parent in class_of}


def check_archives(rows: Sequence[Row], came_as: dict[Path, str], missing: Path) -> list[str]:
    """What to tell of the videos that came in another class's archive than their table says: the table is believed, if
    it names the very clip; else it isn't that clip's video, which is missing. Raises SaccadeError where they are
    many."""
    other = []
    for row in rows:
        path = Path(str(row["path"]))
        if row["split"] == "train" and came_as.get(path, row["label"]) != row["label"]:
            if path.stem == row["video_id"]:
                other.append(f"{path.name} ({came_as[path]}, not {row['label']})")
            else:
                row["path"] = str(missing / f"{row['video_id']}.mp4")
    if len(other) > MOST * len(came_as):
        raise SaccadeError(
            f"{len(other)} videos lie in the folder of another class than kinetics-600_train.csv says: "
            f"{first_few(other, 3)}; are the folders below {missing / 'train'} CVDF's archives?"
        )
    what = "videos that came in the archive of another class than their table's, which is believed"
    return [f"{what}: {len(other)} ({first_few(other)})"] if other else []


def videos_beyond(rows: Sequence[Row], came_as: dict[Path, str], tested: set[str]) -> list[Row]:
    """A row for each video of an archive of train that has none yet, and isn't cut out of a video that is tested on."""
    names, used, found = {row["video_id"] for row in rows}, {str(row["path"]) for row in rows}, dict[str, Row]()
    for path, label in sorted(came_as.items()):
        clip = clip_named(path.stem, label)
        if clip and str(path) not in used and clip.name not in names and clip.youtube_id not in tested:
            found.setdefault(clip.name, row_of(clip, "train", path))
    return list(found.values())


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
