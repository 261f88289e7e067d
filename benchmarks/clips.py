"""Clips for the benchmarks: a texture that moves, 300 frames at 30 a second."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FRAMES = 300
CLIPS = {  # name: codec, its options, (width, height)
    "h264-gop250.mp4": ("libx264", {"crf": "23", "g": "250"}, (340, 256)),
    "h264-gop12.mp4": ("libx264", {"crf": "23", "g": "12"}, (340, 256)),
    "mpeg4.avi": ("mpeg4", {"qscale": "4"}, (320, 240)),
}


def make_clips(folder: Path) -> list[Path]:
    """Writes the clips into the folder; the paths."""
    for name, (codec, options, size) in CLIPS.items():
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=30, options=options)
            stream.width, stream.height, stream.pix_fmt, stream.codec_context.thread_count = *size, "yuv420p", 1
            for number, picture in enumerate(pictures(*size)):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 30)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return [folder / name for name in CLIPS]


def pictures(width: int, height: int) -> Iterator[np.ndarray]:
    """(H, W, 3) uint8 views of a larger texture, along an ellipse, with some noise of a camera."""
    draw = np.random.default_rng(0)
    texture = draw.integers(0, 256, (height // 8 + 20, width // 8 + 20, 3)).repeat(8, 0).repeat(8, 1)
    for angle in np.linspace(0, 4 * np.pi, FRAMES):
        top, left = int(70 + 70 * np.sin(angle)), int(70 + 70 * np.cos(1.3 * angle))
        noise = draw.normal(0, 3, (height, width, 1))
        yield np.clip(texture[top : top + height, left : left + width] + noise, 0, 255).astype(np.uint8)
