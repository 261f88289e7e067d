"""Breakfast in miniature: a tar of videos whose file names repeat from camera to camera, a tar of coarse labels. The
addresses at Google Drive are dead."""

import io
import tarfile
from pathlib import Path
from typing import Any

SETTINGS: dict[str, object] = {"val_share": 0.3}  # in place of the card's
COUNTS = {edition: {"train": 9, "test": 3} for edition in ("", "s1", "s2", "s3", "s4")}
HOST = "huggingface.co/datasets/Serrelab/breakfast-actions/resolve/main"
PERSONS = ("P03", "P16", "P29", "P47")  # one of each of the page's splits
# (camera as the folders have it, as the labels have it, activity); the stereo camera has two channels
VIEWS = (("cam01", "cam01", "cereals"), ("stereo", "stereo01", "cereals"), ("webcam02", "webcam02", "scrambledegg"))


def publish(served: Path, tools: Any) -> None:
    """Four persons, three views of each that have labels, and the stereo camera's second channel, which hasn't."""
    videos, labels = dict[str, bytes](), dict[str, bytes]()
    for person in PERSONS:
        for folder, camera, activity in VIEWS:
            for channel in ("_ch0", "_ch1") if folder == "stereo" else ("",):
                name = f"BreakfastII_15fps_qvga_sync/{person}/{folder}/{person}_{activity}{channel}.avi"
                videos[name] = tools.clip(len(videos), "avi", fps=15)
                videos[f"{name}.labels"] = b"1-3 SIL \n4-8 take_bowl \n"
            name = f"segmentation_coarse/{activity}/{person}_{camera}_{person}_{activity}"
            labels[f"{name}.txt"] = b"1-3 SIL \n4-8 take_bowl \n"
            labels[f"{name}.xml"] = b"<annotation/>\n"
    _pack(tools.made(served / HOST / "BreakfastII_15fps_qvga_sync.tar.gz"), videos)
    _pack(tools.made(served / HOST / "segmentation_coarse.tar.gz"), labels)


def _pack(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
