"""Clips cut out of YouTube's videos and called `<id>_<start>_<end>`, as Kinetics has them: the rows of its tables, and
the files that hold them. No torch."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from saccade.acquire.lists import Row, table
from saccade.records import SaccadeError, first_few

ID = r"[0-9A-Za-z_-]{11}"  # may begin with `-` or `_`: a name is never split at `_`
NAME = re.compile(rf"({ID})_(\d+)_(\d+)")


@dataclass(frozen=True)
class Clip:
    """Seconds `start` to `end` of a video at YouTube."""

    youtube_id: str
    start: int
    end: int
    label: str

    @property
    def name(self) -> str:
        """`0wR5jVB-WPk_000417_000427`"""
        return f"{self.youtube_id}_{self.start:06d}_{self.end:06d}"


def id_of(path: Path) -> str:
    """The id of the video that a file was cut from."""
    return path.name[:11]


def clip_named(name: str, label: str) -> Clip | None:
    """The clip of this name; None where it is no clip's."""
    found = NAME.fullmatch(name)
    return Clip(found[1], int(found[2]), int(found[3]), label) if found else None


def read_clips(path: Path) -> list[Clip]:
    """The rows of a table with the columns label, youtube_id, time_start and time_end. Raises SaccadeError, naming the
    line, where one has no such id or times."""
    clips = []
    for where, row in table(path, ("label", "youtube_id", "time_start", "time_end")):
        if not re.fullmatch(ID, row["youtube_id"]):
            raise SaccadeError(f"{where}: '{row['youtube_id']}' is no video's id, 11 letters, digits, '-' and '_'")
        try:
            start, end = (int(float(row[column])) for column in ("time_start", "time_end"))
        except ValueError:
            raise SaccadeError(
                f"{where}: '{row['time_start']}' and '{row['time_end']}' aren't two times in seconds"
            ) from None
        clips.append(Clip(row["youtube_id"], start, end, row["label"]))
    return clips


def read_ids(path: Path) -> set[str]:
    """The column youtube_id of a table."""
    return {row["youtube_id"] for _, row in table(path, ("youtube_id",))}


def clip_rows(
    lists: Mapping[str, Sequence[Clip]],
    files: Iterable[Path],
    missing: Path,
    better: Callable[[Path, Clip], bool] = lambda path, clip: False,
) -> tuple[list[Row], list[str]]:
    """One row per clip of the lists, {split: clips}, and what is peculiar about them, a sentence each.

    A clip's file bears its name or, where there is none, begins with its video's id, if that names one clip alone: cut
    at other seconds, or named after the video only. Of several the `better` one is taken. A clip without a file is
    expected in the folder `missing`. The video is the cluster: one that is in the lists of train and of test, at
    whatever seconds, is tested on alone.
    """
    own = _FilesOfClips(files, {clip.name for clips in lists.values() for clip in clips}, better)
    tested = {clip.youtube_id for clip in lists.get("test", ())}
    rows, repeated, in_both = dict[str, Row](), list[str](), list[str]()
    for split, clips in lists.items():
        for clip in clips:
            if split != "test" and clip.youtube_id in tested:
                in_both.append(clip.name)
            elif clip.name in rows:
                repeated.append(clip.name)
            else:
                rows[clip.name] = row_of(clip, split, own.of(clip) or missing / f"{clip.name}.mp4")
    told = {
        "clips that are listed twice, taken as they are listed first": repeated,
        "clips for training, out of videos that are tested on, left out": in_both,
    }
    notes = [f"{what}: {len(names)} ({first_few(names)})" for what, names in told.items() if names]
    return list(rows.values()), notes


def is_replacement(path: Path, clip: Clip) -> bool:
    """Whether the file is one of those that CVDF gives in place of damaged ones of Kinetics-400."""
    return "replacement_for_corrupted_k400" in path.parts


def row_of(clip: Clip, split: str, path: Path) -> Row:
    """The clip's row of the dataset's table."""
    return {
        "video_id": clip.name,
        "split": split,
        "cluster": clip.youtube_id,
        "path": str(path),
        "label": clip.label,
    }


class _FilesOfClips:
    """Finds the files of the clips with these names."""

    def __init__(self, files: Iterable[Path], names: set[str], better: Callable[[Path, Clip], bool]) -> None:
        self._clips_of = Counter(name[:11] for name in names)
        self._better = better
        self._files: dict[str, list[Path]] = {}
        for path in files:
            self._files.setdefault(id_of(path), []).append(path)

    def of(self, clip: Clip) -> Path | None:
        alone = self._clips_of[clip.youtube_id] == 1
        found = [path for path in self._files.get(clip.youtube_id, ()) if alone or path.stem == clip.name]
        return min(
            found, default=None, key=lambda path: (not self._better(path, clip), path.stem != clip.name, str(path))
        )
