"""Indexes a user's own videos; those that name no split are dealt to train, val and test, cluster by cluster. Where
nothing is trained, all are for test."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.files import equal_files
from saccade.records import SaccadeError
from saccade.video.container import VideoError, opened

from .listing import Video, look, read

ORDER = ("train", "test", "val")  # who is served first: without a video to train on or to test on a class is of no use


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per video. Raises SaccadeError where a class has too few videos to train and test on.

    Copies of a video share a cluster. Where they can't, since the user gave them two splits or two labels, the step
    refuses them.
    """
    folder = raw.parent  # the same videos for every budget
    classes = look(folder)[0]["label"]
    if settings.tests_only:
        videos = copies_together([replace(video, split="test") for video in read(folder)])
    else:
        videos = with_splits(copies_together(read(folder)), settings.shares, settings.split_seed)
        check_splits(videos, classes, folder)
    rows = [(video.name, video.split, video.cluster, str(video.path), classes.index(video.label)) for video in videos]
    return pd.DataFrame(rows, columns=["video_id", "split", "cluster", "path", "label"]), None


def copies_together(videos: Sequence[Video]) -> list[Video]:
    """The videos; those of one label and split that hold the same bytes share a cluster, and their clusters are one."""
    by_path = {video.path: video for video in videos}
    same: dict[str, str] = {}  # a cluster -> the one that it goes into

    def root(cluster: str) -> str:
        return root(same[cluster]) if cluster in same else cluster

    for group in equal_files(by_path):
        own = [by_path[path] for path in group]
        if len({(video.label, video.split) for video in own}) == 1 and _opens(own[0].path):
            first, *others = sorted({root(video.cluster) for video in own})
            same |= dict.fromkeys(others, first)
    return [replace(video, cluster=root(video.cluster)) for video in videos]


def _opens(path: Path) -> bool:
    """Whether it can be a video at all; what can't is named later, and no copy of anything."""
    try:
        with opened(path):
            return True
    except VideoError:
        return False


def with_splits(videos: Sequence[Video], shares: Mapping[str, float], seed: int) -> list[Video]:
    """The videos, each with a split: the one given; where none is, dealt; where none is for val, a part of train."""
    given = {video.split for video in videos}
    if given == {""}:
        dealt = deal(videos, shares, seed)
    elif "val" not in given:
        dealt = deal(
            [video for video in videos if video.split == "train"],
            {name: shares[name] for name in ("train", "val")},
            seed,
        )
    else:
        return list(videos)
    return [replace(video, split=dealt[video.cluster]) if video.split in ("", "train") else video for video in videos]


def deal(videos: Sequence[Video], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """{cluster: split}: each cluster goes where its class has the fewest videos for the split's share.

    So a class's first cluster is for training, its second for testing, its third for val, and from then on the shares
    decide. Classes with few clusters choose first, large clusters before small ones; equal ones stand in an order drawn
    by `seed` and their names.
    """
    clusters: dict[str, Counter[str]] = defaultdict(Counter)
    for video in videos:
        clusters[video.cluster][video.label] += 1
    of_class: dict[str, list[str]] = defaultdict(list)
    for cluster in sorted(clusters, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()):
        for label in clusters[cluster]:
            of_class[label].append(cluster)
    dealt: dict[str, str] = {}
    count: dict[str, Counter[str]] = defaultdict(Counter)  # of the videos in a split, by class
    for label in sorted(of_class, key=lambda name: (len(of_class[name]), name)):
        for cluster in sorted(of_class[label], key=lambda name: -clusters[name][label]):
            if cluster not in dealt:
                choices = [split for split in ORDER if split in shares]
                dealt[cluster] = min(choices, key=lambda split: count[split][label] / shares[split])
                count[dealt[cluster]].update(clusters[cluster])
    return dealt


def check_splits(videos: Sequence[Video], classes: Sequence[str], folder: Path) -> None:
    """Raises SaccadeError unless each class is in train and in test, no cluster is in two splits, and val has a
    video."""
    found = {(video.split, video.label) for video in videos}
    for label in classes:
        if lacking := [split for split in ("train", "test") if (split, label) not in found]:
            own = [video for video in videos if video.label == label]
            clusters = len({video.cluster for video in own})
            raise SaccadeError(
                f"{folder}: class '{label}': none of its videos (number: {len(own)}, clusters: {clusters}) is in "
                f"{' and '.join(lacking)}; a class needs at least one video to train on, and one of another cluster to "
                "test on (copies of a video are one cluster)"
            )
    if not any(split == "val" for split, _ in found):
        raise SaccadeError(
            f"{folder}: no video is left for val, which training is watched on; one class at least needs three clusters"
        )
    first: dict[str, Video] = {}
    for video in videos:
        other = first.setdefault(video.cluster, video)
        if other.split != video.split:
            raise SaccadeError(
                f"{folder}: cluster '{video.cluster}' is in two splits: {other.name} in {other.split}, {video.name} in "
                f"{video.split}"
            )
