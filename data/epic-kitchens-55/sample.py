"""EPIC-KITCHENS-55 in miniature: tables at GitHub, a tar of frames per video at Bristol."""

import csv
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

SETTINGS: dict[str, object] = {"val_share": 0.3}  # in place of the card's
COUNTS = {"": {"train": 8, "test": 4}}
GITHUB = "raw.githubusercontent.com/epic-kitchens"
LABELS = f"{GITHUB}/epic-kitchens-55-annotations/497340471688be0d97f8b45d4f338785406f3a05"
CLASSES = f"{GITHUB}/epic-kitchens-55-annotations/06f95d83eb98485fe40b8d9b4887e41a2e91c0b3"
SUMS = f"{GITHUB}/epic-kitchens-download-scripts/93d89a783194fd8fee54e39316566cfb912597c7/data"
BRISTOL = "data.bris.ac.uk/datasets/3h91syskeag572hl6tvuovwv4d"
HEADER = (
    "uid,participant_id,video_id,narration,start_timestamp,stop_timestamp,start_frame,stop_frame,"
    "verb,verb_class,noun,noun_class,all_nouns,all_noun_classes"
)
FRAMES = 24  # of each video
# (uid, video, start_frame, stop_frame, verb, noun). Numbers are left out, segments overlap, one begins with its video,
# one outlasts it. P01_18 and P02_09 are of those that are tested.
SEGMENTS = (
    (0, "P01_01", 0, 9, 2, 8),
    (45, "P01_01", 5, 14, 7, 69),
    (120, "P01_01", 12, 27, 8, 185),
    (121, "P01_18", 1, 10, 2, 8),
    (130, "P01_18", 8, 20, 7, 69),
    (2001, "P02_09", 3, 12, 2, 8),
    (2002, "P02_09", 12, 22, 0, 1),
    (3000, "P08_07", 2, 11, 2, 8),
    (3001, "P08_07", 11, 21, 0, 1),
    (3004, "P08_07", 4, 16, 124, 351),
    (39235, "P31_01", 1, 12, 7, 69),
    (39236, "P31_01", 9, 24, 0, 0),
)


def publish(served: Path, tools: Any) -> None:
    """Five videos of 24 frames and twelve segments. The list of sums names videos, flow, test videos and errata, too,
    which nobody asks for."""
    for head in ("verb", "noun"):
        tools.made(served / CLASSES / f"EPIC_{head}_classes.csv").write_bytes(classes_table(head))
    tools.made(served / LABELS / "EPIC_train_action_labels.csv").write_bytes(segments_table())
    sums = []
    for number, video in enumerate(sorted({segment[1] for segment in SEGMENTS})):
        place = f"frames_rgb_flow/rgb/train/{video[:3]}/{video}.tar"
        data = _tar([tools.picture(FRAMES * number + frame) for frame in range(FRAMES)])
        tools.made(served / BRISTOL / place).write_bytes(data)
        sums.append((hashlib.md5(data).hexdigest(), place, "55"))
        sums.append(("0" * 32, place.replace("rgb/", "flow/"), "55"))
        sums.append(("0" * 32, f"videos/train/{video[:3]}/{video}.MP4", "55"))
    sums.append(("0" * 32, "frames_rgb_flow/rgb/test/P01/P01_11.tar", "55"))
    sums.append(("0" * 32, "P01/rgb_frames/P01_109.tar", "errata"))
    text = _csv(["md5", "file_remote_path", "version"], sums, "\n").removesuffix(b"\n")
    tools.made(served / SUMS / "md5.csv").write_bytes(text)


def classes_table(head: str) -> bytes:
    """The published table of a head's classes, with the line ends of Windows."""
    names = (Path(__file__).parent / f"{head}s.txt").read_text(encoding="utf-8").split("\n")[:-1]
    rows = [[number, name, f"['{name}', 'another word']"] for number, name in enumerate(names)]
    return _csv([f"{head}_id", "class_key", f"{head}s"], rows, "\r\n")


def segments_table() -> bytes:
    """The published table of segments; both columns of lists are text, and may be of unlike length."""
    rows = []
    for uid, video, start, stop, verb, noun in SEGMENTS:
        times = [f"00:00:{number / 60:05.2f}" for number in (start, stop)]
        shown = [start, stop, "pour", verb, "courgette", noun, "['courgette', 'pan']", f"[{noun}]"]
        rows.append([uid, video[:3], video, "pour courgette, then stir", *times, *shown])
    return _csv(HEADER.split(","), rows, "\n")


def _tar(pictures: list[bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for number, data in enumerate(pictures, 1):
            about = tarfile.TarInfo(f"./frame_{number:010d}.jpg")
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return file.getvalue()


def _csv(header: list[str], rows: list[Any], ending: str) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator=ending).writerows([header, *rows])
    return file.getvalue().encode()
