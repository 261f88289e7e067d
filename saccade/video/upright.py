"""Brings a decoded picture upright, as the file's display matrix says: phones store what they film as the sensor lies.
Its colours become full-range RGB.

The matrix (ISO/IEC 14496-12, Sec. 8.3.2; FFmpeg's AV_FRAME_DATA_DISPLAYMATRIX) sends the stored place (x, y) to
(a*x + c*y, b*x + d*y). Followed are its eight forms that send pixels to pixels; a picture turned by any other angle
stays as stored.
"""

import threading
from typing import Any, NamedTuple

import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

# libswscale's flags: bicubic, exact rounding, a colour for every pixel, the same bits on every machine. Without them it
# is off by 3 levels and repeats colours in squares. Planes (gbrp): it makes them 4 times as fast.
EXACT = 0x4 | 0x40000 | 0x2000 | 0x4000 | 0x80000
_OF_THREAD = threading.local()
_SLANTED = 0.0175  # how far a matrix may be from one of the eight: 1 degree, as in ffmpeg's own autorotation


class Turn(NamedTuple):
    """How to bring a stored picture upright: rows and columns change places, then the picture is mirrored from left to
    right, then from top to bottom, each where it says so."""

    transposed: bool = False
    across: bool = False
    down: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether the upright picture is a mirror image of the stored one."""
        return self.transposed ^ self.across ^ self.down

    @property
    def degrees(self) -> int:
        """By how much the upright picture is turned clockwise (after a mirroring from top to bottom, where it is
        mirrored): 0, 90, 180 or 270."""
        if self.transposed:
            return 270 if self.down else 90
        return 180 if self.across else 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) of the upright picture."""
        return (height, width) if self.transposed else (width, height)

    def upright(self, picture: np.ndarray) -> np.ndarray:
        """A view of the stored picture (H, W, ...) as it is shown."""
        if self.transposed:
            picture = picture.swapaxes(0, 1)
        return picture[:: -1 if self.down else 1, :: -1 if self.across else 1]


_QUARTERS = {1: Turn(True, True, False), 2: Turn(False, True, True), 3: Turn(True, False, True)}  # clockwise


def turn_of(frame: Any) -> Turn:
    """How a decoded frame is brought upright."""
    try:
        matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    except ValueError:  # PyAV knows no name for other data of the frame; what is left to ask doesn't tell mirror images
        quarters = round(-frame.rotation / 90) if frame.rotation % 90 in (0, 1, 89) else 0
        return _QUARTERS.get(quarters % 4, Turn())
    if matrix is None:
        return Turn()
    a, b, _, c, d, *_ = np.frombuffer(bytes(matrix), dtype=np.int32, count=9).astype(np.float64)
    for straight, crossed, turn in (
        ((a, d), (b, c), Turn(False, bool(a < 0), bool(d < 0))),
        ((b, c), (a, d), Turn(True, bool(c < 0), bool(b < 0))),
    ):
        if all(straight) and max(map(abs, crossed)) <= _SLANTED * min(map(abs, straight)):
            return turn
    return Turn()


def rgb_of(frame: Any, colours: str = "exact") -> np.ndarray:
    """(H, W, 3) uint8: the decoded frame upright, its colours converted exactly, or with `colours` pyav as by PyAV's
    `to_rgb`."""
    exact = colours != "pyav"
    shape = "gbrp" if exact and not frame.format.is_rgb else "rgb24"
    converted = _converter().reformat(frame, format=shape, interpolation=EXACT if exact else None, threads=1)
    return turn_of(frame).upright(converted.to_ndarray())


def need_colours(frame: Any) -> None:
    """Raises FFmpegError where libswscale can't make RGB of the frame's colours. It is asked for a few pixels, since a
    whole picture takes longer."""
    _converter().reformat(frame, 16, 16, "gbrp", threads=1)


def _converter() -> VideoReformatter:
    """This thread's. A frame has one of its own, too, but preparing it takes longer than converting a small frame."""
    if not hasattr(_OF_THREAD, "converter"):
        _OF_THREAD.converter = VideoReformatter()
    converter: VideoReformatter = _OF_THREAD.converter
    return converter
