"""Mini-Kinetics in miniature: lists of Kinetics-400's miniature, as their authors' repositories serve them."""

from pathlib import Path
from typing import Any

from saccade.project import load_module

SETTINGS: dict[str, object] = {"val_share": 0.3}  # in place of the card's
COUNTS = {"": {"train": 6, "test": 2}, "xie": {"train": 4, "test": 1}, "ar": {"train": 8, "test": 2}}
XIE = "raw.githubusercontent.com/s9xie/Mini-Kinetics-200/master"
AR = "raw.githubusercontent.com/mengyuest/AdaFuse/91c3a5d5ba524bb8cd847fd8a076a220fae0050f/data/kinetics"


def publish(served: Path, tools: Any) -> None:
    """Xie's lists have two training videos of each of two classes; AR-Net's have all of three, and end without a line's
    end."""
    here = Path(__file__).parent
    clips = load_module(here.parent / "kinetics400/sample.py").CLIPS
    (tools.made(served / AR / "minik_classInd.txt")).write_bytes((here / "ar.txt").read_bytes())
    classes = {name: (here / f"{name}.txt").read_text(encoding="utf-8").splitlines() for name in ("xie", "ar")}
    for split in ("train", "val"):
        chosen, folders = list[str](), list[str]()
        for label, video, start, theirs in clips:
            if theirs == split and label in classes["xie"]:
                chosen.append(video)
            if theirs == split and label in classes["ar"]:
                number = classes["ar"].index(label)
                folders.append(f"images/{split}/{label}/{video}_{start:06d}_{start + 10:06d} 300 {number}")
        chosen = [chosen[place] for place in (0, 1, 3, 4)] if split == "train" else chosen[:1]
        tools.made(served / XIE / f"{split}_ytid_list.txt").write_text("".join(f"{video}\n" for video in chosen))
        (served / AR / f"mini_{split}_videofolder.txt").write_text("\n".join(reversed(folders)))
