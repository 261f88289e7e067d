"""Which videos lie in raw/, and what their folders or videos.csv say of them. The plan asks too, so no torch and no
pandas here."""

import csv
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from saccade.records import SPLITS, SaccadeError, suggest

SUFFIXES = (".mp4", ".m4v", ".mkv", ".webm", ".mov", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ts")
TABLE = "videos.csv"
COLUMNS = ("path", "label", "split", "cluster")  # of the table; the first two are needed


@dataclass(frozen=True)
class Video:
    """`split` is empty where nothing says it; videos of one `cluster` (a person, a recording) never fall into different
    splits."""

    name: str
    path: Path
    label: str
    split: str
    cluster: str


def look(raw: Path) -> tuple[dict[str, list[str]], str]:
    """({head: its classes, sorted}, a digest of what was found); ({}, "") where there is nothing yet.

    The digest changes with the videos, their sizes, labels, splits and clusters: then the data is prepared again.
    Raises SaccadeError where what is there can't be meant so, and where there are fewer than two classes.
    """
    videos = read(raw)
    if not videos:
        return {}, ""
    classes = sorted({video.label for video in videos})
    if len(classes) < 2:
        raise SaccadeError(
            f"{raw}: '{classes[0]}' is the only class (videos: {len(videos)}); a head needs a second one to tell it "
            "from"
        )
    facts = [f"{video.name}\0{video.label}\0{video.split}\0{video.cluster}\0{_size(video.path)}" for video in videos]
    return {"label": classes}, hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def read(raw: Path) -> list[Video]:
    """The videos of raw/videos.csv, or else of the class folders, sorted by name; empty where there is neither."""
    if (raw / TABLE).is_file():
        return sorted(_from_table(raw / TABLE), key=lambda video: video.name)
    return sorted(_from_folders(raw), key=lambda video: video.name) if raw.is_dir() else []


def _from_folders(raw: Path) -> Iterator[Video]:
    """raw/<class>/..., or raw/{train,val,test}/<class>/... where at least two of these three are there."""
    folders = _folders(raw)
    splits = [folder for folder in folders if folder.name in SPLITS]
    if len(splits) < 2:
        yield from _from_classes(raw, "", raw)
        return
    if others := [folder.name for folder in folders if folder not in splits]:
        raise SaccadeError(
            f"{raw}: beside {', '.join(folder.name for folder in splits)} lies {others[0]}; put it below one of them"
        )
    _no_loose_video(raw)
    for folder in splits:
        yield from _from_classes(folder, folder.name, raw)


def _from_classes(folder: Path, split: str, raw: Path) -> Iterator[Video]:
    """<class>/[<cluster>/.../]<video>: without a folder of its own a video is its own cluster; clusters may reach over
    classes."""
    _no_loose_video(folder)
    for own in _folders(folder):
        files = list(_videos_below(own))
        if not files:
            raise SaccadeError(
                f"{own} holds no video ({' '.join(SUFFIXES)}); remove the folder, or put videos of that class there"
            )
        for path in files:
            parts, name = path.relative_to(own).parts, path.relative_to(raw).as_posix()
            yield Video(name, path, own.name, split, parts[0] if len(parts) > 1 else name)


def _from_table(table: Path) -> Iterator[Video]:
    """One video per line; a path is absolute, or starts where the table lies."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        header = [name.strip() for name in reader.fieldnames or []]
        for column in header:
            if column not in COLUMNS:
                raise SaccadeError(f"{table}: unknown column '{column}'" + suggest(column, COLUMNS))
        if lacking := [column for column in COLUMNS[:2] if column not in header]:
            raise SaccadeError(f"{table}: the first line must name the columns; {' and '.join(lacking)} are missing")
        seen: dict[str, int] = {}
        without: set[bool] = set()
        for row in reader:
            where = f"{table}: line {reader.line_num}"
            values = [(value or "").strip() for value in row.values() if not isinstance(value, list)]
            if len(values) != len(row):
                raise SaccadeError(
                    f"{where} has more fields than the first line; a comma inside a field needs quotes around it"
                )
            video = _from_line(where, dict(zip(header, values, strict=True)), table.parent)
            if video.name in seen:
                raise SaccadeError(f"{where}: '{video.name}' is there already, in line {seen[video.name]}")
            seen[video.name] = reader.line_num
            without.add(not video.split)
            if len(without) > 1:
                raise SaccadeError(f"{where}: either every line names a split or none does")
            yield video


def _from_line(where: str, row: dict[str, str], folder: Path) -> Video:
    for column in COLUMNS[:2]:
        if not row[column]:
            raise SaccadeError(f"{where}: '{column}' is empty")
    split = row.get("split", "")
    if split and split not in SPLITS:
        raise SaccadeError(f"{where}: unknown split '{split}'" + suggest(split, SPLITS))
    return Video(row["path"], folder / row["path"], row["label"], split, row.get("cluster") or row["path"])


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _no_loose_video(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if _is_video(path):
            raise SaccadeError(f"{path} lies in no class folder; move it to {folder}/<class>/, or write {TABLE}")


def _videos_below(folder: Path) -> Iterator[Path]:
    """At any depth; links to folders are followed, once."""
    seen: set[str] = set()
    for here, below, files in os.walk(folder, followlinks=True):
        below[:] = sorted(name for name in below if not name.startswith("."))
        if (real := os.path.realpath(here)) in seen:
            below.clear()
            continue
        seen.add(real)
        yield from (Path(here, name) for name in sorted(files) if _is_video(Path(here, name)))


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def _size(path: Path) -> int:
    """In bytes; -1 where there is no such file, which `prepare` will name."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
