"""Kinetics-400 in miniature, as CVDF serves it: lists of flat archives, tables, an archive of replacements."""

from pathlib import Path
from typing import Any

SETTINGS: dict[str, object] = {"val_share": 0.3}  # in place of the card's
COUNTS = {"": {"train": 9, "test": 3}}
HOST = "s3.amazonaws.com/kinetics/400"
# (class, YouTube id, start, split): ids begin with `-` and `_`, too. The first two classes are those of both
# Mini-Kinetics, the third is AR-Net's alone, the fourth in neither.
CLIPS = (
    ("hurling (sport)", "0wR5jVB-WPk", 417, "train"),
    ("hurling (sport)", "-nQbRBEz2s0", 3, "train"),
    ("hurling (sport)", "_dbcJuKJQNs", 40, "train"),
    ("hurling (sport)", "__hurling_0", 0, "val"),
    ("passing American football (in game)", "a-passing_1", 12, "train"),
    ("passing American football (in game)", "-_passing-2", 1012, "train"),
    ("passing American football (in game)", "passing_3--", 7, "train"),
    ("passing American football (in game)", "passing_4_-", 9, "val"),
    ("using remote controller (not gaming)", "3e05mOB8Gvc", 21, "train"),
    ("using remote controller (not gaming)", "--remote-5_", 5, "train"),
    ("massaging person's head", "_massage_6-", 88, "train"),
    ("massaging person's head", "massage_7-_", 2, "val"),
    ("massaging person's head", "massage_8-_", 6, "test"),
)
DAMAGED = "passing_3--"  # its replacement is whole
SHIFTED = "passing_4_-"  # cut out at other seconds than the table says
DEEP = "home/somebody/kinetics/train"  # in an archive, as in part_120 (cvdf #21); the others are flat
UNLISTED = "unlisted_9-_000001_000011.mp4"


def publish(served: Path, tools: Any) -> None:
    """Archives of train in two parts, of val and of test in one. A video is damaged and replaced, another is cut out at
    other seconds than the table says, and one is in no table."""
    made = {split: dict[str, bytes]() for split in ("train", "val", "test", "replacement")}
    tables = {split: "label,youtube_id,time_start,time_end,split,is_cc\n" for split in ("train", "val", "test")}
    for number, (label, video, start, split) in enumerate(CLIPS):
        quoted = f'"{label}"' if " " in label else label
        tables[split] += f"{quoted},{video},{start},{start + 10},{split},0\n"
        begin = start + 1 if video == SHIFTED else start
        name, data = f"{video}_{begin:06d}_{begin + 10:06d}.mp4", tools.clip(number, "mp4")
        made[split][name] = data[:200] if video == DAMAGED else data
        if video == DAMAGED:
            made["replacement"][f"replacement_for_corrupted_k400/{name}"] = data
    made["val"][UNLISTED] = tools.clip(len(CLIPS), "mp4")
    parts = {
        "train/part_0": dict(list(made["train"].items())[::2]),
        "train/part_1": {f"{DEEP}/{name}": clip for name, clip in list(made["train"].items())[1::2]},
    }
    parts |= {"val/part_0": made["val"], "test/part_0": made["test"]}
    for name, members in parts.items():
        tools.tar_gz(served / HOST / f"{name}.tar.gz", members)
    tools.tar_gz(served / HOST / "replacement_for_corrupted_k400.tgz", made["replacement"])
    for split, table in tables.items():
        tools.made(served / HOST / f"annotations/{split}.csv").write_text(table)
        listed = [f"https://{HOST}/{name}.tar.gz" for name in parts if name.startswith(split)]
        (served / HOST / f"{split}/k400_{split}_path.txt").write_text("\n".join(listed) + "\n")
