"""A decoded frame as x264 takes it: smaller, upright, with even sides, in yuv420p."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from saccade.video.upright import EXACT, Turn, turn_of

_UNSPECIFIED, _BT601, _RGB = 2, 6, 0  # AVColorSpace: H.264 Table E-5, matrix_coefficients


class Shaper:
    """Gives each frame of a video the same size: the short side at most `short_side` pixels, the other in proportion,
    both even and neither larger than it was."""

    def __init__(self, short_side: int) -> None:
        self._short_side = short_side
        self._scaling, self._turning = VideoReformatter(), VideoReformatter()

    def size(self, frame: Any) -> tuple[int, int]:
        """(width, height) of the new, upright picture."""
        width, height = turn_of(frame).size(frame.width, frame.height)
        scale = min(Fraction(self._short_side, min(width, height)), Fraction(1))
        return _even(width * scale, width), _even(height * scale, height)

    def aspect(self, frame: Any, aspect: Fraction) -> Fraction:
        """The new pixel's width by its height, from the stored one's."""
        return 1 / aspect if turn_of(frame).transposed else aspect

    def colours(self, frame: Any) -> Mapping[str, int]:
        """What the new file says of its colours. A matrix that the old one doesn't name is the one that it is read
        with, BT.601."""
        names = ("color_primaries", "color_trc")
        known = not frame.format.is_rgb and frame.colorspace not in (_UNSPECIFIED, _RGB)
        matrix = frame.colorspace if known else _BT601
        return {name: getattr(frame, name) for name in names} | {"colorspace": matrix, "color_range": _range(frame)}

    def shaped(self, frame: Any) -> Any:
        """The frame, upright and of the new size."""
        turn = turn_of(frame)
        if turn == Turn():
            return self._scaled(frame, *self.size(frame), "yuv420p")
        # in planes of one size, so that colours turn about the same middle as the rest
        stored = self._scaled(frame, *turn.size(*self.size(frame)), "yuv444p")
        planes = np.moveaxis(turn.upright(np.moveaxis(stored.to_ndarray(), 0, -1)), -1, 0)
        upright = av.VideoFrame.from_ndarray(np.ascontiguousarray(planes), format="yuv444p")
        upright.colorspace, upright.color_range = stored.colorspace, stored.color_range
        return self._turning.reformat(upright, format="yuv420p", interpolation=EXACT, threads=1)

    def _scaled(self, frame: Any, width: int, height: int, kind: str) -> Any:
        target = Colorspace.ITU601 if frame.format.is_rgb else None
        return self._scaling.reformat(
            frame,
            width,
            height,
            kind,
            dst_colorspace=target,
            interpolation=EXACT,
            dst_color_range=_range(frame),
            threads=1,
        )


def _range(frame: Any) -> int:
    """Full where the frame says so; RGB becomes limited, as players expect."""
    full = frame.color_range == ColorRange.JPEG and not frame.format.is_rgb
    return int(ColorRange.JPEG if full else ColorRange.MPEG)


def _even(length: Fraction, most: int) -> int:
    """The nearest even number, 2 at least, that is no larger than `most`."""
    return max(2, min(2 * round(length / 2), most - most % 2))
