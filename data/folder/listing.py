"""Which videos lie in raw/, and what their folders or videos.csv say of them. The plan asks too, so no torch and no
pandas here."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from saccade.records import SaccadeError

from . import disk, names
from .table import COLUMNS, read_rows

TABLE = "videos.csv"


@dataclass(frozen=True)
class Video:
    """`split` is empty where nothing says it; videos of one `cluster` (a person, a recording) never fall into different
    splits."""

    name: str
    path: Path
    label: str
    split: str
    cluster: str


def look(raw: Path) -> tuple[dict[str, list[str]], str, str]:
    """({head: its classes, sorted}, a digest of what was found, why nothing can be trained on it or ""); ({}, "", "")
    where there is nothing yet.

    The digest changes with the videos, their sizes, labels, splits and clusters: then the data is prepared again.
    Raises SaccadeError where what is there can't be meant so; OSError where it can't be read.
    """
    videos = read(raw)
    if not videos:
        return {}, "", ""
    classes = sorted({video.label for video in videos})
    facts = [
        f"{video.name}\0{video.label}\0{video.split}\0{video.cluster}\0{disk.size(video.path)}" for video in videos
    ]
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    return {"label": classes}, digest, _why_untrainable(raw, videos, classes)


def _why_untrainable(raw: Path, videos: Sequence[Video], classes: Sequence[str]) -> str:
    """Where there is only one class, or folders for one split only; '' otherwise."""
    if len({video.split for video in videos}) == 1 and videos[0].split and not (raw / TABLE).is_file():
        only = videos[0].path.relative_to(raw).parts[0]
        return (
            f"{raw}: of splits there is only '{only}'; add the others ({names.UNDERSTOOD}), or put its class folders "
            f"into raw/ itself, and their videos are dealt. If it is a class, rename it or write {TABLE}"
        )
    if len(classes) < 2:
        return (
            f"{raw}: '{classes[0]}' is the only class (videos: {len(videos)}); a head needs a second one to tell it "
            "from. Class folders lie in raw/ itself, or in raw/train, raw/val and raw/test"
        )
    return ""


def read(raw: Path) -> list[Video]:
    """The videos of raw/videos.csv, or else of the class folders, sorted by name; empty where there is neither.

    Names and labels are in Unicode's composed form; of two files whose names are then equal the second is numbered.
    """
    disk.need_target(raw)
    table = disk.need_target(raw / TABLE)
    if raw.exists() and not raw.is_dir():
        raise SaccadeError(f"{raw} is no folder; put your videos into a folder of that name")
    if table.is_dir():
        raise SaccadeError(f"{table} is a folder; a class needs another name, and the table is a file")
    if table.is_file():
        found = list(_from_table(table))
        if not found:
            raise SaccadeError(f"{table} names no video; write a line for each, or remove the table")
    else:
        found = list(_from_folders(raw)) if raw.is_dir() else []
    _refuse_alike_labels(raw, found)
    seen: dict[str, int] = {}
    videos = []
    for video in sorted(found, key=lambda video: (video.name, str(video.path))):
        count = seen[video.name] = seen.get(video.name, 0) + 1
        name = video.name if count == 1 else f"{video.name} ({count})"
        videos.append(replace(video, name=name, label=video.label.strip(), cluster=video.cluster or name))
    return videos


def _refuse_alike_labels(raw: Path, videos: Sequence[Video]) -> None:
    """Raises SaccadeError where two labels differ only in case or blanks: one class, mistyped, or two?"""
    first: dict[str, Video] = {}
    for video in videos:
        if not names.folded(video.label):
            raise SaccadeError(f"{raw}: the label of {video.name} is blank; give the class a name")
        other = first.setdefault(names.folded(video.label), video)
        if other.label != video.label:
            raise SaccadeError(
                f"{raw}: the labels '{other.label}' ({other.name}) and '{video.label}' ({video.name}) differ only in "
                "case or blanks; write one class in one way, or name two classes more differently"
            )


def _from_folders(raw: Path) -> Iterator[Video]:
    """raw/<class>/..., or raw/<split>/<class>/... where the folders' names are usual words for splits."""
    folders = disk.folders(raw)
    splits = _splits(raw, folders)
    if not splits:
        yield from _from_classes(raw, "", raw)
        return
    _no_loose_video(raw)
    for folder, split in splits.items():
        yield from _from_classes(folder, split, raw)


def _splits(raw: Path, folders: Sequence[Path]) -> dict[Path, str]:
    """{folder: its split}; empty where folders are classes. Raises SaccadeError where that is doubtful."""
    meant = {folder: names.split_of(folder.name) for folder in folders}
    named = [folder for folder in folders if meant[folder]]
    if not any(_holds_folders_of_videos(folder) for folder in named) and len(named) < 2:
        names.refuse_alike_splits(raw, [folder.name for folder in folders])
        return {}  # a class may be called train, beside plane and car
    first: dict[str, str] = {}
    for folder in named:
        if meant[folder] not in names.SPLIT_WORDS:
            doubt = f"'{folder.name}' may be {meant[folder]}; rename it"
        elif (other := first.setdefault(meant[folder], folder.name)) != folder.name:
            doubt = f"'{other}' and '{folder.name}' both mean {meant[folder]}; put them together, or rename one"
        else:
            continue
        raise SaccadeError(f"{raw}: {doubt}; {names.UNDERSTOOD}")
    if others := [folder.name for folder in folders if not meant[folder]]:
        raise SaccadeError(
            f"{raw}: '{named[0].name}' is a split's name, and '{others[0]}' beside it is none; put that below a split "
            f"or out of raw/ ({names.UNDERSTOOD}). If '{named[0].name}' is a class, rename it or write {TABLE}"
        )
    return {folder: meant[folder] for folder in named}


def _holds_folders_of_videos(folder: Path) -> bool:
    return any(next(disk.videos_below(below), None) for below in disk.folders(folder))


def _from_classes(folder: Path, split: str, raw: Path) -> Iterator[Video]:
    """<class>/[<cluster>/.../]<video>: without a folder of its own a video is its own cluster; clusters may reach over
    classes."""
    _no_loose_video(folder)
    classes = disk.folders(folder)
    _refuse_splits_in_classes(folder, classes)
    for own in classes:
        files = list(disk.videos_below(own))
        if not files:
            raise SaccadeError(
                f"{own} holds no video ({' '.join(disk.SUFFIXES)}); remove the folder, or put videos of that class "
                "there"
            )
        for path in files:
            parts, name = path.relative_to(own).parts, path.relative_to(raw).as_posix()
            cluster = names.composed(parts[0]) if len(parts) > 1 else ""
            yield Video(names.composed(name), path, names.composed(own.name), split, cluster)


def _refuse_splits_in_classes(folder: Path, classes: Iterable[Path]) -> None:
    """Raises SaccadeError where classes hold several splits: taken for clusters, they'd be dealt anew."""
    first: dict[str, Path] = {}
    for below in (below for own in classes for below in disk.folders(own)):
        if split := names.split_of(below.name):
            first.setdefault(split, below)
    if len(first) > 1:
        one, other = list(first.values())[:2]
        raise SaccadeError(
            f"{folder}: {one.relative_to(folder)} and {other.relative_to(folder)} look like splits inside of classes; "
            f"put the splits on top, raw/<split>/<class>/ ({names.UNDERSTOOD}), or write {TABLE}"
        )


def _from_table(table: Path) -> Iterator[Video]:
    """One video per line; a path is absolute, or starts where the table lies."""
    seen: dict[str, str] = {}
    words: dict[str, str] = {}
    without: set[bool] = set()
    for where, row in read_rows(table):
        video = _from_line(where, row, table.parent)
        file = os.path.abspath(video.path)
        if file in seen:
            raise SaccadeError(f"{where}: '{row['path']}' is there already, in {seen[file]}")
        seen[file] = where.removeprefix(f"{table}: ")
        without.add(not video.split)
        if len(without) > 1:
            raise SaccadeError(f"{where}: either every line names a split or none does")
        word = row.get("split", "").casefold()
        if (other := words.setdefault(video.split, word)) != word:
            raise SaccadeError(f"{where}: '{word}' and, above, '{other}' both mean {video.split}; write one of them")
        yield video


def _from_line(where: str, row: dict[str, str], folder: Path) -> Video:
    for column in COLUMNS[:2]:
        if not row[column]:
            raise SaccadeError(f"{where}: '{column}' is empty")
    word = row.get("split", "")
    split = names.split_of(word)
    if word and split not in names.SPLIT_WORDS:
        raise SaccadeError(f"{where}: {'doubtful' if split else 'unknown'} split '{word}'; {names.UNDERSTOOD}")
    disk.need_locale(where, row["path"])
    path = disk.spelled_as_on_disk(folder / row["path"])
    if "\\" in row["path"] and not os.path.lexists(path):
        raise SaccadeError(f"{where}: there is no '{row['path']}'; between folders write / and not \\")
    name, cluster = names.composed(row["path"]), names.composed(row.get("cluster", ""))
    return Video(name, path, names.composed(row["label"]), split, cluster)


def _no_loose_video(folder: Path) -> None:
    for path in disk.loose_videos(folder):
        raise SaccadeError(f"{path} lies in no class folder; move it to {folder}/<class>/, or write {TABLE}")
