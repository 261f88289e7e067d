"""A video of numbered pictures in a folder, as some datasets are published: all of them, or those from one number to
another. No torch.

The pictures are named alike but for their number, which has as many digits in each: frame_0000000001.jpg. Pillow
decodes them: published codes read such folders by Pillow or OpenCV, which both have libjpeg's pixels, and FFmpeg's
differ (by up to 12 levels in a frame of 340x256, 0.4 on average). The setting `colours` changes nothing, as JPEG itself
says what its colours mean (JFIF: BT.601, full range).
"""

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np

from saccade.video.container import VideoError

_PICTURE = re.compile(r"(.*?)(\d+)(\.jpe?g|\.png)", re.IGNORECASE)


class Naming(NamedTuple):
    """How the pictures of a folder are called: what stands before the number, its digits, and what stands behind."""

    before: str
    digits: int
    behind: str

    def name(self, number: int) -> str:
        return f"{self.before}{number:0{self.digits}d}{self.behind}"


@dataclass(frozen=True)
class FrameFolder:
    """Stands in the place of a file's path. folder: where the pictures lie; first: the number in the name of frame 0;
    frames: how many there are. A frame costs the decoding of one picture, whichever were asked for before."""

    folder: Path
    first: int
    frames: int

    planned = True  # as `Packets` has it

    def __str__(self) -> str:
        return str(self.folder)

    def decode(self, wanted: Collection[int]) -> Iterator[tuple[int, Any]]:
        """(number, frame) of each frame wanted, in order of number. Raises VideoError where one is outside of the video
        or can't be read."""
        naming = naming_of(self.folder)
        for number in sorted(set(wanted)):
            if not 0 <= number < self.frames:
                raise VideoError(f"{self}: frame {number} was asked for; it has frames 0 to {self.frames - 1}")
            with picture(self.folder / naming.name(self.first + number)) as image:
                rgb = np.asarray(image.convert("RGB"))
            yield number, av.VideoFrame.from_ndarray(rgb, format="rgb24")

    def decoded_for(self, wanted: Collection[int]) -> int:
        """How many frames `decode` gives for those wanted."""
        return len(set(wanted))

    def group_of(self, number: int) -> tuple[int, int]:
        """The first frame that has to be decoded for this one, and that behind the last: the frame alone."""
        return number, number + 1


def place_of(root: Path, row: Mapping[str, Any]) -> Path | FrameFolder:
    """Where the video of an index's row is: its file, or its pictures."""
    path = root / row["path"]
    return FrameFolder(path, int(row["first_frame"]), int(row["frames"])) if path.is_dir() else path


def state_of(path: str | Path, first: int, frames: int) -> tuple[int, int] | None:
    """(bytes, when it was changed in ns) of a video that an index names so; None where it isn't there.

    A folder is asked for the bytes of the video's first and of its last picture: in most cases enough to see that they
    are others, and soon done. It changes when pictures come, go or are renamed.
    """
    try:
        found = os.stat(path)
        if stat.S_ISREG(found.st_mode):
            return found.st_size, found.st_mtime_ns
        naming = naming_of(Path(path))
        ends = [os.stat(Path(path, naming.name(number))).st_size for number in (first, first + frames - 1)]
    except (OSError, VideoError):
        return None  # a pipe is no folder either
    return sum(ends), found.st_mtime_ns


@contextmanager
def picture(path: Path) -> Iterator[Any]:
    """Pillow's open image, of which only the header was read. Raises VideoError where it can't be read, or decoded
    while it is open."""
    from PIL import Image  # here, for who has no need of it

    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if not path.is_file():
            raise VideoError(f"{path}: no such file") from None
        why = str(error).replace(f" {str(path)!r}", "") if path.stat().st_size else "the file is empty (0 bytes)"
        raise VideoError(f"{path}: {why}") from None


@lru_cache(maxsize=2**16)
def naming_of(folder: Path) -> Naming:
    """Of the first picture that the folder lists; all of its pictures are called alike, which `prepare` makes sure of.
    Raises VideoError where it holds none."""
    try:
        with os.scandir(folder) as entries:
            found = next((one for entry in entries if (one := numbered(entry.name))), None)
    except OSError as error:
        raise VideoError(f"{folder}: {error.strerror or error}") from None
    if not found:
        raise VideoError(f"{folder}: holds no pictures with a number in their names, as frame_0000000001.jpg")
    return found[0]


def numbered(name: str) -> tuple[Naming, int] | None:
    """How a picture is called, and its number; None of other files."""
    found = _PICTURE.fullmatch(name)
    return (Naming(found[1], len(found[2]), found[3]), int(found[2])) if found else None
