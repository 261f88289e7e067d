"""UCF101 in miniature, as its publishers serve it: a flat zip of videos, a zip of lists."""

import zipfile
from pathlib import Path
from typing import Any

SETTINGS: dict[str, object] = {"val_share": 0.3}  # in place of the card's
COUNTS = {edition: {"train": 8, "test": 4} for edition in ("", "1", "2", "3")}
CLASSES = ("ApplyEyeMakeup", "HandstandPushups")
HOST, PAGE = "storage.googleapis.com/thumos14_files", "www.crcv.ucf.edu/data/UCF101"


def publish(served: Path, tools: Any) -> None:
    """Two classes of three groups, two videos each. The second class's files are written with another capital letter
    than the lists have. The lists' first address is dead."""
    names = [f"v_{label}_g{group:02d}_c{clip:02d}" for label in CLASSES for group in (1, 2, 3) for clip in (1, 2)]
    with zipfile.ZipFile(tools.made(served / HOST / "UCF101_videos.zip"), "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(f"UCF101/{name}.avi", tools.clip(number, "avi"))
    classes = (Path(__file__).parent / "classes.txt").read_text(encoding="utf-8").split()
    with zipfile.ZipFile(tools.made(served / PAGE / "UCF101TrainTestSplits-RecognitionTask.zip"), "w") as archive:
        index = "".join(f"{number} {name}\n" for number, name in enumerate(classes, 1))
        archive.writestr("ucfTrainTestlist/classInd.txt", index)
        for fold in (1, 2, 3):
            listed = [f"{name.split('_')[1]}/{name.replace('Handstand', 'HandStand')}.avi" for name in names]
            test = [entry for entry in listed if f"_g0{fold}_" in entry]
            train = [f"{one} {classes.index(one.split('/')[0]) + 1}" for one in listed if one not in test]
            archive.writestr(f"ucfTrainTestlist/trainlist0{fold}.txt", "\r\n".join(train) + "\r\n")
            archive.writestr(f"ucfTrainTestlist/testlist0{fold}.txt", "\r\n".join(test) + "\r\n")
