"""What a dataset's own `prepare` gives, refused where it isn't what it must be. No torch."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saccade.records import TRUTH_COLUMNS, SaccadeError, first_few

if TYPE_CHECKING:
    import pandas as pd

VIDEO_COLUMNS = ["video_id", "split", "cluster", "path"]  # of its table of videos; one per head follows
OF_FOLDERS = {"fps": float, "first_frame": int, "frames": int}  # it may have these, too, where paths are folders


def tables_of(answer: Any, file: Path, truth: bool, heads: list[str]) -> "tuple[pd.DataFrame, pd.DataFrame | None]":
    """(videos, frames) as the dataset's own `prepare` gave them; frames, the ground truth, where the card says so."""
    import pandas as pd

    shape = f"(videos, {'truth' if truth else 'None'}): `videos`, a DataFrame of {', '.join([*VIDEO_COLUMNS, *heads])}"
    right = f"; it must give back {shape}{', and `truth`, one of ' + ', '.join(TRUTH_COLUMNS) if truth else ''}"
    if not isinstance(answer, tuple) or len(answer) != 2:
        given = f"{len(answer)} values" if isinstance(answer, tuple) else f"a {type(answer).__name__}"
        raise SaccadeError(f"{file}: `prepare` gives back {given}{right}")
    videos, frames = answer
    if not isinstance(videos, pd.DataFrame) or not isinstance(frames, pd.DataFrame | None):
        given = ", ".join(type(one).__name__ for one in answer)
        raise SaccadeError(f"{file}: `prepare` gives back ({given}){right}")
    if truth != (frames is not None):
        says, gives = ("true", "none") if truth else ("false", "some")
        raise SaccadeError(f"{file}: the card says `truth: {says}`, but `prepare` gives {gives}{right}")
    if frames is not None:
        _check_truth(frames, videos, file)
    return videos, frames


def _check_truth(frames: "pd.DataFrame", videos: "pd.DataFrame", file: Path) -> None:
    if lacking := [column for column in TRUTH_COLUMNS if column not in frames]:
        raise SaccadeError(
            f"{file}: the ground truth has no column {', '.join(lacking)}; it has {', '.join(frames.columns)}"
        )
    without = sorted(set(videos.get("video_id", ())) - set(frames["video_id"]))
    if without:
        raise SaccadeError(
            f"{file}: the ground truth lacks the frames of {first_few(without)}; each video needs its own"
        )


def paths_below(root: Path, videos: "pd.DataFrame") -> list[str]:
    """The path of each video, relative to the root."""
    return [
        os.path.relpath(path, root) if os.path.isabs(path) else os.path.normpath(path)
        for path in map(os.fspath, videos["path"].tolist())
    ]


def need_clusters_apart(videos: "pd.DataFrame", file: Path) -> None:
    """Raises SaccadeError where a cluster is in several splits."""
    pairs = videos[["cluster", "split"]].drop_duplicates()
    shared = pairs[pairs["cluster"].duplicated(keep=False)].groupby("cluster")["split"].unique()
    if named := [f"{name} ({', '.join(own)})" for name, own in shared.items()]:
        raise SaccadeError(
            f"{file}: clusters in several splits: {first_few(named)}; the card says `clusters_apart: true`"
        )
