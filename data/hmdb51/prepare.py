"""Indexes HMDB51 by its published lists, a file per class and fold."""

from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import hold_out, lines, refuse_repeats
from saccade.acquire.raw import RawFiles
from saccade.records import SaccadeError

SPLITS = {"1": "train", "2": "test", "0": ""}  # of the fold; videos marked 0 are used in another one


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per video that the fold uses, found by its name wherever it lies below raw/. The film that it was cut
    from, which its name begins with, is its cluster."""
    files = RawFiles(raw.parent)
    classes = (Path(__file__).parent / "classes.txt").read_text(encoding="utf-8").split("\n")[:-1]
    rows, unused = list[dict[str, Any]](), set[Path]()
    for label in classes:
        for where, line in lines(files.named(f"{label}_test_split{settings.fold}.txt")):
            row, split = _row(line, label, where, files)
            if split:
                rows.append(row | {"split": split})
            else:
                unused.add(Path(row["path"]))
    refuse_repeats(rows, files.raw)
    videos = pd.DataFrame(hold_out(rows, settings.val_share))
    videos.attrs = {"unlisted": files.unlisted(set(map(Path, videos["path"])) | unused)}
    return videos, None


def _row(line: str, label: str, where: str, files: RawFiles) -> tuple[dict[str, Any], str]:
    """Of `April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1`. Names hold brackets, `#`, `!` and perhaps blanks, and a title
    may hold the class, too."""
    entry, mark = (line.rsplit(None, 1) + [""])[:2]
    if mark not in SPLITS or not entry.endswith(".avi"):
        raise SaccadeError(f"{where}: '{line}' isn't a video's name and 0, 1 or 2")
    name = entry.removesuffix(".avi")
    film, found, _ = name.rpartition(f"_{label}_")
    if not found:
        raise SaccadeError(f"{where}: '{entry}' doesn't name its class, {label}")
    path = files.video(f"{label}/{name}") or files.video(name) or files.raw / "videos" / label / entry
    return {"video_id": name, "cluster": film, "path": str(path), "label": label}, SPLITS[mark]
