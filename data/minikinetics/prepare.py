"""Indexes Mini-Kinetics, of which there are two: parts of Kinetics-400's train and val, by one list of 200 classes or
another. The val of each is our test."""

from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import hold_out, lines
from saccade.acquire.raw import RawFiles
from saccade.acquire.youtube_clips import Clip, clip_named, clip_rows, is_replacement, read_clips
from saccade.class_lists import read_names
from saccade.records import SaccadeError, first_few

KINETICS = "kinetics400"  # whose raw/ holds the videos, and the tables with the labels
SPLITS = {"train": "train", "test": "val"}  # ours: theirs


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per clip of the lists, found by its name or its video's id wherever it lies below Kinetics-400's raw/."""
    own, kinetics = RawFiles(raw.parent), RawFiles(raw.parents[2] / KINETICS / "raw")
    lists = {"all": all_of_classes, "xie": chosen_by_xie, "ar": chosen_by_ar}[settings.lists](own, kinetics)
    rows, notes = clip_rows(lists, kinetics.videos(), kinetics.raw / "videos", is_replacement)
    videos = pd.DataFrame(hold_out(rows, settings.val_share))
    videos.attrs = {"notes": notes}
    return videos, None


def all_of_classes(own: RawFiles, kinetics: RawFiles) -> dict[str, list[Clip]]:
    """What Kinetics-400's tables have of Xie's classes."""
    classes = set(read_names(Path(__file__).parent / "xie.txt"))
    return {split: [clip for clip in clips if clip.label in classes] for split, clips in _tables(kinetics).items()}


def chosen_by_xie(own: RawFiles, kinetics: RawFiles) -> dict[str, list[Clip]]:
    """Of lists with an id a line; times and labels are those of Kinetics-400's tables."""
    known = {clip.youtube_id: clip for clips in _tables(kinetics).values() for clip in clips}
    lists = {}
    for split, theirs in SPLITS.items():
        path = own.named(f"{theirs}_ytid_list.txt")
        chosen = [line for _, line in lines(path)]
        if lacking := [video for video in chosen if video not in known]:
            raise SaccadeError(
                f"{path}: Kinetics-400's train.csv and val.csv don't have {len(lacking)} of these videos: "
                f"{first_few(lacking)}; are both as published?"
            )
        lists[split] = [known[video] for video in chosen]
    return lists


def chosen_by_ar(own: RawFiles, kinetics: RawFiles) -> dict[str, list[Clip]]:
    """Of AdaFuse's lists: `images/val/air drumming/7LSJ2Ryv1a8_000000_000010 60 0` is a folder of frames, how many of
    them there were, and the number of its class."""
    classes = [line for _, line in lines(own.named("minik_classInd.txt"))]
    lists: dict[str, list[Clip]] = {}
    for split, theirs in SPLITS.items():
        for where, line in lines(own.named(f"mini_{theirs}_videofolder.txt")):
            folder, _, number = (line.rsplit(None, 2) + ["", ""])[:3]
            label, _, name = folder.rpartition("/")
            label = label.rpartition("/")[2]
            clip = clip_named(name, label)
            if not clip or not number.isdigit() or classes[int(number) : int(number) + 1] != [label]:
                raise SaccadeError(
                    f"{where}: '{line}' isn't a folder of a class and a clip, how many frames it has, and the class's "
                    "number in minik_classInd.txt"
                )
            lists.setdefault(split, []).append(clip)
    return lists


def _tables(kinetics: RawFiles) -> dict[str, list[Clip]]:
    return {split: read_clips(kinetics.named(f"{theirs}.csv")) for split, theirs in SPLITS.items()}
