"""What a folder of pictures holds as a video, or as several: which are there, and whether they can be read."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from saccade.records import first_few
from saccade.video.container import VideoError
from saccade.video.frame_folder import Naming, numbered, picture, state_of
from saccade.video.probe import VideoInfo


def probe_folder(
    folder: Path, fps: float | None, first: int | None = None, frames: int | None = None, whole: bool = True
) -> tuple[int, VideoInfo]:
    """(number in the name of the first picture, what the video holds): of all pictures, or of `frames` from the number
    `first` on, shown `fps` a second.

    Each picture is decoded or, where not `whole`, its header read. Raises VideoError where there are none, one is
    missing or can't be read, they differ in size or in how they are called, and where nobody says how many a second.
    """
    if not fps or not fps > 0:
        raise VideoError(f"{folder}: a folder of pictures has no frame rate of its own; its dataset must give `fps`")
    naming, numbers = _listed(folder, folder.stat().st_mtime_ns)
    lowest, highest = int(numbers[0]), int(numbers[-1])
    first = lowest if first is None else first
    frames = highest - first + 1 if frames is None else frames
    if frames < 1 or first < lowest or first + frames - 1 > highest:
        raise VideoError(
            f"{folder}: pictures {first} to {first + frames - 1} were asked for; it has {lowest} to {highest}"
        )
    wanted = np.arange(first, first + frames)
    if len(missing := np.setdiff1d(wanted, numbers, assume_unique=True)):
        raise VideoError(f"{folder}: lacks {first_few([naming.name(number) for number in missing.tolist()])}")
    width, height = _size([folder / naming.name(number) for number in wanted.tolist()], whole)
    state = state_of(folder, first, frames)
    return first, VideoInfo(
        frames=frames,
        fps=float(fps),
        duration_s=frames / fps,
        width=width,
        height=height,
        audio=False,
        bytes=state[0] if state else 0,
        times_s=tuple((np.arange(frames) / fps).tolist()),
        rotation=0,
        mirrored=False,
        pixel_aspect=1.0,
        interlaced=False,
        video_tracks=1,
    )


def _size(pictures: list[Path], whole: bool) -> tuple[int, int]:
    """(width, height) of each of these pictures."""
    size = (0, 0)
    for number, path in enumerate(pictures):
        with picture(path) as image:
            if whole:
                image.load()
            own: tuple[int, int] = image.size
        size = size if number else own
        if own != size:
            raise VideoError(f"{path}: is {own[0]}x{own[1]}, those before {size[0]}x{size[1]}; make all of one size")
    return size


@lru_cache(maxsize=4)  # a long folder is the place of hundreds of videos, one behind the other in their list
def _listed(folder: Path, changed: int) -> tuple[Naming, np.ndarray]:
    """How the folder's pictures are called, and their numbers (N,), sorted."""
    found = [one for path in folder.iterdir() if (one := numbered(path.name))]
    namings = sorted({naming for naming, _ in found})
    if not namings:
        raise VideoError(f"{folder}: holds no pictures with a number in their names, as frame_0000000001.jpg")
    if len(namings) > 1:
        names = [next(naming.name(number) for naming, number in found if naming == one) for one in namings]
        raise VideoError(
            f"{folder}: its pictures are called in different ways: {first_few(names)}; they may differ in their "
            "numbers alone, of equally many digits"
        )
    return namings[0], np.sort(np.array([number for _, number in found], dtype=np.int64))
