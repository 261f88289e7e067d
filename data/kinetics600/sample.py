"""Kinetics-600 in miniature, as CVDF and ActivityNet serve it: for train and val an archive per class, whose names hold
blanks; for test archives in parts; tables that don't know each delivered video."""

from pathlib import Path
from typing import Any

SETTINGS: dict[str, object] = {"val_share": 0.3}  # in place of the card's
COUNTS = {"": {"train": 9, "test": 4}}
HOST = "s3.amazonaws.com/kinetics/600"
TABLES = (
    "raw.githubusercontent.com/activitynet/ActivityNet/530ac3acc4d46cf8b1916599c6185224f17c6f54/Crawler/Kinetics/data"
)
CLASSES = (
    "curling (sport)",
    "massaging person's head",
    "throwing ball (not baseball or American football)",
)
BEYOND = "-_beyond-_1_000003_000013.mp4"  # of train, in no table
BEYOND_OF_VAL = "-_beyond-_2_000001_000011.mp4"
REPACKED = CLASSES[
    1
]  # of val, as "mountain climber (exercise)" is: on a Mac, which adds `._` files, in a folder (cvdf #5)
MAC = bytes.fromhex("0005160700020000") + bytes(18)  # the head of such a file


def publish(served: Path, tools: Any) -> None:
    """Of each class three videos to train on, one to test on; one more to test on. One of each split is in no table,
    but in the archive of its class."""
    tables = {"train": "label,youtube_id,time_start,time_end,split\n"}
    tables |= {"val": tables["train"], "test": "youtube_id,time_start,time_end,split\n"}
    archives: dict[str, dict[str, bytes]] = {"test/part_0": {}}
    number = 0
    for label in CLASSES:
        for split in ("train", "train", "train", "val"):
            number += 1
            name = f"-{number:02d}_{label[:6]:_<6}_".replace(" ", "-")
            clip = f"{name}_{number:06d}_{number + 10:06d}.mp4"
            if number == 1:
                clip = BEYOND
            else:
                tables[split] += f"{label},{name},{number},{number + 10},{split}\n"
            archives.setdefault(f"{split}/{label}", {})[clip] = tools.clip(number, "mp4")
    archives[f"val/{CLASSES[0]}"][BEYOND_OF_VAL] = tools.clip(13, "mp4")
    repacked = archives[f"val/{REPACKED}"].items()
    inside = {
        f"{REPACKED}/{begin}{name}": data or MAC for name, clip in repacked for begin, data in (("._", b""), ("", clip))
    }
    archives[f"val/{REPACKED}"] = {f"._{REPACKED}": MAC, **inside}
    tables["test"] += "-test_-_-14,14,24,test\n"
    archives["test/part_0"]["-test_-_-14_000014_000024.mp4"] = tools.clip(14, "mp4")
    for name, members in archives.items():
        tools.tar_gz(served / HOST / f"{name}.tar.gz", members)
    for split, table in tables.items():
        tools.made(served / TABLES / f"kinetics-600_{split}.csv").write_text(table)
        listed = [f"https://{HOST}/{name}.tar.gz" for name in archives if name.startswith(split)]
        tools.made(served / HOST / f"{split}/k600_{split}_path.txt").write_text("\n".join(listed) + "\n")
