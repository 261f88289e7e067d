"""A few made-up videos laid out as a user lays them out, for the tests."""

import itertools
from pathlib import Path

import av
import numpy as np

SETTINGS: dict[str, object] = {}  # in place of the card's


def write(raw: Path) -> None:
    """Two classes of three persons each, two videos a person."""
    videos = itertools.product(("jump", "wave"), ("ann", "bob", "cem"), range(2))
    for place, (label, person, number) in enumerate(videos):
        write_video(raw / label / person / f"{number}.mp4", grey=15 * place)


def write_video(path: Path, grey: int, frames: int = 6, side: int = 48) -> None:
    """A grey video in H.264."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=6)
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        stream.codec_context.thread_count = 1
        # else it reads memory that nobody wrote
        stream.codec_context.options = {"x264-params": "threads=1:lookahead-threads=1:no-mbtree=1"}
        for number in range(frames):
            picture = np.full((side, side, 3), grey + 8 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
