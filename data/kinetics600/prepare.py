"""Indexes Kinetics-600 by ActivityNet's tables, and what CVDF has beyond them by the class whose archive it came in, of
train as of val. The published val is our test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import Row, hold_out
from saccade.acquire.raw import RawFiles
from saccade.acquire.youtube_clips import Clip, clip_named, clip_rows, id_of, read_clips, read_ids, row_of
from saccade.class_lists import read_names
from saccade.records import SaccadeError, first_few

MOST = 0.01  # of the videos may come in another class's archive than their table says


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per clip of the tables of train and val, found by its name or its video's id wherever it lies below raw/,
    and one per further video of an archive of train or val."""
    files = RawFiles(raw.parent)
    lists = {"train": read_clips(files.named("kinetics-600_train.csv"))}
    lists["test"] = read_clips(files.named("kinetics-600_val.csv"))
    unseen = read_ids(files.named("kinetics-600_test.csv"))
    classes = read_names(Path(__file__).parent / "classes.txt")
    for_training, for_test = (classes_of_archives(files, classes, split) for split in ("train", "val"))
    came_as = for_training | for_test
    further = further_clips(for_test, unseen | {clip.youtube_id for clips in lists.values() for clip in clips})
    lists["test"] += further
    tested = unseen | {clip.youtube_id for clip in lists["test"]}
    missing = files.raw / "videos"
    rows, notes = clip_rows(lists, files.videos(), missing, lambda path, clip: came_as.get(path) == clip.label)
    notes += check_archives(rows, came_as, missing)
    beyond = videos_beyond(rows, for_training, tested)
    for count, use in ((len(beyond), "training"), (len(further), "testing")):
        if count:
            notes.append(f"videos for {use} that are in no table, of the class whose archive they came in: {count}")
    rows += beyond
    known = tested | {clip.youtube_id for clip in lists["train"]} | {str(row["cluster"]) for row in beyond}
    videos = pd.DataFrame(hold_out(rows, settings.val_share))
    listed = {path for path in files.videos() if id_of(path) in known}
    videos.attrs = {"unlisted": files.unlisted(listed), "notes": notes}
    return videos, None


def classes_of_archives(files: RawFiles, classes: Sequence[str], split: str) -> dict[Path, str]:
    """The class in whose folder, below one called as the split is, each video lies; without those that lie in none.
    Users' folders may be called after the class with `_` for a blank, and without brackets."""
    by_letters, class_of = {_letters(name): name for name in classes}, dict[Path, str]()
    for folder in {path.parent for path in files.videos()}:
        parts = folder.relative_to(files.raw).parts
        below = parts[parts.index(split) + 1 :] if split in parts else ()
        if names := [by_letters[key] for part in below if (key := _letters(part)) in by_letters]:
            class_of[folder] = names[-1]
    return {path: class_of[path.parent] for path in files.videos() if path.parent in class_of}


def further_clips(came_as: dict[Path, str], known: set[str]) -> list[Clip]:
    """The clips of these archives that are cut out of videos which no table knows."""
    clips = (clip_named(path.stem, label) for path, label in sorted(came_as.items()))
    return list({clip.name: clip for clip in clips if clip and clip.youtube_id not in known}.values())


def check_archives(rows: Sequence[Row], came_as: dict[Path, str], missing: Path) -> list[str]:
    """What to tell of the videos that came in another class's archive than their table says: the table is believed, if
    it names the very clip; else it isn't that clip's video, which is missing. Raises SaccadeError where they are
    many."""
    other = []
    for row in rows:
        path = Path(str(row["path"]))
        if came_as.get(path, row["label"]) != row["label"]:
            if path.stem == row["video_id"]:
                other.append(f"{path.name} ({came_as[path]}, not {row['label']})")
            else:
                row["path"] = str(missing / f"{row['video_id']}.mp4")
    if len(other) > MOST * len(came_as):
        raise SaccadeError(
            f"{len(other)} videos lie in the folder of another class than their table says: "
            f"{first_few(other, 3)}; are the folders below {missing} CVDF's archives?"
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
