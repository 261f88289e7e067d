"""Indexes Charades by its two published tables."""

from pathlib import Path
from typing import Any

import pandas as pd

from saccade.acquire.lists import Row, hold_out, lines, refuse_repeats, table
from saccade.acquire.raw import RawFiles
from saccade.records import SaccadeError

COLUMNS = ("id", "subject", "actions")  # of eleven; `actions` is empty, or `c092 11.90 21.20;c147 0.00 12.60`
SMALL = "Charades_v1_480"  # the folder of the smaller of two archives


def prepare(settings: Any, raw: Path, seed: int, workers: int) -> tuple[pd.DataFrame, None]:
    """One row per video of the tables, with the classes of its actions, each once. A subject, who films at home, is a
    cluster."""
    files = RawFiles(raw.parent)
    classes = _classes(files.named("Charades_v1_classes.txt"))
    rows: list[Row] = []
    for split in ("train", "test"):
        path = files.named(f"Charades_v1_{split}.csv")
        rows += [_row(fields, split, where, classes, files) for where, fields in table(path, COLUMNS)]
    refuse_repeats(rows, path.parent)
    unlisted = files.unlisted({Path(str(row["path"])) for row in rows})
    rows = [row for row in rows if row["actions"] or not settings.labelled]
    videos = pd.DataFrame(hold_out(rows, settings.val_share))
    videos.attrs = {"classes": {"actions": list(classes.values())}, "unlisted": unlisted}
    return videos, None


def _classes(path: Path) -> dict[str, str]:
    """{code: class} of lines like `c000 Holding some clothes`, whose codes count from 0."""
    classes = {}
    for number, (where, line) in enumerate(lines(path)):
        code, _, name = line.partition(" ")
        if code != f"c{number:03}":
            raise SaccadeError(f"{where}: '{code}' where c{number:03} is next; it isn't the list that was published")
        classes[code] = name
    return classes


def _row(fields: dict[str, str], split: str, where: str, classes: dict[str, str], files: RawFiles) -> Row:
    codes = sorted({action.partition(" ")[0] for action in fields["actions"].split(";")} - {""})
    if unknown := [code for code in codes if code not in classes]:
        raise SaccadeError(f"{where}: action '{unknown[0]}' is none of the {len(classes)} of Charades_v1_classes.txt")
    path = files.video(fields["id"], preferred=SMALL) or files.raw / "videos" / SMALL / SMALL / f"{fields['id']}.mp4"
    return {
        "video_id": fields["id"],
        "split": split,
        "cluster": fields["subject"],
        "path": str(path),
        "actions": [classes[code] for code in codes],
    }
